"""When to ask again, and how long to wait: backoff with jitter, `Retry-After`, a bound on the whole.

Decides times, and which answers may be other ones next time; what to make of no answer is the callers'.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_ATTEMPTS = 8
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
PERMANENT = frozenset({"internal_error", "invalid_role_key"})
"""A mint's own codes with a 5xx that stay until its operator acts; what others answer with a 5xx may pass."""


def is_retryable(status: int) -> bool:
    """Whether an HTTP status may be another one next time: 429 and 5xx, never another 4xx."""
    return status == TOO_MANY_REQUESTS or status >= SERVER_ERROR


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a caller is; all times in seconds. The clock, the sleep and the dice are passed in."""

    total_seconds: float = 60.0
    """Everything together: requests and waits."""
    first_wait: float = 1.0
    longest_wait: float = 15.0
    """Bounds the client's own backoff; a longer `Retry-After` is honored if it fits the total."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    tell: Callable[[str], None] = lambda _: None
    """Hears, in a sentence, of each wait that has a reason. What a service said may be in it."""

    def start(self) -> Attempts:
        """Begin to count time and attempts."""
        return Attempts(self)


class Attempts:
    """The time left for one operation and the waits between its attempts."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._ends = policy.now() + policy.total_seconds
        self._made = 0

    @property
    def left(self) -> float:
        """Seconds until the operation must be over, at least 0."""
        return max(0.0, self._ends - self._policy.now())

    def wait(self, asked: float | None = None, *, why: str = "") -> bool:
        """Sleep before another attempt; False, at once, when there is no time or attempt left.

        `asked` is the server's `Retry-After`, `why` what is told of the wait. Half of each wait is jitter, so that
        the jobs of one matrix that failed together do not come back together.
        """
        policy = self._policy
        self._made += 1
        own = min(policy.longest_wait, policy.first_wait * 2 ** (self._made - 1))
        seconds = max(asked or 0.0, own * (0.5 + policy.jitter() / 2))
        if self._made >= MAX_ATTEMPTS or seconds >= self.left:
            return False
        if why:
            policy.tell(f"trying again in {math.ceil(seconds)} s: {why}")
        policy.sleep(seconds)
        return True


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a `Retry-After` asks for (RFC 9110 §10.2.3); None when there is no usable one.

    A date is read against the answer's own `Date`, so that the two clocks do not matter.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (then - sent).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
