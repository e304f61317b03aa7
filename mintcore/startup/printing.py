"""Print a result of ``fullsend-mint`` on stdout and problems on stderr; lost output is a failure."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIX = "send it to a terminal, a pipe, or a file on a disk with free space"


def print_result(text: str) -> int:
    """Print the text, and return the exit status: 1 if stdout does not take it.

    A reader that closed its pipe, such as ``head``, wants no more output and no message.
    """
    if sys.stdout is None:  # Python's value for a closed stdout: print() would drop the text silently
        return _failed(os.strerror(errno.EBADF))
    try:
        print(text, flush=True)  # noqa: T201 - a person reads this
    except OSError as error:
        # The interpreter flushes stdout again at its end, and would print a traceback.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
        return 1 if error.errno == errno.EPIPE else _failed(error.strerror or str(error))
    return 0


def refuse(problems: Iterable[str]) -> int:
    """Print the problems on stderr, one a line, and return the exit status."""
    print("\n".join(problems), file=sys.stderr)  # noqa: T201 - the server's log does not exist yet
    return 1


def _failed(reason: str) -> int:
    return refuse([f"standard output cannot be written: {reason}. Fix: {_FIX}"])
