"""Hide this process's memory and environment from its child, if the system allows it.

Linux: prctl(2), PR_SET_DUMPABLE. A process that is not dumpable has a `/proc` folder that belongs to root, and
cannot be traced by another process of the same user. The child that it starts is dumpable again (execve(2)).
"""

from __future__ import annotations

import ctypes
import sys

PR_SET_DUMPABLE = 4


def close_own_memory() -> bool:
    """Make this process not dumpable; return False if the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        done: int = ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return done == 0
