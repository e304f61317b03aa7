"""Remember which repositories a provider accepted recently, so a token may be requested during their next exchange.

Each acceptance allows one such request. So if the provider begins to refuse, at most one unused token per
acceptance is created, even with many parallel requests.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mintcore.clock import Clock

ACCEPTED_SECONDS = 600.0
MAX_UNUSED = 100
_MAX_KEYS = 10_000


@dataclass(slots=True)
class _Accepted:
    at: float
    unused: int


class Acceptances:
    """Counts the unused acceptances per provider and repository or project."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Hashable], _Accepted] = OrderedDict()

    def accepted(self, provider_id: str, caller: Hashable) -> None:
        """Count an acceptance."""
        key = provider_id, caller
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Accepted(0.0, 0)
                if len(self._kept) > _MAX_KEYS:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
            kept.at, kept.unused = self._clock.monotonic(), min(kept.unused + 1, MAX_UNUSED)

    def refused(self, provider_id: str, caller: Hashable) -> None:
        """Forget the caller's acceptances: until the next one, no token is requested in parallel."""
        with self._lock:
            self._kept.pop((provider_id, caller), None)

    def use(self, provider_id: str, caller: Hashable) -> bool:
        """Use up one acceptance of the last ten minutes; tell whether there was one."""
        with self._lock:
            kept = self._kept.get((provider_id, caller))
            if kept is None or not kept.unused or self._clock.monotonic() - kept.at >= ACCEPTED_SECONDS:
                return False
            kept.unused -= 1
            return True
