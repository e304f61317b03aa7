"""An expiring cache: bounded, one load per key however many wait, old answers while the source is failing.

The cache knows nothing of its values. Only a :class:`~mintcore.errors.TransientError` lets an old value stand in
for a failed load; any other answer of the source, such as "there is no such key", replaces the old value at once.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from mintcore.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from mintcore.ports import Clock
    from mintcore.request import RequestContext

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class _LeaderLeftError(Exception):
    """Who loaded for all ran out of time of its own; of the source nothing was heard."""


@dataclass(slots=True)
class _Slot(Generic[V]):
    """One key: its value if it has one, its failure if the last load had one, its load if one is under way."""

    value: V | None = None
    has_value: bool = False
    fresh_until: float = 0.0
    stale_until: float = 0.0
    failure: TransientError | None = None
    failed_until: float = 0.0
    next_renewal: float = 0.0
    flight: Future[V] | None = field(default=None, repr=False)


class ExpiringCache(Generic[K, V]):
    """Holds what ``load`` returned for a key.

    ``fresh_for(value)`` is how many seconds a value serves without a question; until it is ``stale_seconds`` old
    it serves where a load fails with a Later. A failure is remembered for ``hold_failure_seconds`` so that a
    source that is down is not asked by every request. At most ``most`` keys are kept; the one unused longest
    goes first. ``slow`` is raised by who waited for another's load until their own time ran out.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        fresh_for: Callable[[V], float],
        stale_seconds: float = 0.0,
        hold_failure_seconds: float,
        most: int,
        slow: Callable[[], TransientError],
    ) -> None:
        self._name = name
        self._clock = clock
        self._fresh_for = fresh_for
        self._stale_seconds = stale_seconds
        self._hold_failure_seconds = hold_failure_seconds
        self._most = most
        self._slow = slow
        self._slots: OrderedDict[K, _Slot[V]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, key: K, load: Callable[[], V], context: RequestContext) -> V:
        """Return the value for ``key``, from ``load`` where it is not here. Raises what ``load`` raises."""
        return _until_heard(lambda: self._get(key, load, context))

    def _get(self, key: K, load: Callable[[], V], context: RequestContext) -> V:
        now = self._clock.monotonic()
        with self._lock:
            slot = self._slot(key)
            usable = slot.has_value and now < slot.stale_until
            hit = slot.has_value and now < slot.fresh_until
            context.cache_hits.setdefault(self._name, hit)
            # Whoever finds an old value while another loads, or just failed to load, need not wait for it.
            if hit or (usable and (slot.flight is not None or now < slot.failed_until)):
                return slot.value  # type: ignore[return-value]
            if slot.failure is not None and now < slot.failed_until:
                raise copy.copy(slot.failure)
            flight, leads = self._board(slot)
        return self._lead(key, slot, flight, load, context, old=usable) if leads else self._join(flight, context)

    def renew(self, key: K, load: Callable[[], V], context: RequestContext, *, at_most_every: float) -> V:
        """Return a newer value than the one :meth:`get` gave, if one may be asked for at this time.

        Joins a load that is under way. Within ``at_most_every`` seconds of the last renewal its outcome is
        given again, be it a value or a Later.
        """
        return _until_heard(lambda: self._renew(key, load, context, at_most_every))

    def _renew(self, key: K, load: Callable[[], V], context: RequestContext, at_most_every: float) -> V:
        now = self._clock.monotonic()
        with self._lock:
            slot = self._slot(key)
            if slot.flight is None and now < slot.next_renewal:
                if slot.failure is not None:
                    raise copy.copy(slot.failure)
                if slot.has_value:
                    return slot.value  # type: ignore[return-value]
            flight, leads = self._board(slot)
            if leads:
                slot.next_renewal = now + at_most_every
        return self._lead(key, slot, flight, load, context, old=False) if leads else self._join(flight, context)

    def expire(self, key: K) -> None:
        """Ask the source again next time; the old value still serves while the source fails."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None:
                slot.fresh_until = slot.failed_until = 0.0

    def drop_if(self, key: K, value: V, first: Callable[[], None] = lambda: None) -> None:
        """Forget the value for ``key`` if it still is ``value``: of many who found it wrong one is enough.

        ``first`` is called before, and before anybody can begin to load anew: for what the value was made from.
        """
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None and slot.value is value:
                first()
                del self._slots[key]

    def clear(self) -> None:
        """Forget every value."""
        with self._lock:
            self._slots.clear()

    def _slot(self, key: K) -> _Slot[V]:
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot()
            if len(self._slots) > self._most:
                self._slots.popitem(last=False)
        else:
            self._slots.move_to_end(key)
        return slot

    @staticmethod
    def _board(slot: _Slot[V]) -> tuple[Future[V], bool]:
        if slot.flight is not None:
            return slot.flight, False
        slot.flight = Future()
        return slot.flight, True

    def _join(self, flight: Future[V], context: RequestContext) -> V:
        try:
            return flight.result(timeout=context.deadline.remaining())
        except FutureTimeoutError:
            raise self._slow() from None

    def _lead(
        self,
        key: K,
        slot: _Slot[V],
        flight: Future[V],
        load: Callable[[], V],
        context: RequestContext,
        *,
        old: bool,
    ) -> V:
        try:
            value = load()
        except BaseException as error:
            left = isinstance(error, TransientError) and context.deadline.remaining() <= 0
            stale = self._failed(key, slot, error, left=left, old=old)
            if stale:
                flight.set_result(slot.value)  # type: ignore[arg-type]
                return slot.value  # type: ignore[return-value]
            flight.set_exception(_LeaderLeftError() if left else error)
            raise
        with self._lock:
            now = self._clock.monotonic()
            slot.value, slot.has_value = value, True
            slot.fresh_until = now + self._fresh_for(value)
            slot.stale_until = max(slot.fresh_until, now + self._stale_seconds)
            slot.failure, slot.flight = None, None
        flight.set_result(value)
        return value

    def _failed(self, key: K, slot: _Slot[V], error: BaseException, *, left: bool, old: bool) -> bool:
        """Note a load's failure and say whether the old value stands in for it."""
        with self._lock:
            slot.flight = None
            if left:
                slot.next_renewal = 0.0
            elif isinstance(error, TransientError) and self._hold_failure_seconds > 0:
                # A copy has no traceback, and with it no hold on the request that met the failure.
                slot.failure = copy.copy(error)
                slot.failed_until = self._clock.monotonic() + self._hold_failure_seconds
            elif isinstance(error, TransientError) and slot.has_value:
                pass
            # Unless the key was forgotten meanwhile, and what is there now is another's.
            elif isinstance(error, Exception) and self._slots.get(key) is slot:
                del self._slots[key]
            return isinstance(error, TransientError) and old


def _until_heard(once: Callable[[], V]) -> V:
    """Return what ``once`` returns, beginning anew where it waited for one that left; ends with one's own time."""
    while True:
        try:
            return once()
        except _LeaderLeftError:
            continue
