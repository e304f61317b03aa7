"""Emulate rate limits: the headers of every answer, and the primary and secondary limit at a test's request.

GitHub REST: "Rate limits for the REST API". A limit applies when a test sets it, and ends by the
clock; use alone never reaches it. All callers share one bucket.
"""

import math
from dataclasses import dataclass

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.answers import RefusedError

HOURLY = 5000
WINDOW = 3600
SECONDARY_PAUSE = 60
"""GitHub asks for at least a minute if it names no time."""
PAGE = "/using-the-rest-api/rate-limits-for-the-rest-api"
PRIMARY = "API rate limit exceeded. Wait until the time in x-ratelimit-reset."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass(frozen=True)
class _Secondary:
    until: float
    retry_after: int | None
    status: int


class Limits:
    """The one bucket and the limits in force; not thread-safe by itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reset = 0
        self._used = 0
        self._exhausted = False
        self._primary_status = 403
        self._secondary: _Secondary | None = None

    def exhaust(self, reset_in_seconds: float, status: int) -> None:
        """Use up the bucket until its reset."""
        self._reset = math.ceil(self._clock() + reset_in_seconds)
        self._exhausted = True
        self._primary_status = status

    def leave(self, remaining: int) -> None:
        """Count requests until only this many remain in the hour."""
        self._roll()
        self._used = HOURLY - remaining

    def slow_down(self, retry_after: int | None, status: int) -> None:
        """Start the secondary limit."""
        pause = SECONDARY_PAUSE if retry_after is None else retry_after
        self._secondary = _Secondary(self._clock() + pause, retry_after, status)

    def clear(self) -> None:
        """Lift both limits."""
        self._reset = 0
        self._secondary = None

    def spend(self) -> None:
        """Count one request. Raises RefusedError while a limit is in force."""
        self._roll()
        secondary = self._secondary
        if secondary is not None and self._clock() < secondary.until:
            after = secondary.retry_after
            headers = {} if after is None else {"Retry-After": str(after)}
            raise RefusedError(secondary.status, SECONDARY, f"{PAGE}#about-secondary-rate-limits", headers=headers)
        if self._exhausted:
            raise RefusedError(self._primary_status, PRIMARY, f"{PAGE}#about-primary-rate-limits")
        self._used = min(self._used + 1, HOURLY - 1)

    def bucket(self) -> dict[str, int]:
        """Return the bucket as `GET /rate_limit` shows it; `reset` in seconds since the epoch."""
        self._roll()
        used = HOURLY if self._exhausted else self._used
        return {"limit": HOURLY, "remaining": HOURLY - used, "reset": self._reset, "used": used}

    def headers(self) -> dict[str, str]:
        """Return the bucket as headers."""
        headers = {f"x-ratelimit-{name}": str(value) for name, value in self.bucket().items()}
        return headers | {"x-ratelimit-resource": "core"}

    def _roll(self) -> None:
        if self._clock() >= self._reset:
            self._reset = math.ceil(self._clock() + WINDOW)
            self._used = 0
            self._exhausted = False
