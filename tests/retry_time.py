"""A time for retries that passes only where something sleeps."""

from __future__ import annotations

from fullsend.net.retry import RetryPolicy


class RetryTime:
    """A clock in seconds since the start; `slept` holds each wait."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def policy(self, *, total: float = 60.0, jitter: float = 1.0) -> RetryPolicy:
        return RetryPolicy(total_seconds=total, now=self.now, sleep=self.sleep, jitter=lambda: jitter)
