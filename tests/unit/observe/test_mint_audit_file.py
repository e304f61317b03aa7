"""The audit log's file: private, whole lines, reopened when renamed, shared by processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mintcore.observe.audit_file import AuditFile

if TYPE_CHECKING:
    from pathlib import Path

LINE = "x" * 99 + "\n"


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    AuditFile(str(path)).write(LINE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == LINE


def test_what_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("before\n")
    AuditFile(str(path)).write(LINE)
    assert path.read_text() == "before\n" + LINE


def test_a_file_that_somebody_else_moved_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(str(path))
    file.write("first\n")
    path.rename(tmp_path / "moved")
    file.write("second\n")
    assert (path.read_text(), (tmp_path / "moved").read_text()) == ("second\n", "first\n")


def test_a_place_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AuditFile(str(tmp_path / "no" / "audit.jsonl"))


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o640, False), (0o660, True), (0o644, True)])
def test_a_mode_wider_than_0640_is_warned_about(tmp_path: Path, mode: int, warns: bool) -> None:
    path = tmp_path / "audit.jsonl"
    path.touch()
    path.chmod(mode)
    warning = AuditFile(str(path)).warning
    assert bool(warning) is warns
    assert not warns or (f"{mode:04o}" in warning and f"chmod 600 {path}" in warning)


def test_a_check_creates_no_file_and_changes_none(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    assert AuditFile.check(str(path)) == ""
    assert list(tmp_path.iterdir()) == []
    path.write_text("before\n")
    path.chmod(0o644)
    assert "chmod 600" in AuditFile.check(str(path))
    assert path.read_text() == "before\n"


def test_a_check_refuses_what_a_start_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for place in ("no/such/audit.jsonl", "file/audit.jsonl", ".", "link"):
        with pytest.raises(OSError):  # noqa: PT011 - the number differs
            AuditFile.check(str(tmp_path / place))
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_check_refuses_a_folder_of_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        AuditFile.check(str(tmp_path / "audit.jsonl"))


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        AuditFile(str(tmp_path / "audit.jsonl"))


@pytest.mark.parametrize("has_reader", [True, False])
def test_a_named_pipe_is_refused_and_blocks_nothing(tmp_path: Path, has_reader: bool) -> None:
    path = tmp_path / "audit.jsonl"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if has_reader else -1
    with pytest.raises(OSError, match=r"not a regular file|named pipe"):
        AuditFile(str(path))
    if has_reader:
        os.close(reader)


def test_a_link_that_takes_the_files_place_is_not_written_through(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(str(path))
    file.write("first\n")
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        file.write("second\n")
    path.unlink()
    file.write("third\n")
    assert path.read_text() == "third\n"
    assert not (tmp_path / "elsewhere").exists()


def _write(path: str, letter: str) -> None:
    file = AuditFile(path)
    for number in range(300):
        file.write(f"{letter}{number:098}\n")


FULL_DISK = """
import resource, signal, sys
from mintcore.observe.audit_file import AuditFile
file = AuditFile(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (25, resource.RLIM_INFINITY))
for line in ("first", "second-is-cut", "third", "fourth"):
    try:
        file.write(line * 2 + chr(10))
    except OSError as error:
        print(line, error.strerror)
    if line == "third":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_an_event_the_disk_had_no_room_for_is_reported_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    said = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path], check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    assert said == ["second-is-cut No space left on device", "third File too large"]
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("firstfirst", "fourthfourth")
    assert len(lines) == 3


def test_processes_that_share_the_file_lose_no_line(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(tmp_path / "audit.jsonl"), letter)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for number in range(20):
        with contextlib.suppress(FileNotFoundError):
            (tmp_path / "audit.jsonl").rename(tmp_path / f"audit.jsonl-{number}")
        writers[0].join(0.02)
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    lines = [line for path in tmp_path.glob("audit.jsonl*") for line in path.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{letter}{number:098}" for letter in "ab" for number in range(300))
