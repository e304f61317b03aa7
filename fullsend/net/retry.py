"""Decide whether to repeat, and how long to wait: backoff with jitter, `Retry-After`, limits on time and attempts.

It also knows the HTTP statuses that may differ next time. The caller interprets a failure.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from mintcore.outbound.answer import is_transient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
MIN_ATTEMPT_SECONDS = 0.5
"""With less time than this, an attempt would only replace a useful error by a timeout."""
TOO_MANY_REQUESTS = 429


def is_retryable(status: int) -> bool:
    """Return whether an HTTP status may differ next time: 408, 425, 429 and 5xx, never another 4xx."""
    return is_transient(status)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The limits of repetition; all times in seconds. The clock, the sleep and the jitter are passed in."""

    total_seconds: float = 60.0
    """The total time of requests and waits."""
    first_wait: float = 1.0
    max_wait: float = 15.0
    """Bounds the backoff; a longer `Retry-After` is honored if it fits the total."""
    max_attempts: int = 8
    quiet_seconds: float = 0.0
    """Shorter waits are not reported to `on_wait`."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    on_wait: Callable[[str], None] = lambda _: None
    """Called with a sentence for each wait that has a reason. The sentence may quote a service."""
    on_skip: Callable[[str], None] = lambda _: None
    """Called with a sentence for each server that was skipped, because the next one answered."""

    def start(self) -> Attempts:
        """Start counting time and attempts."""
        return Attempts(self)


class Attempts:
    """The time left for one operation and the waits between its attempts."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._ends = policy.now() + policy.total_seconds
        self._made = 0

    @property
    def left(self) -> float:
        """The seconds left for the operation, at least 0."""
        return max(0.0, self._ends - self._policy.now())

    def wait(self, asked: float = 0.0, *, why: str = "") -> bool:
        """Sleep before another attempt and return True; return False immediately if no time or attempt is left.

        `asked` is the server's `Retry-After`, `why` the reason for `RetryPolicy.on_wait`. Half of each wait is
        jitter, so the jobs of one matrix that failed together do not retry together.
        """
        policy = self._policy
        self._made += 1
        own = min(policy.max_wait, policy.first_wait * 2 ** (self._made - 1))
        seconds = max(asked, own * (0.5 + policy.jitter() / 2))
        if self._made >= policy.max_attempts or seconds + MIN_ATTEMPT_SECONDS > self.left:
            return False
        if why and seconds >= policy.quiet_seconds:
            policy.on_wait(f"trying again in {math.ceil(seconds)} s: {why}")
        policy.sleep(seconds)
        return True


@dataclass(frozen=True, slots=True)
class Retry(Generic[T]):
    """The result of an attempt that may succeed when repeated.

    `last` is returned, or raised if it is an exception, without another attempt; `after` is the wait that the
    service requested, in seconds; `why` is the reason for `RetryPolicy.on_wait`.
    """

    last: T | Exception
    after: float = 0.0
    why: str = ""


def repeat(policy: RetryPolicy, attempt: Callable[[float], T | Retry[T]]) -> T:
    """Return the first final result of `attempt`, which is called with the seconds that are left.

    When time or attempts run out, ends with the last `Retry`; an exception of `attempt` ends it at once.
    """
    attempts = policy.start()
    while True:
        outcome = attempt(attempts.left)
        if not isinstance(outcome, Retry):
            return outcome
        if attempts.wait(outcome.after, why=outcome.why):
            continue
        if isinstance(outcome.last, Exception):
            raise outcome.last
        return outcome.last


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds a `retry-after` asks for (RFC 9110 §10.2.3), 0 without a usable one.

    A date is read against the answer's own `date`, so a wrong clock on either side does not matter.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (then - sent).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
