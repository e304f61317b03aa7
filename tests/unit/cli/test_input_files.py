"""Commands read regular files, and pipes that the shell opened; other files would make them wait."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from fullsend.explain.input_errors import UnusableInputError
from fullsend.explain.text_file import read_text
from fullsend.failure import BadInput
from fullsend.operate.plan.pem_file import read_pem
from fullsend.run_token.settings import SettingsError, read_settings
from fullsend.token_source import token_of_file
from fullsend_sandbox.keys import KeyPool, pem
from mintcore.policy.names import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "ghs_" + "a1B2" * 9


def _run_token_settings(path: Path) -> object:
    return read_settings(
        {"GITHUB_APP_ID": "1", "GITHUB_APP_INSTALLATION_ID": "2", "GITHUB_APP_PRIVATE_KEY_PATH": str(path)}
    )


READERS: dict[str, Callable[[Path], object]] = {
    "pem": lambda path: read_pem(path, Role("triage")),
    "text": read_text,
    "token": lambda path: token_of_file(path, "Give a file."),
    "run-token": _run_token_settings,
}


@pytest.fixture(params=["pipe", "socket", "device", "link to a pipe"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "special"
    with socket.socket(socket.AF_UNIX) as server:
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "socket":
            server.bind(str(path))
        elif request.param == "device":
            path = Path("/dev/zero")
        else:
            os.mkfifo(tmp_path / "pipe")
            path.symlink_to("pipe")
        yield path


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_a_socket_and_a_device_are_refused_at_once(reader: str, special: Path) -> None:
    with pytest.raises((BadInput, SettingsError, UnusableInputError)) as refused:
        READERS[reader](special)
    assert "is not a regular file" in str(refused.value)


@pytest.mark.parametrize("words", ["audit find --repo o/r", "mint doctor --project p --events"])
def test_a_log_that_is_a_pipe_is_a_usage_error(words: str, special: Path) -> None:
    done = CliRunner().invoke(cli, [*words.split(), str(special)])
    assert done.exit_code == 2
    assert "it is not a regular file" in done.stderr


def test_a_log_in_a_pipe_of_the_shell_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a line\n")
    os.close(writing)
    try:
        done = CliRunner().invoke(cli, ["audit", "find", "--repo", "o/r", f"/dev/fd/{reading}"])
    finally:
        os.close(reading)
    assert "No audit event was found" in done.stderr


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_of_the_shell_is_read(reader: str, rsa_keys: KeyPool) -> None:
    """As with ``--pem <(vault read ...)``."""
    reading, writing = os.pipe()
    os.write(writing, pem(rsa_keys.next_key()) if reader in {"pem", "run-token"} else TOKEN.encode())
    os.close(writing)
    try:
        assert READERS[reader](Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
