"""Start the project's commands as forks of a process that has imported their packages (`server.py`).

A command started so is a process of its own with the same script, environment, folder, output and exit status. It
differs in what /proc shows of it (the server's command line and first environment), and in that its packages read
no environment at import. Tests about these, and about the start itself, start the command with `subprocess`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Self

from tests.fork.server import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BIN = Path(sys.executable).parent
SERVER = Path(__file__).with_name("server.py")


class ForkedProcess:
    """A child of the fork server, with `subprocess.Popen`'s methods; its text output is read from pipes."""

    def __init__(self, status: socket.socket, words: Sequence[str]) -> None:
        self._status = status
        self._words = list(words)
        self._lock = threading.Lock()
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        self.pid = self._number()

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status. Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else monotonic() + timeout
        with self._lock:
            if self.returncode is None:
                left = None if deadline is None else max(0.0, deadline - monotonic())
                if not select.select([self._status], [], [], left)[0]:
                    raise subprocess.TimeoutExpired(self._words, timeout or 0)
                with self._status:
                    self.returncode = self._number()
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        read = self._status.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(read) < NUMBER.size:
            raise RuntimeError("the fork server has ended")
        number: int = NUMBER.unpack(read)[0]
        return number


class ForkServer:
    """One fork server process; a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(SERVER), str(theirs.fileno())],
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._process.wait(30)

    def popen(self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> ForkedProcess:
        """Start a command whose output is read through pipes."""
        (read_out, out), (read_err, err) = os.pipe(), os.pipe()
        with open(os.devnull, "rb") as empty:  # noqa: PTH123
            process = self._start(words, env, cwd, (empty.fileno(), out, err))
        for descriptor in (out, err):
            os.close(descriptor)
        process.stdout = os.fdopen(read_out, errors="replace")
        process.stderr = os.fdopen(read_err, errors="replace")
        return process

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float = 60, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; return its status and output."""
        with _file(stdin) as given, _file() as out, _file() as err:
            process = self._start(words, env, cwd, (given.fileno(), out.fileno(), err.fileno()))
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(
                list(words), process.wait(), out.read().decode(), err.read().decode()
            )

    def _start(
        self, words: Sequence[str], env: Mapping[str, str], cwd: Path, files: tuple[int, int, int]
    ) -> ForkedProcess:
        refused = [name for name in env if name.startswith("PYTHON")]
        if refused:
            raise ValueError(f"{refused} would have to be set before Python starts: use subprocess")
        ours, theirs = socket.socketpair()
        with theirs:
            request = json.dumps({"argv": list(words), "env": dict(env), "cwd": str(cwd)}).encode()
            with self._lock:
                socket.send_fds(self._control, [NUMBER.pack(len(request))], [*files, theirs.fileno()])
                self._control.sendall(request)
        return ForkedProcess(ours, words)


@contextlib.contextmanager
def _file(content: bytes = b"") -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


@cache
def fork_server() -> ForkServer:
    """Return this test process's fork server; `tests/conftest.py` ends it."""
    return ForkServer()
