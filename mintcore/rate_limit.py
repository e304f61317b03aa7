"""Limit how often a repository may mint, with the library ``limits``, in memory or in Redis.

While the storage fails, no request is limited: the limit protects against runaway jobs, and only genuine tokens
reach it.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import limits
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from mintcore.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from limits.storage import Storage

    from mintcore.observe.log import JsonLog

_TIMEOUT_SECONDS = 0.5
RETRY_SECONDS = 5.0


def problems_with(limit: str, storage: str) -> list[tuple[str, str, str]]:
    """Return (variable, problem, example) for each invalid setting of the two."""
    problems = []
    if limit and not _is_one_limit(limit):
        problems.append(("RATE_LIMIT", "is not one number, at least 1, per period of time", "60/minute"))
    if not storage.startswith(("memory://", "redis://", "rediss://")):
        problems.append(("RATE_LIMIT_STORAGE", "is neither memory:// nor redis://…", "memory://"))
    else:
        try:
            open_storage(storage)
        except (ConfigurationError, ImportError):
            missing = (
                "needs the package redis (pip install 'fullsend-mint[redis]'; hosted: a line in requirements.txt)"
            )
            problems.append(("RATE_LIMIT_STORAGE", missing, "memory://"))
        except ValueError:
            problems.append(("RATE_LIMIT_STORAGE", "is not a URL of Redis", "redis://localhost:6379/0"))
    return problems


def open_storage(storage: str) -> Storage:
    """Return the storage. Raises ConfigurationError or ImportError without its package, ValueError otherwise."""
    if storage.startswith("memory:"):
        return MemoryStorage()
    from redis.backoff import NoBackoff  # noqa: PLC0415 - an extra, imported only if configured
    from redis.retry import Retry  # noqa: PLC0415 - as above

    # The package's defaults wait and retry for minutes, which would use up the request's time.
    options: dict[str, Any] = {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    return RedisStorage(storage, wrap_exceptions=True, **options)


def _is_one_limit(text: str) -> bool:
    """Return whether the text is one usable limit: not 0, which denies every caller, and not several."""
    try:
        parsed = limits.parse_many(text)
    except ValueError:
        return False
    return len(parsed) == 1 and parsed[0].amount > 0


class RepositoryLimiter:
    """Counts the mints of each calling repository; a :class:`~mintcore.ports.Limiter`."""

    def __init__(
        self,
        limit: str,
        storage: str,
        log: JsonLog,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._item = limits.parse(limit)
        counts = open_storage(storage)
        self._strategy = SlidingWindowCounterRateLimiter(counts)
        # The memory storage of the library loses counts when threads count a new key at once. Redis does not.
        self._guard = threading.Lock() if isinstance(counts, MemoryStorage) else nullcontext()
        self._log = log
        self._wall = wall
        self._monotonic = monotonic
        self._not_before = 0.0

    def check(self, key: str) -> None:
        """Raise RateLimited if :meth:`spend` would; count nothing."""
        if not self._asked(lambda: self._strategy.test(self._item, key)):
            self._refuse(key)

    def spend(self, key: str) -> None:
        """Count one mint for the repository ``key``. Raises RateLimited with the seconds to wait."""
        if not self._asked(lambda: self._strategy.hit(self._item, key)):
            self._refuse(key)

    def _asked(self, ask: Callable[[], bool]) -> bool:
        """Return the storage's answer; True while the storage fails."""
        if self._monotonic() < self._not_before:
            return True
        try:
            with self._guard:
                return ask()
        except limits.errors.StorageError as error:
            self._not_before = self._monotonic() + RETRY_SECONDS
            cause = type(error.storage_error).__name__
            self._log.write("ERROR", f"the rate limit's storage fails, so no request is limited: {cause}")
            return True

    def _refuse(self, key: str) -> NoReturn:
        try:
            reset = self._strategy.get_window_stats(self._item, key).reset_time
        except limits.errors.StorageError:
            reset = self._wall()
        # The library counts by the machine's clock; the corrected clock may differ by minutes.
        wait = max(1, math.ceil(reset - self._wall()))
        raise RateLimited(
            f"{key} has asked for more than {_in_words(self._item)}; wait {wait} s.",
            retry_after=wait,
        )


def _in_words(item: limits.RateLimitItem) -> str:
    """Return a limit such as "2 tokens per minute"."""
    span, count = item.GRANULARITY.name, item.multiples
    tokens = "1 token" if item.amount == 1 else f"{item.amount} tokens"
    return f"{tokens} per {span}" if count == 1 else f"{tokens} per {count} {span}s"
