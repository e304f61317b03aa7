"""Build a value once per process in a second thread, so the first thread can already serve."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Background(Generic[T]):
    """Calls ``build`` in its own thread, once per process and again after a failure, and returns its value.

    Servers load the code and then fork the serving process. Threads do not survive a fork, so the work starts in
    the child after the fork, or with the first call of :meth:`result`.
    """

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._future: Future[T] | None = None
        self._restart()
        os.register_at_fork(after_in_child=self._in_child)

    def result(self) -> T:
        """Return the value, and wait for it if necessary. After a failure it raises the error and builds again."""
        future = self._begin()
        try:
            return future.result()
        except BaseException:
            with self._lock:
                if self._future is future:
                    self._future = None
            raise

    def _in_child(self) -> None:
        self._restart()
        self._begin()

    def _restart(self) -> None:
        self._lock = threading.Lock()
        self._future = None

    def _begin(self) -> Future[T]:
        with self._lock:
            if self._future is None:
                future = Future[T]()
                threading.Thread(target=self._run, args=(future,), name="assembly", daemon=True).start()
                self._future = future  # set last: if the thread cannot start, no future stays unfinished
            return self._future

    def _run(self, future: Future[T]) -> None:
        try:
            value = self._build()
            # These objects live as long as the process. Without freeze(), scanning them stops every request for 35
            # ms, once in a few thousand mints.
            gc.freeze()
            future.set_result(value)
        except BaseException as error:  # noqa: BLE001 - the future's reader gets it
            future.set_exception(error)
