"""A key file whose line breaks are written as two characters is the same key everywhere."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.plan.pem_file import read_pem
from fullsend.operate.plan.role_changes import fingerprint
from fullsend.run_token.settings import PATH, SettingsError, read_settings
from fullsend_sandbox.keys import new_key, pem
from mintcore.policy.names import Role
from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLE = Role("triage")
RUN = {"GITHUB_APP_ID": "1", "GITHUB_APP_INSTALLATION_ID": "2"}


@pytest.fixture(scope="module")
def text() -> str:
    """Give a private key as GitHub offers it."""
    return pem(new_key()).decode()


def test_an_escaped_key_file_is_read_as_pem(text: str, tmp_path: Path) -> None:
    path = tmp_path / "escaped.pem"
    path.write_text(text.replace("\n", "\\n"))
    key = read_pem(path, ROLE)
    assert key.reveal().strip() == text.strip()
    assert fingerprint(key) == fingerprint(Secret(text))


def test_a_stored_key_with_escapes_has_the_same_fingerprint(text: str) -> None:
    assert fingerprint(Secret(text.replace("\n", "\\n"))) == fingerprint(Secret(text))


def test_run_token_reads_escapes_in_a_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "escaped.pem"
    path.write_text(text.replace("\n", "\\n"))
    assert read_settings(RUN | {PATH: str(path)}).key.key_size == 2048


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text * 2, "several private keys"),
        (lambda text: base64.b64encode(text.encode()).decode(), "base64 of PEM"),
        (lambda _: "SHA256:" + "A" * 43 + "=", "fingerprint"),
        (lambda _: "0123456789abcdef" * 2 + "01234567", "client secret"),
    ],
)
def test_run_token_names_what_a_key_file_holds_instead(
    text: str, tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    path = tmp_path / "key.pem"
    path.write_text(change(text))
    with pytest.raises(SettingsError, match=words):
        read_settings(RUN | {PATH: str(path)})
