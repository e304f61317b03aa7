"""The entries of an expiring cache. The cache's lock guards every field except ``used``."""

from __future__ import annotations

import copy
import itertools
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from mintcore.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class LoaderLeftError(Exception):
    """The loading request hit its own deadline; the source's state is unknown."""


@dataclass(slots=True)
class Slot(Generic[V]):
    """The value, the failure of the last load, and the load in progress; times are monotonic seconds.

    ``waiting`` is the number of requests that wait for the load; ``used`` grows with each use of any key. ``wrong``
    tells whether the source has refused the value, which then serves only if the next load fails.
    """

    value: V | None = None
    has_value: bool = False
    fresh_until: float = 0.0
    renew_until: float = 0.0
    stale_until: float = 0.0
    wrong: bool = False
    failure: TransientError | None = None
    failed_until: float = 0.0
    next_renewal: float = 0.0
    load: Future[V] | None = field(default=None, repr=False)
    waiting: int = 0
    used: int = 0

    def start_load(self) -> tuple[Future[V], bool]:
        """Return the load in progress, and whether the caller must run it."""
        if self.load is not None:
            return self.load, False
        self.load = Future()
        return self.load, True

    def serves_old(self, now: float) -> bool:
        """Return whether the value serves without waiting: another request loads, or has just failed to."""
        usable = self.has_value and now < self.stale_until and not self.wrong
        return usable and (self.load is not None or now < self.failed_until)

    def expire(self) -> None:
        """Note that the value is wrong. A load in progress may have read it too, so its result is not kept."""
        self.fresh_until = self.renew_until = self.failed_until = 0.0
        self.load, self.wrong = None, True

    def must_load(self, now: float) -> bool:
        """Return whether a request must start a load to get an answer."""
        if self.load is not None or now < self.failed_until:
            return False
        return not (self.has_value and now < self.fresh_until)

    def keep(self, value: V, now: float, *, fresh: float, renew: float, stale: float) -> None:
        """Store a loaded value; the periods are in seconds, and ``renew`` begins where ``fresh`` ends."""
        self.value, self.has_value = value, True
        self.fresh_until = now + fresh
        self.renew_until = self.fresh_until + renew
        self.stale_until = max(self.renew_until, now + stale)
        self.failure, self.load, self.wrong = None, None, False

    def fail(self, error: BaseException, *, left: bool, until: float) -> bool:
        """Note that the load failed; return whether the cache must forget the key.

        A TransientError is kept ``until`` that time, unless the time is 0. ``left`` is whether the loading request
        hit its own deadline.
        """
        self.load, self.wrong = None, False
        if left:
            self.next_renewal = 0.0
            return False
        transient = isinstance(error, TransientError)
        if isinstance(error, TransientError) and until:
            # A copy has no traceback, which would keep the failed request alive.
            self.failure, self.failed_until = copy.copy(error), until
            return False
        return isinstance(error, Exception) and not (transient and self.has_value)


class Slots(dict[K, Slot[V]]):
    """The slots of at most ``max_entries`` keys. Only :meth:`dict.get` needs no lock."""

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self._max_entries = max_entries
        self.uses = itertools.count(1)

    def used(self, key: K) -> Slot[V]:
        """Return the slot of ``key``; a new one replaces the least recently used one."""
        slot = self.get(key)
        if slot is None:
            if len(self) >= self._max_entries:
                del self[min(self, key=lambda key: self[key].used)]  # 1 ms at 10,000 keys
            slot = self[key] = Slot()
        slot.used = next(self.uses)
        return slot


def retry_abandoned(once: Callable[[], V]) -> V:
    """Return the result of ``once``; retry until the caller's deadline if the loader gave up without an answer."""
    while True:
        try:
            return once()
        except LoaderLeftError:
            continue
