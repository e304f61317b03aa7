"""`mint exec` refuses a command that the system cannot start before it mints, and says why and what to change."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fullsend.cli.mint.exec import exec_
from fullsend.cli.mint.program import find_program, not_started
from fullsend.cli.mint.supervise import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

# Nothing listens there, and the job has no OIDC token: minting would fail with another message.
MINT = ["--mint-url", "http://127.0.0.1:9", "--role", "triage", "--"]


def executable(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    path.chmod(0o755)
    return str(path)


def refused(name: str) -> tuple[int, str]:
    result = CliRunner().invoke(exec_, [*MINT, name], env={"GITHUB_ACTIONS": ""})
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("content", "why", "fix"),
    [
        (b"echo hello\n", "it has no #! line.", "#!/bin/sh"),
        (b"", "it has no #! line.", "#!/bin/sh"),
        (
            b"#!/nonexist\n",
            "its interpreter /nonexist does not exist.",
            "Install /nonexist, or correct the #! line.",
        ),
        (b"#! /nonexist/sh -e\n", "its interpreter /nonexist/sh does not exist.", "Install /nonexist/sh"),
        (b"#!/nonexist", "its interpreter /nonexist does not exist.", "Install /nonexist"),
        (b"#!/bin/sh\r\necho\r\n", "its lines end as in Windows, with CR LF.", "sed -i"),
        (b"#!\n", "its #! line names no interpreter.", "#!/bin/sh"),
    ],
)
def test_a_script_that_cannot_start_is_refused_before_minting(
    tmp_path: Path, content: bytes, why: str, fix: str
) -> None:
    name = executable(tmp_path / "s.sh", content)
    status, output = refused(name)
    assert (status, output.count("Fix: ")) == (126, 1), output
    assert f"error: {name} cannot be run: {why} Nothing was minted." in output
    assert fix in output.partition("Fix: ")[2]


@pytest.mark.parametrize(
    ("kind", "status", "says", "fix"),
    [
        ("directory", 126, "it is a directory.", "Name a program after `--`."),
        ("plain", 126, "it is not executable.", "chmod +x "),
        ("missing", 127, "was not found; nothing was minted.", "Install the command"),
        ("file/below", 127, "was not found; nothing was minted.", "Install the command"),
        ("x" * 300, 127, "was not found; nothing was minted.", "Install the command"),
    ],
)
def test_what_is_not_a_program_is_named(tmp_path: Path, kind: str, status: int, says: str, fix: str) -> None:
    (tmp_path / "directory").mkdir()
    for name in ("plain", "file"):
        (tmp_path / name).write_text("")
    code, output = refused(str(tmp_path / kind))
    assert (code, says in output, output.count(f"Fix: {fix}")) == (status, True, 1), output


def test_a_pipe_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o755)
    code, output = refused(str(tmp_path / "pipe"))
    assert (code, "it is not a regular file." in output) == (126, True)


def test_a_file_here_that_is_not_in_path_needs_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    executable(tmp_path / "s.sh", b"#!/bin/sh\n")
    code, output = refused("s.sh")
    assert (code, "Fix: Give the path of the file in this directory: ./s.sh" in output) == (127, True)


@pytest.mark.parametrize(
    "content",
    [b"#!/bin/sh\n", b"#!/usr/bin/env python3\n", b"#! \t/bin/sh -e", b"\x7fELF\x02\x01\x01\0", b"#!" + b"/" * 300],
)
def test_what_the_system_may_start_is_left_to_it(tmp_path: Path, content: bytes) -> None:
    name = executable(tmp_path / "program", content)
    assert find_program(name) == name


def test_a_program_of_the_system_is_found() -> None:
    assert find_program("sh") == shutil.which("sh")
    assert find_program(sys.executable) == sys.executable


def test_a_program_that_the_system_refuses_later_has_a_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = executable(tmp_path / "program", b"\x7fELF\x02\x01\x01\0")
    with Supervisor() as supervisor:
        assert supervisor.run([name], {}) == 126
    told = capsys.readouterr().err
    assert told.startswith(f"error: {name} cannot be run: Exec format error.\nFix: Use a program"), told


def test_every_refusal_of_the_system_has_a_fix() -> None:
    numbers = [errno.ENOEXEC, errno.ENOENT, errno.E2BIG, errno.EACCES, errno.ENOMEM]
    fixes = [not_started("x", OSError(number, os.strerror(number))).remedy for number in numbers]
    assert len(set(fixes)) == len(numbers)
    assert all(fixes)


def test_a_command_to_paste_quotes_the_name(tmp_path: Path) -> None:
    path = tmp_path / "my script.sh"
    path.write_bytes(b"#!/bin/sh\n")
    _, output = refused(str(path))
    assert f"Fix: chmod +x '{path}'" in output
