"""Let SIGTERM end a command as Ctrl-C does: with a sentence, and with a shell's exit status for the signal."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SHELL_BASE = 128
"""A shell's exit status for a signal is this plus its number."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came. Handlers of Ctrl-C catch it too."""


@contextmanager
def sigterm_like_ctrl_c() -> Iterator[None]:
    """Raise `Terminated` for SIGTERM inside the block; the default action prints nothing.

    An ignored SIGTERM stays ignored. Python allows signal handlers only in the main thread.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def exit_status(error: KeyboardInterrupt) -> int:
    """Return the exit status for the signal that raised `error`."""
    return SHELL_BASE + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)
