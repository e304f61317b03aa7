"""How long a value is fresh, how long an old one serves, and how long a failure is remembered."""

from __future__ import annotations

import contextlib

import pytest

from mintcore.errors import InvalidRoleKey, KeyUnavailable
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.cache.cache_sources import Source, loaded_cache, new_cache


def test_a_value_is_loaded_once_while_it_is_fresh(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    for _ in range(3):
        assert cache.get("a", source, new_attempt(clock)) == "first"
        clock.advance(33)
    assert source.loads == 1


def test_a_value_is_loaded_again_when_its_time_is_over(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.answer = "second"
    clock.advance(100)
    assert cache.get("a", source, new_attempt(clock)) == "second"


def test_how_long_a_value_is_fresh_is_up_to_the_value(clock: FakeClock) -> None:
    cache, source = new_cache(clock, fresh_for=lambda value: 15.0 if value is None else 600.0), Source(None)
    cache.get("a", source, new_attempt(clock))
    source.answer = "there"
    clock.advance(14.9)
    assert cache.get("a", source, new_attempt(clock)) is None
    clock.advance(0.1)
    assert cache.get("a", source, new_attempt(clock)) == "there"
    clock.advance(599)
    cache.get("a", source, new_attempt(clock))
    assert source.loads == 2


def test_keys_do_not_share_values(clock: FakeClock) -> None:
    cache = new_cache(clock)
    assert cache.get("a", lambda: 1, new_attempt(clock)) == 1
    assert cache.get("b", lambda: 2, new_attempt(clock)) == 2


def test_the_attempt_learns_whether_the_answer_was_there(clock: FakeClock) -> None:
    cache, first, second = new_cache(clock), new_attempt(clock), new_attempt(clock)
    cache.get("a", Source(), first)
    cache.get("a", Source(), first)
    cache.get("a", Source(), second)
    assert first.cache_hits == {"things": False}
    assert second.cache_hits == {"things": True}


def test_an_old_value_serves_while_the_source_fails(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.failure = KeyUnavailable()
    clock.advance(999)
    assert cache.get("a", source, new_attempt(clock)) == "first"


def test_an_old_value_ends_to_serve(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.failure = KeyUnavailable()
    clock.advance(1000)
    with pytest.raises(KeyUnavailable):
        cache.get("a", source, new_attempt(clock))


def test_an_old_value_never_stands_in_for_an_answer_that_will_not_pass(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.failure = InvalidRoleKey()
    clock.advance(100)
    with pytest.raises(InvalidRoleKey):
        cache.get("a", source, new_attempt(clock))
    assert len(cache) == 0


def test_a_programming_error_is_not_hidden_by_an_old_value(clock: FakeClock) -> None:
    cache, _ = loaded_cache(clock)
    clock.advance(100)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0, new_attempt(clock))


def test_a_source_that_fails_is_left_alone_for_a_while(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    source.failure = KeyUnavailable()
    for _ in range(4):
        with pytest.raises(KeyUnavailable):
            cache.get("a", source, new_attempt(clock))
        clock.advance(1.2)
    assert source.loads == 1
    source.failure = None
    clock.advance(0.2)
    assert cache.get("a", source, new_attempt(clock)) == "first"


def test_a_source_that_fails_is_left_alone_while_an_old_value_serves(clock: FakeClock) -> None:
    cache, source = loaded_cache(clock)
    source.failure = KeyUnavailable()
    clock.advance(100)
    for _ in range(5):
        assert cache.get("a", source, new_attempt(clock)) == "first"
    assert source.loads == 2


def test_a_failure_that_will_not_pass_is_not_remembered(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    source.failure = InvalidRoleKey()
    for _ in range(2):
        with pytest.raises(InvalidRoleKey):
            cache.get("a", source, new_attempt(clock))
    assert source.loads == 2


@pytest.mark.parametrize("old", [True, False])
def test_a_failure_that_is_held_for_no_time_is_asked_about_by_everyone(clock: FakeClock, old: bool) -> None:
    cache, source = new_cache(clock, hold_failure_seconds=0.0), Source()
    if old:
        cache.get("a", source, new_attempt(clock))
        clock.advance(100)
    source.failure, source.loads = KeyUnavailable(), 0
    for _ in range(2):
        with contextlib.nullcontext() if old else pytest.raises(KeyUnavailable):
            cache.get("a", source, new_attempt(clock))
    assert source.loads == 2


def test_a_remembered_failure_does_not_grow_with_each_who_hears_of_it(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    source.failure = KeyUnavailable()
    depths = set()
    for _ in range(5):
        with pytest.raises(KeyUnavailable) as failed:
            cache.get("a", source, new_attempt(clock))
        depths.add(len(failed.traceback))
    assert max(depths) < 10
