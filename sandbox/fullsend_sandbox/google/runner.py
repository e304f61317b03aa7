"""Run a revision: by default as a separate process with the uploaded source."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from fullsend_sandbox.google.builds import Image
from fullsend_sandbox.process import HOST, MintDidNotStartError, MintProcess

AT_ONCE = 2
"""Starts at the same time; a start takes a processor for a second or two."""
RUNTIME = Path(__file__).resolve().parents[3] / ".venv-runtime" / "bin"


class DidNotStartError(Exception):
    """A revision does not answer; the text holds what it printed last."""


class Running(Protocol):
    """A revision that answers."""

    @property
    def url(self) -> str:
        """Where, without a slash at the end."""

    def logs(self) -> list[str]:
        """Return what it has printed so far."""

    def stop(self) -> None:
        """End it."""


class Runner(Protocol):
    """Starts revisions."""

    def start(self, image: Image, environment: Mapping[str, str]) -> Running:
        """Start one and wait until it answers. Raises DidNotStartError."""


class _RunningProcess:
    def __init__(self, process: MintProcess) -> None:
        self._process = process
        self.url = process.url

    def logs(self) -> list[str]:
        return self._process.logs()

    def stop(self) -> None:
        self._process.stop()


class ProcessRunner:
    """Runs functions-framework on the source, in the runtime's own virtual environment where there is one."""

    def __init__(self, overrides: Mapping[str, str]) -> None:
        """Take the variables that point a function at the sandbox instead of the world."""
        self._overrides = dict(overrides)
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def start(self, image: Image, environment: Mapping[str, str]) -> Running:
        """Start a process and wait until it answers. Raises DidNotStartError."""
        # The uploaded modules come before any that happen to be installed.
        variables = {**environment, **self._overrides, "PYTHONPATH": str(image.source)}
        process = MintProcess(
            variables,
            source=image.source,
            command=("functions-framework", f"--target={image.entry_point}", f"--host={HOST}"),
            bin_dir=RUNTIME if os.access(RUNTIME / "functions-framework", os.X_OK) else None,
        )
        with self._slots:
            try:
                process.start()
            except (MintDidNotStartError, OSError, ValueError) as problem:
                raise DidNotStartError(str(problem)) from problem
        return _RunningProcess(process)
