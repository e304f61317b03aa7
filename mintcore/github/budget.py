"""Count events per key within a sliding time window, to limit the look-ups at GitHub per caller and per App."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mintcore.clock import Clock

K = TypeVar("K", bound="Hashable")

_MAX_KEYS = 10_000


class Budget(Generic[K]):
    """Allows ``max_events`` events per key in any ``seconds``. The least recently used key is forgotten first."""

    def __init__(self, clock: Clock, *, max_events: int, seconds: float) -> None:
        self._clock = clock
        self._max_events = max_events
        self._seconds = seconds
        self._lock = threading.Lock()
        self._at: OrderedDict[K, deque[float]] = OrderedDict()

    def wait(self, key: K) -> float:
        """Return the seconds until the budget allows one more event, 0.0 if it does now. Counts nothing."""
        with self._lock:
            return self._wait(key, self._clock.monotonic())

    def count(self, key: K) -> int:
        """Return the events of ``key`` within the last ``seconds``, at most ``max_events``."""
        with self._lock:
            self._wait(key, self._clock.monotonic())
            return len(self._at.get(key, ()))

    def note(self, key: K) -> None:
        """Count one event, even over the budget."""
        with self._lock:
            self._note(key, self._clock.monotonic())

    def spend(self, key: K) -> float:
        """Count one event if the budget allows it. Return 0.0 then, otherwise the seconds to wait."""
        with self._lock:
            now = self._clock.monotonic()
            wait = self._wait(key, now)
            if not wait:
                self._note(key, now)
            return wait

    def _wait(self, key: K, now: float) -> float:
        at = self._at.get(key)
        while at and at[0] <= now - self._seconds:
            at.popleft()
        return at[-self._max_events] + self._seconds - now if at and len(at) >= self._max_events else 0.0

    def _note(self, key: K, now: float) -> None:
        self._at.setdefault(key, deque(maxlen=self._max_events)).append(now)
        self._at.move_to_end(key)
        while len(self._at) > _MAX_KEYS:
            self._at.popitem(last=False)
