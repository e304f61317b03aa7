"""Values that are dropped, expired or renewed, and how many are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mintcore.errors import KeyUnavailable
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.cache.cache_sources import TIMEOUT, Source, loaded_cache, new_cache


def test_the_least_recently_used_key_goes_first_when_there_are_too_many(clock: FakeClock) -> None:
    cache = new_cache(clock, max_entries=3)
    for key in ("a", "b", "c", "a", "d"):
        cache.get(key, lambda key=key: key, new_attempt(clock))  # type: ignore[misc]
    assert len(cache) == 3
    loads = {key: Source() for key in ("a", "c", "d", "b")}
    for key, source in loads.items():
        cache.get(key, source, new_attempt(clock))
    assert {key: source.loads for key, source in loads.items()} == {"a": 0, "c": 0, "d": 0, "b": 1}


def test_a_new_key_stays_where_every_other_key_is_in_use(clock: FakeClock) -> None:
    cache, source = new_cache(clock, max_entries=2), Source()
    for key in ("a", "b", "a", "b", "c", "c"):
        cache.get(key, source, new_attempt(clock))
    assert source.loads == 3
    assert len(cache) == 2


def test_a_fresh_value_is_served_while_another_key_is_dropped(clock: FakeClock) -> None:
    """A fresh value needs no lock, which ``drop_if`` holds while it calls ``first``."""
    cache, source = new_cache(clock), Source()
    dropped = cache.get("dropped", Source("dropped"), new_attempt(clock))
    cache.get("served", source, new_attempt(clock))
    with ThreadPoolExecutor(1) as pool:

        def serve() -> None:
            found = pool.submit(cache.get, "served", source, new_attempt(clock))
            assert found.result(timeout=TIMEOUT) == "first"

        cache.drop_if("dropped", dropped, first=serve)
    assert len(cache) == 1


def test_failures_are_bounded_too(clock: FakeClock) -> None:
    cache, source = new_cache(clock, max_entries=3), Source()
    source.failure = KeyUnavailable()
    for number in range(50):
        with pytest.raises(KeyUnavailable):
            cache.get(str(number), source, new_attempt(clock))
    assert len(cache) == 3


def test_an_expired_value_is_asked_for_again_and_still_serves_while_the_source_fails(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    cache.expire("a")
    source.failure = KeyUnavailable()
    assert cache.get("a", source, new_attempt(clock)) == "first"
    assert source.loads == 2


def test_expiring_ends_the_rest_after_a_failure(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    source.failure = KeyUnavailable()
    with pytest.raises(KeyUnavailable):
        cache.get("a", source, new_attempt(clock))
    source.failure = None
    cache.expire("a")
    assert cache.get("a", source, new_attempt(clock)) == "first"


def test_expiring_a_key_that_is_not_there_does_nothing(clock: FakeClock) -> None:
    cache = new_cache(clock)
    cache.expire("a")
    assert len(cache) == 0


def test_a_dropped_value_is_gone_for_good(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    cache.drop_if("a", cache.get("a", source, new_attempt(clock)))
    source.failure = KeyUnavailable()
    with pytest.raises(KeyUnavailable):
        cache.get("a", source, new_attempt(clock))


def test_clearing_drops_every_value(clock: FakeClock) -> None:
    cache, _ = loaded_cache(clock)
    cache.clear()
    assert len(cache) == 0


def test_of_many_who_found_a_value_wrong_one_drops_it(clock: FakeClock) -> None:
    cache, wrong, told = new_cache(clock), object(), list[str]()
    cache.get("a", lambda: wrong, new_attempt(clock))
    for _ in range(3):
        cache.drop_if("a", wrong, first=lambda: told.append("first"))
    assert told == ["first"]
    assert len(cache) == 0


def test_a_newer_value_is_not_dropped_for_the_older_ones_fault(clock: FakeClock) -> None:
    cache, old, new = new_cache(clock), object(), object()
    cache.get("a", lambda: old, new_attempt(clock))
    cache.drop_if("a", old)
    cache.get("a", lambda: new, new_attempt(clock))
    cache.drop_if("a", old)
    assert cache.get("a", Source(), new_attempt(clock)) is new


def test_renewing_asks_although_the_value_is_fresh(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.answer = "second"
    assert cache.renew("a", source, new_attempt(clock), at_most_every=30) == "second"
    assert cache.get("a", source, new_attempt(clock)) == "second"


def test_renewing_asks_at_most_so_often(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.answer = "second"
    for _ in range(31):
        assert cache.renew("a", source, new_attempt(clock), at_most_every=30) == "second"
        clock.advance(1)
    assert source.loads == 3


def test_a_renewal_that_failed_is_not_tried_again_before_its_time(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.failure = KeyUnavailable()
    for _ in range(5):
        with pytest.raises(KeyUnavailable):
            cache.renew("a", source, new_attempt(clock), at_most_every=30)
        clock.advance(5)
    assert source.loads == 2
    clock.advance(5)
    source.failure = None
    source.answer = "second"
    assert cache.renew("a", source, new_attempt(clock), at_most_every=30) == "second"


def test_a_renewal_that_failed_leaves_the_old_value_for_those_who_only_get(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.failure = KeyUnavailable()
    with pytest.raises(KeyUnavailable):
        cache.renew("a", source, new_attempt(clock), at_most_every=30)
    assert cache.get("a", source, new_attempt(clock)) == "first"
