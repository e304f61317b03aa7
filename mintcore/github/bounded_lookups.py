"""Cache GitHub's answers to look-ups, and look up only within :mod:`mintcore.github.lookup_limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from mintcore.cache import ExpiringCache
from mintcore.errors import Incident, InstallationError, MintError, UpstreamTimeout
from mintcore.github.lookup_limits import Lookup

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.clock import Clock
    from mintcore.github.lookup_limits import LookupLimits
    from mintcore.policy.caller import Caller
    from mintcore.request import RequestContext

V = TypeVar("V")

_MAX_ANSWERS = 10_000


class BoundedLookups(Generic[V]):
    """GitHub's answers, each fresh for ``fresh_for(answer)`` seconds. One look-up at a time; keeps no failure.

    ``name`` is the cache's name in the record of a request.
    """

    def __init__(self, name: str, clock: Clock, limits: LookupLimits, fresh_for: Callable[[V], float]) -> None:
        self._limits = limits
        self._answers = ExpiringCache[Lookup, V](
            name,
            clock=clock,
            fresh_for=fresh_for,
            hold_failure_seconds=0.0,
            max_entries=_MAX_ANSWERS,
            slow=lambda: UpstreamTimeout(detail=f"waited for a look-up ({name}) until the time ran out"),
        )

    def get(
        self,
        lookup: Lookup,
        caller: Caller,
        load: Callable[[], V],
        context: RequestContext,
        *,
        gained: Callable[[V], bool],
        about: str,
    ) -> V:
        """Return the cached answer, or load it if the limits allow a look-up for ``caller``.

        ``gained`` tells whether an answer allows the caller's request. Raises as ``load`` and
        :meth:`~mintcore.github.lookup_limits.LookupLimits.admit` do.
        """
        tried: list[bool] = []
        here: list[bool] = []

        def admit() -> None:
            tried.append(True)
            self._limits.admit(lookup, caller, about)

        def look_up() -> V:
            answer = self._watched(lookup, caller, load, context)
            here.append(True)
            return answer

        while True:
            try:
                answer = self._answers.get(lookup, look_up, context, admit=admit)
                break
            except (InstallationError, Incident):
                # This request may have waited for another caller's look-up, and such a failure can be about that
                # caller.
                if tried or context.deadline.remaining() <= 0:
                    raise
        self._limits.answered(lookup, caller, gained=gained(answer), looked_up=bool(here))
        return answer

    def known(self, lookup: Lookup, caller: Caller, *, about: str) -> V | None:
        """Return the cached answer, or ``None`` if a look-up may get it. Makes no look-up.

        Raises as :meth:`~mintcore.github.lookup_limits.LookupLimits.require` does.
        """
        answer = self._answers.peek(lookup)
        if answer is None:
            self._limits.require(lookup, caller, about)
        return answer

    def renew(self, lookup: Lookup, caller: Caller, load: Callable[[], V], context: RequestContext) -> V:
        """Return the answer of a look-up that ends after this call begins. Raises as ``load`` does."""
        return self._answers.renew(
            lookup, lambda: self._watched(lookup, caller, load, context), context, at_most_every=0.0
        )

    def _watched(self, lookup: Lookup, caller: Caller, load: Callable[[], V], context: RequestContext) -> V:
        """Return the result of ``load``. A failure counts if GitHub was called."""
        before = context.upstream_calls.get("github", 0)
        try:
            return load()
        except MintError as failure:
            if context.upstream_calls.get("github", 0) > before:
                self._limits.failed(lookup, caller, failure)
            raise
