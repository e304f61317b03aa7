"""Limit how many threads wait for one slow service, and skip it for a while after repeated failures."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.clock import Clock

FAILURES = 3
REST_SECONDS = 5.0


class CircuitOpen(Exception):
    """The service must not be called now; ``retry_after`` is in whole seconds."""

    def __init__(self, reason: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class CircuitBreaker:
    """Lets at most ``max_waiting`` callers wait for a service, and pauses all calls after repeated failures.

    After ``FAILURES`` failures in a row no caller may call the service for ``REST_SECONDS``. Then one caller tries
    it: a success ends the pause, a failure begins the next one.
    """

    def __init__(self, clock: Clock, *, max_waiting: int) -> None:
        self._clock = clock
        self._free = max_waiting
        self._failures = 0
        self._rests_until = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def calling(self, failure: type[Exception]) -> Iterator[None]:
        """Guard a call to the service, and count each ``failure`` that it raises. Raises CircuitOpen in a pause."""
        self._enter()
        failed = False
        try:
            yield
        except failure:
            failed = True
            raise
        finally:
            self._leave(failed=failed)

    def _enter(self) -> None:
        with self._lock:
            now = self._clock.monotonic()
            if self._failures >= FAILURES:
                if now < self._rests_until:
                    raise CircuitOpen("it failed repeatedly", math.ceil(self._rests_until - now))
                # This caller tries; for the others the pause continues meanwhile.
                self._rests_until = now + REST_SECONDS
            if not self._free:
                raise CircuitOpen("too many requests wait for it", math.ceil(REST_SECONDS))
            self._free -= 1

    def _leave(self, *, failed: bool) -> None:
        with self._lock:
            self._free += 1
            if not failed:
                self._failures = 0
                return
            self._failures += 1
            if self._failures >= FAILURES:
                self._rests_until = self._clock.monotonic() + REST_SECONDS
