"""Limit how often one OIDC token may mint (MINTS_PER_TOKEN), in this process and, if configured, in Redis.

This limits the damage of a stolen token. While Redis fails, each instance counts separately, so the limit never
disappears.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING

from limits.errors import StorageError

from mintcore.errors import TokenSpent
from mintcore.rate_limit import RETRY_SECONDS, open_storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from limits.storage import Storage

    from mintcore.clock import Clock
    from mintcore.observe.log import JsonLog
    from mintcore.policy.caller import Caller

# A token is accepted up to 30 s after its exp, and clocks differ.
_GRACE_SECONDS = 90.0
_MAX_TOKENS = 100_000


class TokenCounter:
    """Counts the mints of each token, by issuer and ``jti``; a :class:`~mintcore.ports.TokenUses`."""

    def __init__(
        self,
        limit: int,
        storage: str,
        clock: Clock,
        log: JsonLog,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._log = log
        self._monotonic = monotonic
        self._local = _LocalCounts(clock)
        # The memory storage of the library loses counts when threads count a new key at once.
        self._shared: Storage | None = None if storage.startswith("memory:") else open_storage(storage)
        self._not_before = 0.0

    def check(self, caller: Caller) -> None:
        """Raise TokenSpent if :meth:`spend` would; count nothing."""
        key = _key(caller)
        used = self._local.get(key)
        if used < self._limit:
            used = max(used, self._ask(lambda storage: storage.get(key)))
        if used >= self._limit:
            raise self._spent()

    def spend(self, caller: Caller) -> None:
        """Count one mint of the caller's token. Raises TokenSpent."""
        key, seconds = _key(caller), self._seconds(caller)
        if self._local.add(key, 1, seconds) > self._limit:
            self._local.add(key, -1, seconds)
            raise self._spent()
        # One command counts and returns the count, so only one of two instances gets the last use.
        if self._ask(lambda storage: storage.incr(key, seconds)) > self._limit:
            self.refund(caller)
            raise self._spent()

    def refund(self, caller: Caller) -> None:
        """Undo one :meth:`spend`."""
        key, seconds = _key(caller), self._seconds(caller)
        self._local.add(key, -1, seconds)
        self._ask(lambda storage: storage.incr(key, seconds, -1))

    def _ask(self, ask: Callable[[Storage], int]) -> int:
        """Return the shared count, 0 without a shared storage or while it fails."""
        if self._shared is None or self._monotonic() < self._not_before:
            return 0
        try:
            return ask(self._shared)
        except StorageError as error:
            self._not_before = self._monotonic() + RETRY_SECONDS
            cause = type(error.storage_error).__name__
            self._log.write(
                "ERROR", f"the storage of MINTS_PER_TOKEN fails ({cause}): each instance counts separately"
            )
            return 0

    def _seconds(self, caller: Caller) -> int:
        return int(max(0.0, caller.expires_at - self._clock.now()) + _GRACE_SECONDS)

    def _spent(self) -> TokenSpent:
        times = "once" if self._limit == 1 else f"{self._limit} times"
        return TokenSpent(
            f"This OIDC token has minted {times}, as often as this mint allows. Fix: request a new OIDC token for "
            "each mint."
        )


class _LocalCounts:
    """Counts in this process. The number of counts is bounded: those that expire first are dropped first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    def get(self, key: str) -> int:
        with self._lock:
            return self._current(key)[0]

    def add(self, key: str, amount: int, seconds: float) -> int:
        """Add to a count and return it. A new count lives for ``seconds``."""
        with self._lock:
            count, ends = self._current(key)
            if not count:
                ends = self._clock.monotonic() + seconds
            count = max(0, count + amount)
            if key not in self._counts and len(self._counts) >= _MAX_TOKENS:
                self._make_room()
            self._counts[key] = (count, ends)
            return count

    def _current(self, key: str) -> tuple[int, float]:
        count, ends = self._counts.get(key, (0, 0.0))
        return (count, ends) if self._clock.monotonic() < ends else (0, 0.0)

    def _make_room(self) -> None:
        now = self._clock.monotonic()
        self._counts = {key: kept for key, kept in self._counts.items() if kept[0] and now < kept[1]}
        if len(self._counts) >= _MAX_TOKENS:
            latest = sorted(self._counts.items(), key=lambda item: item[1][1], reverse=True)
            self._counts = dict(latest[: _MAX_TOKENS // 2])


def _key(caller: Caller) -> str:
    """Return the token's key. Raises TokenSpent for a token without ``jti``, whose mints cannot be counted."""
    if not caller.token_id:
        raise TokenSpent(
            "This mint counts the mints of each OIDC token, and this token has no jti claim, so it cannot be "
            "counted. Fix: give the request id to the mint's operator, who has to unset MINTS_PER_TOKEN or "
            "accept only issuers that set jti; a fresh token does not help."
        )
    # Attack: another issuer could choose the same jti, so the key includes the issuer.
    text = f"{caller.claims.get('iss', '')}\0{caller.token_id}"
    return f"fullsend-mint/token/{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
