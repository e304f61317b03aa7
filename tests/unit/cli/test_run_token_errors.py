"""What `fullsend run-token` refuses has the form of every error: what happened, then one `Fix:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from fullsend_sandbox.keys import KeyPool, pem

if TYPE_CHECKING:
    from pathlib import Path

APP = {"GITHUB_APP_ID": "1", "GITHUB_APP_INSTALLATION_ID": "2"}
OPEN = {"CODEX_NET_MODE": "online_allowlist", "CODEX_NET_ALLOWLIST": "example.com"}


@pytest.fixture
def key(tmp_path: Path, rsa_keys: KeyPool) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(rsa_keys.next_key()))
    return path


@pytest.mark.parametrize(
    ("words", "environment", "what", "fix"),
    [
        ("mint", {}, "the environment is not complete:", "Set the variables"),
        ("runner-token", APP, "runner-token needs an owner.", "Give --owner"),
        ("mint", APP | {"CODEX_NET_MODE": ""}, "CODEX_NET_MODE is not set.", "set CODEX_NET_MODE=online_allowlist"),
        (
            "mint",
            APP | OPEN,
            "the network guard does not allow api.github.com.",
            "set CODEX_NET_ALLOWLIST=example.com,api.github.com",
        ),
    ],
)
def test_a_refusal_says_what_to_do(words: str, environment: dict[str, str], what: str, fix: str, key: Path) -> None:
    given = dict.fromkeys((*APP, *OPEN, "GITHUB_API_URL", "GITHUB_APP_PRIVATE_KEY_PEM"))
    place = {"GITHUB_APP_PRIVATE_KEY_PATH": str(key)}
    done = CliRunner().invoke(cli, ["run-token", words], env=given | place | environment)
    assert done.exit_code == 2, done.output
    first, *rest = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert first.endswith(what)
    assert [line for line in rest if line.startswith("Fix: ")] == [rest[-1]]
    assert rest[-1].startswith(f"Fix: {fix}")
