"""The audit log's file: private, whole lines, put aside when full, shared by processes."""

from __future__ import annotations

import multiprocessing
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
    AuditFile(str(path), most_bytes=1000, kept=2).write(LINE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == LINE


def test_what_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("before\n")
    AuditFile(str(path), most_bytes=1000, kept=2).write(LINE)
    assert path.read_text() == "before\n" + LINE


def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(str(path), most_bytes=250, kept=2)
    for number in range(8):
        file.write(f"{number}" * 99 + "\n")
    kept = [(tmp_path / name).read_text()[0] for name in ("audit.jsonl.2", "audit.jsonl.1", "audit.jsonl")]
    assert kept == ["2", "4", "6"]
    assert not (tmp_path / "audit.jsonl.3").exists()


def test_none_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(str(path), most_bytes=150, kept=0)
    for _ in range(3):
        file.write(LINE)
    assert path.read_text() == LINE
    assert not (tmp_path / "audit.jsonl.1").exists()


def test_a_file_that_somebody_else_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(str(path), most_bytes=1000, kept=2)
    file.write("first\n")
    path.rename(tmp_path / "moved")
    file.write("second\n")
    assert (path.read_text(), (tmp_path / "moved").read_text()) == ("second\n", "first\n")


def test_a_place_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AuditFile(str(tmp_path / "no" / "audit.jsonl"), most_bytes=1000, kept=2)


def _write(path: str, letter: str) -> None:
    file = AuditFile(path, most_bytes=5000, kept=1000)
    for number in range(300):
        file.write(f"{letter}{number:098}\n")


FULL_DISK = """
import resource, signal, sys
from mintcore.observe.audit_file import AuditFile
file = AuditFile(sys.argv[1], most_bytes=10**9, kept=1)
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
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    lines = [line for path in tmp_path.glob("audit.jsonl*") for line in path.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{letter}{number:098}" for letter in "ab" for number in range(300))
