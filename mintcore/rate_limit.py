"""How often one repository may mint: the library ``limits``, counted in memory or in Redis.

A counter that cannot be reached lets the mint go on: the limit guards against a runaway job, and the token has
been proven genuine before it is asked.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import limits
from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from mintcore.errors import RateLimited

if TYPE_CHECKING:
    from mintcore.audit import JsonLog

_EXAMPLES = (("RATE_LIMIT", "60/minute"), ("RATE_LIMIT_STORAGE", "memory://"))


def problems_with(limit: str, storage: str) -> list[tuple[str, str, str]]:
    """Return (variable, problem, example) for each of the two settings that cannot be used."""
    problems = []
    if not _is_one_limit(limit):
        problems.append(("RATE_LIMIT", "is not one number, at least 1, per span of time", "60/minute"))
    if not storage.startswith(("memory://", "redis://", "rediss://")):
        problems.append(("RATE_LIMIT_STORAGE", "is neither memory:// nor redis://…", "memory://"))
    else:
        try:
            storage_from_string(storage)
        except (ConfigurationError, ValueError):
            problems.append(
                ("RATE_LIMIT_STORAGE", "needs the package redis (pip install 'fullsend-mint[redis]')", "memory://")
            )
    return problems


def _is_one_limit(text: str) -> bool:
    """Say whether it is a limit to go by: 0 would deny everyone, and of several all but the first be ignored."""
    try:
        parsed = limits.parse_many(text)
    except ValueError:
        return False
    return len(parsed) == 1 and parsed[0].amount > 0


class RepositoryLimiter:
    """Counts the mints of each calling repository; a :class:`~mintcore.ports.Limiter`."""

    def __init__(self, limit: str, storage: str, log: JsonLog) -> None:
        self._item = limits.parse(limit)
        self._strategy = SlidingWindowCounterRateLimiter(storage_from_string(storage, wrap_exceptions=True))
        self._log = log

    def spend(self, key: str) -> None:
        """Count one mint for the repository ``key``. Raises RateLimited with the seconds to wait."""
        try:
            if self._strategy.hit(self._item, key):
                return
            reset = self._strategy.get_window_stats(self._item, key).reset_time
        except limits.errors.StorageError as error:
            self._log.write("ERROR", f"the rate limit's storage fails, nothing is limited: {type(error).__name__}")
            return
        # By the machine's clock, as the library counts: the corrected one may be minutes away from it.
        wait = max(1, math.ceil(reset - time.time()))
        raise RateLimited(
            f"{key} has asked for more than {self._item} tokens; wait {wait} s.",
            retry_after=wait,
        )
