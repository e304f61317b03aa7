"""Forked commands behave like processes of `subprocess`, without the project's modules imported before."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fork.client import ForkServer, fork_server

if TYPE_CHECKING:
    from pathlib import Path

SHOWS_ITSELF = """
import json, os, sys
ours = sorted({name.split(".")[0] for name in sys.modules} & {"mintcore", "fullsend", "fullsend_sandbox", "tests"})
files = sorted(os.listdir("/proc/self/fd"))
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), sys.path[0], ours, files]))
print(sys.stdin.read(), file=sys.stderr)
raise SystemExit(7)
"""
WAITS = "import os, sys, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"


def script(folder: Path, text: str) -> str:
    path = folder / "command.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_forked_command_is_what_subprocess_would_start(tmp_path: Path) -> None:
    words = [script(tmp_path, SHOWS_ITSELF), "a", "b c"]
    environment = {"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"}
    forked = fork_server().run(words, env=environment, cwd=tmp_path, stdin=b"given")
    started = subprocess.run(
        [sys.executable, *words], env=environment, cwd=tmp_path, input="given", capture_output=True, text=True,
        check=False, timeout=30,
    )  # fmt: skip
    assert (forked.returncode, forked.stderr) == (started.returncode, started.stderr) == (7, "given\n")
    assert json.loads(forked.stdout) == json.loads(started.stdout)
    assert json.loads(forked.stdout)[4] == []


def test_a_command_that_raises_prints_its_traceback_and_ends_with_one(tmp_path: Path) -> None:
    done = fork_server().run([script(tmp_path, "raise LookupError('gone')")], env={}, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "LookupError: gone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_and_is_its_status(tmp_path: Path, number: signal.Signals) -> None:
    process = fork_server().popen([script(tmp_path, WAITS)], env={}, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert process.stdout.readline() == f"{process.pid}\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(10) == -number


def test_a_command_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        fork_server().run([script(tmp_path, WAITS)], env={}, cwd=tmp_path, timeout=0.1)


def test_what_python_reads_at_its_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PYTHONPATH"):
        fork_server().run(["x"], env={"PYTHONPATH": "/tmp"}, cwd=tmp_path)  # noqa: S108


def test_what_still_runs_ends_with_the_server(tmp_path: Path) -> None:
    with ForkServer() as server:
        process = server.popen([script(tmp_path, WAITS)], env={}, cwd=tmp_path)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
    with process.stdout, process.stderr:
        assert process.stdout.read() == ""  # its end of the pipe is closed
    with pytest.raises(RuntimeError, match="has ended"):
        process.wait()
