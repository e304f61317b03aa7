"""Sources that a cache loads from, and a cache over each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mintcore.cache import ExpiringCache
from mintcore.errors import KeyUnavailable
from tests.mint_doubles import new_attempt

if TYPE_CHECKING:
    from mintcore.errors import MintError
    from tests.mint_doubles import FakeClock

TIMEOUT = 10.0


class Source:
    """What a cache loads from: counts the loads, and fails or answers as told."""

    def __init__(self, answer: object = "first") -> None:
        self.answer: object = answer
        self.failure: MintError | None = None
        self.loads = 0

    def __call__(self) -> object:
        self.loads += 1
        if self.failure is not None:
            raise self.failure
        return self.answer


def new_cache(clock: FakeClock, **changes: Any) -> ExpiringCache[str, object]:
    given: dict[str, Any] = {
        "fresh_for": lambda _value: 100.0,
        "stale_seconds": 1000.0,
        "hold_failure_seconds": 5.0,
        "max_entries": 100,
        "slow": lambda: KeyUnavailable(detail="too slow"),
    }
    return ExpiringCache("things", clock=clock, **(given | changes))


def loaded_cache(clock: FakeClock, **changes: Any) -> tuple[ExpiringCache[str, object], Source]:
    """Return a cache that has just loaded the value of the key ``a``, and its source."""
    cache, source = new_cache(clock, **changes), Source()
    cache.get("a", source, new_attempt(clock))
    return cache, source
