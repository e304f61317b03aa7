"""An expiring cache: bounded, one load per key at a time. An old value can serve during a load or after a failure.

The cache does not interpret its values. Only a :class:`~mintcore.errors.TransientError` lets an old value serve
after a failed load; any other answer of the source, such as "no such key", replaces the old value immediately.
"""

from __future__ import annotations

import copy
import threading
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from mintcore.cache.slots import LoaderLeftError, Slot, Slots, retry_abandoned
from mintcore.errors import TransientError
from mintcore.request import Deadline, RequestContext

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from concurrent.futures import Future

    from mintcore.clock import Clock
    from mintcore.ports import Helpers

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")

RENEWAL_SECONDS = 20.0
MAX_WAITING = 1000  # as many as a mint has threads at most


class ExpiringCache(Generic[K, V]):
    """Holds what ``load`` returned for a key.

    A value is fresh for ``fresh_for(value)`` seconds. For ``renew_for(value)`` more seconds it is served while a
    thread of ``helpers`` fetches a new one (stale-while-revalidate, RFC 5861 §3), if :meth:`get` has ``renew``.
    Until it is ``stale_seconds`` old, it is served if a load fails with a TransientError (stale-if-error, RFC 5861
    §4). A failure is kept for ``hold_failure_seconds``, so a source that is down is not called by every request. At
    most ``max_entries`` stay; the least recently used one is dropped first. ``slow`` makes the failure of a request
    that waits for another request's load: its deadline passes, or ``max_waiting`` requests already wait.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        fresh_for: Callable[[V], float],
        renew_for: Callable[[V], float] = lambda _value: 0.0,
        stale_seconds: float = 0.0,
        hold_failure_seconds: float,
        max_entries: int,
        slow: Callable[[], TransientError],
        max_waiting: int = MAX_WAITING,
        helpers: Helpers | None = None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._fresh_for = fresh_for
        self._renew_for = renew_for
        self._stale_seconds = stale_seconds
        self._hold_failure_seconds = hold_failure_seconds
        self._slow = slow
        self._max_waiting = max_waiting
        self._helpers = helpers
        self._slots = Slots[K, V](max_entries)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def get(
        self,
        key: K,
        load: Callable[[], V],
        context: RequestContext,
        *,
        renew: Callable[[RequestContext], V] | None = None,
        admit: Callable[[], None] = lambda: None,
    ) -> V:
        """Return the cached value for ``key``, or the result of ``load``. Raises as ``load`` and ``admit`` do.

        ``renew`` loads in the background, within the context it is given, while the old value is served. ``admit``
        is called before this request starts a load; it raises if this request may not start one.
        """
        # Most requests end here, without the lock: a slot has its value before it is fresh.
        slot = self._slots.get(key)
        if slot is not None and self._clock.monotonic() < slot.fresh_until:
            slot.used = next(self._slots.uses)
            context.cache_hits.setdefault(self._name, True)
            return slot.value  # type: ignore[return-value]
        return retry_abandoned(lambda: self._get(key, load, context, renew, admit))

    def peek(self, key: K) -> V | None:
        """Return the value for ``key`` if it is fresh; start no load."""
        with self._lock:
            slot = self._slots.get(key)
            return slot.value if slot is not None and self._clock.monotonic() < slot.fresh_until else None

    def _get(
        self,
        key: K,
        load: Callable[[], V],
        context: RequestContext,
        renew: Callable[[RequestContext], V] | None,
        admit: Callable[[], None],
    ) -> V:
        now = self._clock.monotonic()
        with self._lock:
            found = self._slots.get(key)
            if found is None or found.must_load(now):
                admit()
            slot = self._slots.used(key)
            usable = slot.has_value and now < slot.stale_until
            hit = slot.has_value and now < slot.fresh_until
            renewable = slot.has_value and now < slot.renew_until and renew is not None
            context.cache_hits.setdefault(self._name, hit or renewable)
            if hit or slot.serves_old(now):
                return slot.value  # type: ignore[return-value]
            if slot.failure is not None and now < slot.failed_until:
                raise copy.copy(slot.failure)
            pending, leads = slot.start_load()
        if renewable and renew is not None and self._renew_behind(key, slot, pending, renew, context):
            return slot.value  # type: ignore[return-value]
        if leads:
            return self._load(key, slot, pending, load, context, old=usable)
        return self._wait(slot, pending, context)

    def _renew_behind(
        self,
        key: K,
        slot: Slot[V],
        pending: Future[V],
        renew: Callable[[RequestContext], V],
        context: RequestContext,
    ) -> bool:
        """Have a helper load the new value; tell whether one was free."""
        if self._helpers is None:
            return False
        own = RequestContext(
            deadline=Deadline(self._clock, RENEWAL_SECONDS), request_id=context.request_id, trace=context.trace
        )

        def work() -> None:
            # The slot keeps the result; the next request that finds a failure there reports it.
            with suppress(Exception):
                self._load(key, slot, pending, lambda: renew(own), own, old=True)

        return self._helpers.start(work) is not None

    def renew(self, key: K, load: Callable[[], V], context: RequestContext, *, at_most_every: float) -> V:
        """Return a newer value than the one from :meth:`get`, if the rate allows a load now.

        Waits for a load in progress. Within ``at_most_every`` seconds of the last renewal, its result is returned
        again, whether a value or a TransientError.
        """
        return retry_abandoned(lambda: self._renew(key, load, context, at_most_every))

    def _renew(self, key: K, load: Callable[[], V], context: RequestContext, at_most_every: float) -> V:
        now = self._clock.monotonic()
        with self._lock:
            slot = self._slots.used(key)
            if slot.load is None and now < slot.next_renewal:
                if slot.failure is not None:
                    raise copy.copy(slot.failure)
                if slot.has_value:
                    return slot.value  # type: ignore[return-value]
            pending, leads = slot.start_load()
            if leads:
                slot.next_renewal = now + at_most_every
        if leads:
            return self._load(key, slot, pending, load, context, old=False)
        return self._wait(slot, pending, context)

    def expire(self, key: K) -> None:
        """Load again next time, and wait for it; the old value still serves while the source fails."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None:
                slot.expire()

    def drop_if(self, key: K, value: V, first: Callable[[], None] = lambda: None) -> bool:
        """Compare and delete: forget the value for ``key`` if it is still ``value``, and tell whether it was.

        ``first`` runs before that, while no request can start a load; it drops what the value was made from.
        """
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None and slot.value is value:
                slot.fresh_until = 0.0  # get() must wait here instead of serving it
                first()
                del self._slots[key]
                return True
            return False

    def clear(self) -> None:
        """Forget every value."""
        with self._lock:
            self._slots.clear()

    def _wait(self, slot: Slot[V], pending: Future[V], context: RequestContext) -> V:
        with self._lock:
            if slot.waiting >= self._max_waiting:
                raise self._slow()
            slot.waiting += 1
        try:
            return pending.result(timeout=context.deadline.remaining())
        except FutureTimeoutError:
            raise self._slow() from None
        finally:
            with self._lock:
                slot.waiting -= 1

    def _load(
        self,
        key: K,
        slot: Slot[V],
        pending: Future[V],
        load: Callable[[], V],
        context: RequestContext,
        *,
        old: bool,
    ) -> V:
        try:
            value = load()
        except BaseException as error:
            transient = isinstance(error, TransientError)
            left = transient and context.deadline.remaining() <= 0
            self._failed(key, slot, pending, error, left=left)
            if transient and old:
                pending.set_result(slot.value)  # type: ignore[arg-type]
                return slot.value  # type: ignore[return-value]
            pending.set_exception(LoaderLeftError() if left else error)
            raise
        with self._lock:
            if slot.load is pending:
                fresh, renew = self._fresh_for(value), self._renew_for(value)
                slot.keep(value, self._clock.monotonic(), fresh=fresh, renew=renew, stale=self._stale_seconds)
        pending.set_result(value)
        return value

    def _failed(self, key: K, slot: Slot[V], pending: Future[V], error: BaseException, *, left: bool) -> None:
        """Note a load's failure, unless the key was expired or forgotten meanwhile and belongs to another load."""
        hold = self._hold_failure_seconds
        with self._lock:
            until = self._clock.monotonic() + hold if hold > 0 else 0.0
            forget = slot.load is pending and slot.fail(error, left=left, until=until)
            if forget and self._slots.get(key) is slot:
                del self._slots[key]
