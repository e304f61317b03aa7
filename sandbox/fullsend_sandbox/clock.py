"""Provide a service's clock, which a test can set to a wrong time."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since the epoch."""


class AdjustableClock:
    """A clock that is `offset` seconds ahead of another (behind, if negative)."""

    def __init__(self, base: Clock = time.time) -> None:
        self._base = base
        self.offset = 0.0

    def __call__(self) -> float:
        """Return the seconds since the epoch."""
        return self._base() + self.offset
