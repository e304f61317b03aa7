"""Run a mint as a separate process: start it with exactly the given environment, watch it, and end it.

It keeps what the process prints. It assumes only that the command
answers `GET /health` on the port named in `PORT`.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import IO, Protocol, Self

import urllib3

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
LAST_LINES = 15


class MintDidNotStartError(RuntimeError):
    """The process ended, or did not answer in time; the text holds the last lines it printed."""


class Running(Protocol):
    """A process that runs or has ended, as `subprocess.Popen` describes it."""

    stdout: IO[str] | None
    stderr: IO[str] | None

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def returncode(self) -> int | None:
        """Its exit status, None while it runs."""

    def poll(self) -> int | None:
        """Look whether it has ended, and return its exit status."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit status. Raises subprocess.TimeoutExpired."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, unless it has ended."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """Send SIGKILL."""


class MintProcess:
    """One mint process on loopback; `start` it, read its `url` and `logs()`, `stop` it."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        source: Path,
        command: Sequence[str] = ("functions-framework", "--target=mint", f"--host={HOST}"),
        bin_dir: Path | None = None,
        port: int = 0,
        threads: int | None = None,
    ) -> None:
        """Take the command; `command[0]` is looked up in `bin_dir`, by default this Python's."""
        self._bin_dir = bin_dir or Path(sys.executable).parent
        self._command = [str(self._bin_dir / command[0]), *command[1:]]
        self._environment = dict(environment) | ({} if threads is None else {"THREADS": str(threads)})
        self._source = source
        self._wanted_port = port
        self._port = port
        self._process: Running | None = None
        self._readers: list[threading.Thread] = []
        self._lines: list[str] = []
        self._printed = threading.Condition()

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end."""
        return f"http://{HOST}:{self._port}"

    @property
    def started(self) -> bool:
        """Whether it was launched, also if it has ended."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process id. Raises RuntimeError when it is not started."""
        return self._running().pid

    @property
    def returncode(self) -> int | None:
        """Its exit status; None while it runs, negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self, *, within: float = START_SECONDS) -> Self:
        """Start it and wait until `/health` answers. Raises MintDidNotStartError."""
        self.launch()
        deadline = monotonic() + within
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(2)) as http:
            while not self._healthy(http):
                if self.wait(0.02) is not None:
                    self._collect()
                    raise MintDidNotStartError(self._report(f"ended with status {self.returncode}"))
                if monotonic() > deadline:
                    self.stop()
                    raise MintDidNotStartError(self._report(f"did not answer within {within:g} seconds"))
        return self

    def launch(self) -> None:
        """Start it and return immediately, for a caller that measures the start."""
        if self._process is not None:
            raise RuntimeError("the mint process is started already")
        self._port = self._wanted_port or free_port()
        environment = {"PATH": os.pathsep.join([str(self._bin_dir), os.defpath])}
        environment |= self._environment | {"PORT": str(self._port)}
        self._process = self._spawn(self._command, environment, self._source)
        for stream in (self._process.stdout, self._process.stderr):
            reader = threading.Thread(target=self._read, args=(stream,), name="mint-logs", daemon=True)
            reader.start()
            self._readers.append(reader)

    def stop(self, *, within: float = STOP_SECONDS) -> int:
        """Ask it to end (SIGTERM), kill it if it does not, and return its exit status."""
        process = self._running()
        process.terminate()
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._collect()
        return process.wait()

    def kill(self) -> None:
        """Kill it and its children immediately, without waiting for a clean end."""
        process = self._running()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._collect()

    def wait(self, seconds: float) -> int | None:
        """Wait that long for its end; return its exit status, or None if it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._running().wait(seconds)
        return None

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._running().send_signal(number)

    def logs(self) -> list[str]:
        """Return the lines it has printed so far, stdout and stderr as they came."""
        with self._printed:
            return list(self._lines)

    def wait_for_log(self, wanted: Callable[[str], bool], *, within: float = 10.0) -> str:
        """Return the first line that fits, waiting for it. Raises TimeoutError."""
        looked_at = 0

        def first() -> str | None:
            nonlocal looked_at
            new, looked_at = self._lines[looked_at:], len(self._lines)
            return next((line for line in new if wanted(line)), None)

        with self._printed:
            line = self._printed.wait_for(first, within)
        if line is None:
            raise TimeoutError(self._report(f"did not print the line within {within:g} seconds"))
        return line

    def __enter__(self) -> Self:
        return self if self._process is not None else self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self.returncode is None:
            self.kill()

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str], source: Path) -> "Running":
        return subprocess.Popen(  # noqa: S603 - the caller decides what to run
            command,
            cwd=source,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # this process passes on a Ctrl-C of the terminal
        )

    def _running(self) -> "Running":
        if self._process is None:
            raise RuntimeError("the mint process is not started")
        return self._process

    def _healthy(self, http: urllib3.PoolManager) -> bool:
        try:
            # Any answer is enough: a mint with only legacy role keys runs and answers 503.
            return http.request("GET", f"{self.url}/health").status > 0
        except urllib3.exceptions.HTTPError:
            return False

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._printed:
                    self._lines.append(line.rstrip("\n"))
                    self._printed.notify_all()

    def _collect(self) -> None:
        for reader in self._readers:
            reader.join(5)

    def _report(self, what: str) -> str:
        return "\n".join([f"the mint process {what}; its last output:", *self.logs()[-LAST_LINES:]])


def free_port() -> int:
    """Return a port below those that the system assigns (Linux: from 32768). Raises OSError.

    The system could assign one of those before the mint listens, and its new owner would answer instead of the
    mint.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise OSError("found no free port from 20000 to 31999")
