"""Run work in a bounded set of threads beside a request: token requests, and renewals of cached values.

Threads start with the work, so none exists before the fork of a serving process. They are daemons: a call that
hangs must not delay the end of the process.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class HelperThreads:
    """Runs work in at most ``max_threads`` threads; the :class:`~mintcore.ports.Helpers` of a mint."""

    def __init__(self, max_threads: int) -> None:
        self._max_threads = max_threads
        self._lock = threading.Lock()
        self._running = 0
        self._threads = 0
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def start(self, work: Callable[[], T]) -> Future[T] | None:
        """Run ``work`` in a thread and return its future, or ``None`` if every thread is busy."""
        future = Future[T]()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - the future's reader gets it
                self._done()
                future.set_exception(error)
            else:
                self._done()
                future.set_result(result)

        with self._lock:
            if self._running >= self._max_threads:
                return None
            if self._running >= self._threads:
                try:
                    threading.Thread(target=self._serve, name="helper", daemon=True).start()
                except RuntimeError:  # the system allows no more threads
                    return None
                self._threads += 1
            self._running += 1
        self._work.put(run)
        return future

    def _serve(self) -> None:
        while True:
            self._work.get()()

    def _done(self) -> None:
        with self._lock:
            self._running -= 1
