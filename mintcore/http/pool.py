"""The threads that answer requests; the worker hands them connections.

``concurrent.futures`` would create a future per request and wake the serving thread for each answer. Both together
cost more than everything this pool does (docs/adr/0035 has the figures).
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.http.connection import Connection


class Pool:
    """Calls ``answer`` for each connection, in at most ``max_threads`` threads that start when needed."""

    def __init__(self, max_threads: int, answer: Callable[[Connection], None]) -> None:
        self._max_threads = max_threads
        self._answer = answer
        self._queue = queue.SimpleQueue["Connection | None"]()
        self._idle = threading.Semaphore(0)
        self._started = 0

    def put(self, conn: Connection) -> None:
        """Let the next free thread answer. Only one thread may call this."""
        self._queue.put(conn)
        if self._started < self._max_threads and not self._idle.acquire(blocking=False):
            self._started += 1
            threading.Thread(target=self._run, name=f"answer-{self._started}", daemon=True).start()

    def shutdown(self, wait: bool) -> None:  # noqa: ARG002, FBT001 - as gunicorn calls it, and never waits
        """End the threads that are free; the others end with the process."""
        for _ in range(self._started):
            self._queue.put(None)

    def _run(self) -> None:
        while (conn := self._next()) is not None:
            self._answer(conn)

    def _next(self) -> Connection | None:
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            if self._started < self._max_threads:
                self._idle.release()
            return self._queue.get()
