"""Run a child process, and handle the signals that arrive before, during and after it.

A signal that comes before the child runs ends the command. While the child runs, the child gets the signal.
Afterwards the token is revoked; a signal waits until that is done.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Self

from fullsend.cli.mint.program import CANNOT_RUN, not_started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

KILLED = 128
FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


class Interrupted(BaseException):
    """A signal came before the child ran. Not an Exception, so no handler of failures catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class _Phase(Enum):
    BEFORE = auto()
    STARTING = auto()
    RUNNING = auto()
    AFTER = auto()


class Supervisor:
    """Holds the signal handlers for the life of a `with` block in the main thread."""

    def __init__(self) -> None:
        self._phase = _Phase.BEFORE
        self._child: subprocess.Popen[bytes] | None = None
        self._held_back: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in FORWARDED:
            number = getattr(signal, name, None)
            # A signal that the parent process ignores (nohup) stays ignored, also in the child.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run the block. After its end, ignore signals, so the token is always revoked."""
        try:
            yield
        finally:
            self._phase = _Phase.AFTER

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run the command to its end and return the exit status that a shell would return."""
        self._phase = _Phase.STARTING
        try:
            self._child = subprocess.Popen(command, env=environment)  # noqa: S603 - the user's own command
        except OSError as error:
            not_started(command[0], error).show()
            return CANNOT_RUN
        self._phase = _Phase.RUNNING
        for number in self._held_back:  # they arrived before the child existed
            self._child.send_signal(number)
        code = self._child.wait()
        self._phase = _Phase.AFTER
        return KILLED - code if code < 0 else code

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._phase is _Phase.BEFORE:
            self._phase = _Phase.AFTER
            raise Interrupted(number)
        if self._phase is _Phase.STARTING:
            self._held_back.append(number)
        if self._phase is _Phase.RUNNING and self._child is not None and not _terminal_sent(number):
            self._child.send_signal(number)


def _terminal_sent(number: int) -> bool:
    """Whether the child already has the signal: the terminal sends Ctrl-C to the whole foreground group."""
    if number not in {signal.SIGINT, signal.SIGQUIT}:
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
