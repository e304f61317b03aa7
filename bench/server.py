"""The servers under test: the mint, the baseline and the empty function, each as its real process.

The functions framework serves them with only the packages of requirements.txt, and with the settings for threads
and memory of deploy/env.example.yaml. ``short-lifetimes`` is the mint with shorter lifetimes, ``standalone`` its
other form.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Self

from bench.measure import on_cpus
from bench.world import HOST
from fullsend_sandbox.process import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "mint": ROOT,
    "short-lifetimes": ROOT / "bench/short_lifetimes",
    "standalone": ROOT,
    "short-lifetimes-standalone": ROOT,
    "baseline": ROOT / "bench/baseline",
    "empty": ROOT / "bench/empty",
}
START_SECONDS = 30.0
STOP_SECONDS = 30.0
_DEFAULT_THREADS = "80"
_DEPLOYED = ROOT / "deploy/env.example.yaml"
_TUNING = re.compile(r"""^((?:THREADS|WORKERS|MALLOC_\w+|PYTHON\w+)): *["']?([^"'#\s]+)""", re.MULTILINE)


def tuning() -> dict[str, str]:
    """Return the variables that size the server, as the deployment sets them."""
    text = _DEPLOYED.read_text() if _DEPLOYED.exists() else ""
    return {"THREADS": _DEFAULT_THREADS} | dict(_TUNING.findall(text))


def runtime() -> Path:
    """Return the ``bin`` of the servers' environment: of BENCH_PYTHON, else of requirements.txt, else this one."""
    for name in (".venv-bench", ".venv-runtime"):
        own = ROOT / name / "bin"
        if (own / "functions-framework").exists():
            return own
    return Path(sys.executable).parent


def runtime_python() -> str:
    """Return the version and the origin of the servers' Python: a build's options change its speed by a tenth."""
    asked = (
        "import platform, sys, sysconfig; "
        "tuned = '--enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or ''); "
        "print(platform.python_version(), 'with' if tuned else 'without', sys.base_prefix)"
    )
    said = subprocess.run(
        [runtime() / "python", "-c", asked], check=True, capture_output=True, text=True, timeout=30
    )
    version, tuned, prefix = said.stdout.strip().split(" ", 2)
    if prefix == "/usr":
        return f"{version} of the distribution"
    return f"{version} built {tuned} --enable-optimizations"


class ServerError(RuntimeError):
    """The server ended or did not answer; the text ends with its last output."""


class Server:
    """One server as a process; a context manager that waits for its end."""

    def __init__(self, name: str, environment: Mapping[str, str], *, cpus: set[int]) -> None:
        self.name = name
        self._environment = {"PATH": os.defpath, **tuning(), **environment}
        self._cpus = cpus

    @property
    def pid(self) -> int:
        """The id of the started process."""
        return self._process.pid

    def __enter__(self) -> Self:
        self.port = free_port()
        self._said = tempfile.TemporaryFile()
        with on_cpus(self._cpus):
            self.started = perf_counter()
            self._process = subprocess.Popen(
                _command(self.name),
                cwd=SOURCES[self.name],
                env=self._environment | {"PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # so that it can be ended whole
            )
        # As in production, another process reads the log lines.
        self._reader = subprocess.Popen(["/bin/cat"], stdin=self._process.stdout, stdout=subprocess.DEVNULL)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.wait(STOP_SECONDS)
        self._said.close()

    def wait(self) -> float:
        """Return the seconds from the process's start to its first answer. Raises ServerError."""
        self.ask(b"GET /health HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        return self.since_start()

    def since_start(self) -> float:
        """Return the seconds since the process was started."""
        return perf_counter() - self.started

    def ask(self, request: bytes) -> bytes:
        """Wait until the server listens, send one request and return its answer. Raises ServerError."""
        while self.since_start() < START_SECONDS:
            if self._process.poll() is not None:
                raise ServerError(f"{self.name} ended with status {self._process.returncode}: {self._last_words()}")
            try:
                with socket.create_connection((HOST, self.port), timeout=START_SECONDS) as connection:
                    return _exchange(connection, request)
            except ConnectionError:
                sleep(0.001)  # it does not listen yet
        raise ServerError(f"{self.name} did not answer within {START_SECONDS:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        self._said.seek(0)
        return self._said.read()[-2000:].decode(errors="replace")


def _command(name: str) -> list[str]:
    if name.endswith("standalone"):
        # Not the installed command: the runtime environment has requirements.txt only.
        start = "from mintcore.standalone import main; raise SystemExit(main([]))"
        if name.startswith("short-lifetimes"):
            start = f"from bench.short_lifetimes.lifetimes import shorten; shorten(); {start}"
        return [str(runtime() / "python"), "-c", start]
    return [str(runtime() / "functions-framework"), "--target=mint", f"--host={HOST}"]


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    answer = connection.recv(64 * 1024)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise ServerError(f"it answered {answer[:300]!r}" if answer else "it closed the connection")
    return answer
