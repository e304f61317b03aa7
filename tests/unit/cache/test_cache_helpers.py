"""Old values that serve at once while a helper fetches the new one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import InvalidRoleKey, KeyUnavailable
from tests.mint_doubles import FakeClock, ManualHelpers, new_attempt
from tests.unit.cache.cache_sources import TIMEOUT, Source, new_cache

if TYPE_CHECKING:
    from mintcore.cache import ExpiringCache
    from mintcore.errors import MintError
    from mintcore.request import RequestContext


def renewing(clock: FakeClock, helpers: ManualHelpers, **changes: Any) -> ExpiringCache[str, object]:
    return new_cache(
        clock, renew_for=lambda value: 400.0 if value else 0.0, helpers=helpers, stale_seconds=0.0, **changes
    )


def get_or_renew(cache: ExpiringCache[str, object], source: Source, clock: FakeClock) -> object:
    return cache.get("a", source, new_attempt(clock), renew=lambda _own: source())


def loaded_renewing(clock: FakeClock) -> tuple[ExpiringCache[str, object], Source, ManualHelpers]:
    """Return a cache that has just loaded the value of the key ``a``, its source and its helpers."""
    helpers, source = ManualHelpers(), Source()
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
    return cache, source, helpers


def test_an_old_value_is_served_at_once_while_one_helper_fetches_the_new_one(clock: FakeClock) -> None:
    cache, source, helpers = loaded_renewing(clock)
    source.answer = "second"
    clock.advance(100)
    assert [get_or_renew(cache, source, clock) for _ in range(3)] == ["first"] * 3
    assert (source.loads, len(helpers.waiting)) == (1, 1)
    helpers.run()
    assert get_or_renew(cache, source, clock) == "second"
    assert source.loads == 2


def test_an_old_value_beyond_its_time_is_not_served(clock: FakeClock) -> None:
    cache, source, helpers = loaded_renewing(clock)
    source.answer = "second"
    clock.advance(499.9)
    assert get_or_renew(cache, source, clock) == "first"
    helpers.run()
    source.answer = "third"
    clock.advance(500)
    assert get_or_renew(cache, source, clock) == "third"
    assert helpers.waiting == []


def test_a_value_that_may_not_be_old_is_not_served_old(clock: FakeClock) -> None:
    helpers, source = ManualHelpers(), Source(None)
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
    source.answer = "there"
    clock.advance(100)
    assert get_or_renew(cache, source, clock) == "there"


def test_a_source_that_fails_behind_an_old_value_is_tried_again_after_a_while(clock: FakeClock) -> None:
    cache, source, helpers = loaded_renewing(clock)
    source.failure = KeyUnavailable()
    clock.advance(100)
    get_or_renew(cache, source, clock)
    helpers.run()
    assert get_or_renew(cache, source, clock) == "first"
    assert helpers.waiting == []
    clock.advance(5)
    assert get_or_renew(cache, source, clock) == "first"
    assert len(helpers.waiting) == 1


def test_a_lasting_failure_behind_an_old_value_ends_it(clock: FakeClock) -> None:
    cache, source, helpers = loaded_renewing(clock)
    source.failure = InvalidRoleKey()
    clock.advance(100)
    assert get_or_renew(cache, source, clock) == "first"
    helpers.run()
    with pytest.raises(InvalidRoleKey):
        get_or_renew(cache, source, clock)


def test_without_a_free_helper_the_request_fetches_the_value_itself(clock: FakeClock) -> None:
    helpers, source = ManualHelpers(), Source()
    helpers.full = True
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
    source.answer = "second"
    clock.advance(100)
    assert get_or_renew(cache, source, clock) == "second"


def test_a_renewal_has_a_deadline_of_its_own(clock: FakeClock) -> None:
    helpers, source = ManualHelpers(), Source()
    seen: list[RequestContext] = []
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
    clock.advance(100)
    asked = new_attempt(clock, 0.5)

    def renew(own: RequestContext) -> object:
        seen.append(own)
        return "second"

    cache.get("a", source, asked, renew=renew)
    clock.advance(1)
    helpers.run()
    assert seen[0].deadline.remaining() > 10
    assert seen[0].upstream_calls is not asked.upstream_calls
    assert asked.cache_hits == {"things": True}


def test_an_expired_key_is_fetched_again_and_not_served_old(clock: FakeClock) -> None:
    cache, source, _helpers = loaded_renewing(clock)
    source.answer = "second"
    cache.expire("a")
    assert get_or_renew(cache, source, clock) == "second"


def test_an_expired_value_does_not_serve_while_another_request_fetches_it_again(clock: FakeClock) -> None:
    cache, _source, _helpers = loaded_renewing(clock)
    cache.expire("a")
    loads, may_load = threading.Event(), threading.Event()

    def slowly() -> object:
        loads.set()
        assert may_load.wait(TIMEOUT)
        return "second"

    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(cache.get, "a", slowly, new_attempt(clock))
        assert loads.wait(TIMEOUT)
        waiting = pool.submit(cache.get, "a", slowly, new_attempt(clock))
        assert not waiting.done()
        may_load.set()
        assert [found.result(TIMEOUT) for found in (loading, waiting)] == ["second", "second"]


@pytest.mark.parametrize("failure", [None, KeyUnavailable(), InvalidRoleKey()], ids=str)
def test_a_load_that_began_before_its_key_expired_changes_nothing(
    clock: FakeClock, failure: MintError | None
) -> None:
    cache, source, helpers = loaded_renewing(clock)
    clock.advance(100)
    get_or_renew(cache, source, clock)  # a helper is to fetch it anew
    cache.expire("a")
    assert get_or_renew(cache, Source("after"), clock) == "after"
    source.failure = failure
    helpers.run()
    assert get_or_renew(cache, source, clock) == "after"
