"""Many threads at one cache: one loads, the others wait no longer than their own time."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import InvalidRoleKey, KeyUnavailable
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.cache.cache_sources import TIMEOUT, Source, new_cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.cache import ExpiringCache
    from mintcore.request import RequestContext


class Blocking:
    """A load that reports when it has begun and continues when the test lets it."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.loads = 0

    def __call__(self) -> object:
        self.loads += 1
        self.begun.set()
        assert self.may_end.wait(TIMEOUT)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def ask(cache: ExpiringCache[str, object], how: str, load: Callable[[], object], context: RequestContext) -> object:
    return cache.get("a", load, context) if how == "get" else cache.renew("a", load, context, at_most_every=30)


def in_threads(count: int, call: Callable[[], object]) -> list[Any]:
    def outcome() -> object:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the outcome is what is looked at
            return error

    with ThreadPoolExecutor(count) as pool:
        return [future.result(TIMEOUT) for future in [pool.submit(outcome) for _ in range(count)]]


@pytest.mark.parametrize("how", ["get", "renew"])
def test_however_many_ask_at_once_one_loads(clock: FakeClock, how: str) -> None:
    cache, load = new_cache(clock), Blocking("value")
    waiting = threading.Semaphore(0)

    def one_asks() -> object:
        waiting.release()
        return ask(cache, how, load, new_attempt(clock))

    def let_go() -> None:
        for _ in range(16):
            assert waiting.acquire(timeout=TIMEOUT)
        load.may_end.set()

    opener = threading.Thread(target=let_go)
    opener.start()
    assert in_threads(16, one_asks) == ["value"] * 16
    opener.join(TIMEOUT)
    assert load.loads == 1


def test_all_who_wait_hear_of_the_one_failure(clock: FakeClock) -> None:
    failure = InvalidRoleKey()
    cache, load = new_cache(clock), Blocking(failure)
    leader = threading.Thread(target=lambda: in_threads(1, lambda: cache.get("a", load, new_attempt(clock))))
    leader.start()
    assert load.begun.wait(TIMEOUT)
    joiners: list[Any] = []
    joined = threading.Semaphore(0)

    def join() -> object:
        joined.release()
        return cache.get("a", load, new_attempt(clock))

    waiting = threading.Thread(target=lambda: joiners.extend(in_threads(4, join)))
    waiting.start()
    for _ in range(4):
        assert joined.acquire(timeout=TIMEOUT)
    load.may_end.set()
    leader.join(TIMEOUT)
    waiting.join(TIMEOUT)
    # A late thread may have begun another load, which fails the same way.
    assert [type(outcome) for outcome in joiners] == [InvalidRoleKey] * 4


def test_who_finds_an_old_value_while_another_loads_does_not_wait(clock: FakeClock) -> None:
    cache, load = new_cache(clock), Blocking("second")
    cache.get("a", Source("first"), new_attempt(clock))
    clock.advance(100)
    leader = threading.Thread(target=lambda: cache.get("a", load, new_attempt(clock)))
    leader.start()
    assert load.begun.wait(TIMEOUT)
    assert cache.get("a", Source("never"), new_attempt(clock)) == "first"
    load.may_end.set()
    leader.join(TIMEOUT)
    assert cache.get("a", Source("never"), new_attempt(clock)) == "second"


@pytest.mark.parametrize(("how", "old"), [("get", False), ("renew", False), ("renew", True)])
def test_who_waits_for_anothers_load_waits_no_longer_than_its_own_time(
    clock: FakeClock, how: str, old: bool
) -> None:
    cache, load = new_cache(clock), Blocking("value")
    if old:
        cache.get("a", Source("not the renewed one"), new_attempt(clock))
    leader = threading.Thread(target=ask, args=(cache, how, load, new_attempt(clock)))
    leader.start()
    assert load.begun.wait(TIMEOUT)
    with pytest.raises(KeyUnavailable, match="too slow"):
        ask(cache, how, load, new_attempt(clock, seconds=0.05))
    load.may_end.set()
    leader.join(TIMEOUT)
    assert load.loads == 1


def test_who_waits_for_a_load_that_fails_has_the_old_value_that_stands_in_for_it(clock: FakeClock) -> None:
    cache, load = new_cache(clock), Blocking(KeyUnavailable())
    cache.get("a", Source("old"), new_attempt(clock))
    clock.advance(100)
    joined = threading.Event()

    def join() -> object:
        context = new_attempt(clock, seconds=TIMEOUT / 2)
        joined.set()
        # A late thread loads again, with the same result.
        return ask(cache, "renew", Source("old"), context)

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(ask, cache, "get", load, new_attempt(clock))
        assert load.begun.wait(TIMEOUT)
        joiner = pool.submit(join)
        assert joined.wait(TIMEOUT)
        load.may_end.set()
        assert [one.result(TIMEOUT) for one in (leader, joiner)] == ["old", "old"]


def test_a_key_forgotten_during_its_load_is_loaded_again_by_the_next(clock: FakeClock) -> None:
    cache, load = new_cache(clock), Blocking("old")
    outcomes: list[object] = []
    leader = threading.Thread(target=lambda: outcomes.append(cache.get("a", load, new_attempt(clock))))
    leader.start()
    assert load.begun.wait(TIMEOUT)
    cache.clear()
    assert cache.get("a", Source("new"), new_attempt(clock)) == "new"
    load.may_end.set()
    leader.join(TIMEOUT)
    assert outcomes == ["old"]
    assert cache.get("a", Source("never"), new_attempt(clock)) == "new"


def test_a_load_that_fails_after_its_key_was_forgotten_leaves_the_newer_value(clock: FakeClock) -> None:
    cache, load = new_cache(clock), Blocking(InvalidRoleKey())
    leader = threading.Thread(target=lambda: in_threads(1, lambda: cache.get("a", load, new_attempt(clock))))
    leader.start()
    assert load.begun.wait(TIMEOUT)
    cache.clear()
    cache.get("a", Source("new"), new_attempt(clock))
    load.may_end.set()
    leader.join(TIMEOUT)
    assert cache.get("a", Source("never"), new_attempt(clock)) == "new"


@pytest.mark.parametrize("how", ["get", "renew"])
def test_an_interrupted_load_leaves_the_key_usable(clock: FakeClock, how: str) -> None:
    cache = new_cache(clock)

    def interrupted() -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(cache, how, interrupted, new_attempt(clock))
    assert ask(cache, how, Source(), new_attempt(clock)) == "first"


class Slow(Blocking):
    """A load whose loading request has no time left when it fails."""

    def __init__(self, clock: FakeClock, outcome: object, takes: float) -> None:
        super().__init__(outcome)
        self._clock, self._takes = clock, takes

    def __call__(self) -> object:
        try:
            return super().__call__()
        finally:
            self._clock.advance(self._takes)


def test_a_load_that_runs_out_of_time_fails_itself_and_none_of_its_waiters(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    leaders = Slow(clock, KeyUnavailable(detail="the leader's time ran out"), takes=5)
    with ThreadPoolExecutor(4) as pool:
        leader = pool.submit(cache.get, "a", leaders, new_attempt(clock, 3))
        assert leaders.begun.wait(TIMEOUT)
        waiting = [pool.submit(cache.get, "a", source, new_attempt(clock)) for _ in range(3)]
        leaders.may_end.set()
        with pytest.raises(KeyUnavailable):
            leader.result(TIMEOUT)
        assert [one.result(TIMEOUT) for one in waiting] == ["first"] * 3
    assert source.loads == 1


def test_a_failure_for_want_of_time_is_not_held_against_the_source(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    leaders = Slow(clock, KeyUnavailable(), takes=5)
    leaders.may_end.set()
    with pytest.raises(KeyUnavailable):
        cache.get("a", leaders, new_attempt(clock, 3))
    assert cache.get("a", source, new_attempt(clock)) == "first"


def test_a_renewal_for_which_time_ran_out_may_be_asked_for_at_once(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source("second")
    cache.get("a", Source(), new_attempt(clock))
    leaders = Slow(clock, KeyUnavailable(), takes=5)
    leaders.may_end.set()
    with pytest.raises(KeyUnavailable):
        cache.renew("a", leaders, new_attempt(clock, 3), at_most_every=30)
    assert cache.renew("a", source, new_attempt(clock), at_most_every=30) == "second"


class Request:
    """What a request holds on to, such as a caller's token."""


@pytest.mark.parametrize("hold", [0.0, 5.0])
def test_a_failure_keeps_nothing_of_the_request_that_met_it(clock: FakeClock, hold: float) -> None:
    cache = new_cache(clock, hold_failure_seconds=hold)

    def ask() -> weakref.ref[Request]:
        request = Request()
        with pytest.raises(KeyUnavailable, match="down"):
            fail(request)
        return weakref.ref(request)

    def fail(_request: Request) -> object:
        source = Source()
        source.failure = KeyUnavailable(detail="down")
        return cache.get("a", source, new_attempt(clock))

    kept = [ask(), ask()]
    gc.collect()
    assert [one() for one in kept] == [None, None]
    assert len(cache) == (1 if hold else 0)
