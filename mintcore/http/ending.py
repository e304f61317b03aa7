"""End a serving process without Python's finalization.

Threads that answer, warm up or renew are daemons, and the process ends while they work. Before Python 3.14, the
interpreter's shutdown kills such a thread when it next takes the interpreter's lock. If the thread is inside
cryptography's Rust code, this aborts the process (SIGABRT). Inside OpenSSL, the cleanup may crash it (SIGSEGV).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import Any


def end_worker(_arbiter: Any, _worker: Any) -> None:
    """End the process with the status that gunicorn chose; gunicorn's ``worker_exit`` hook, its last action.

    Runs the registered exit functions first: telemetry sends its last data there.
    """
    ending = sys.exc_info()[1]
    status = ending.code if isinstance(ending, SystemExit) else 1
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()  # noqa: SLF001 - the interpreter calls it too; it reports each failure itself
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))
