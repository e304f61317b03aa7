from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.cache import ExpiringCache
from mintcore.errors import InvalidRoleKey, KeyUnavailable
from mintcore.helpers import Helpers
from tests.mint_doubles import FakeClock, new_attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.errors import MintError
    from mintcore.request import RequestContext

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


class Blocking:
    """A load that tells when it has begun and goes on when it is let."""

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


def new_cache(clock: FakeClock, **changes: Any) -> ExpiringCache[str, object]:
    given: dict[str, Any] = {
        "fresh_for": lambda _value: 100.0,
        "stale_seconds": 1000.0,
        "hold_failure_seconds": 5.0,
        "max_entries": 100,
        "slow": lambda: KeyUnavailable(detail="too slow"),
    }
    return ExpiringCache("things", clock=clock, **(given | changes))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_value_is_loaded_once_while_it_is_fresh(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    for _ in range(3):
        assert cache.get("a", source, new_attempt(clock)) == "first"
        clock.advance(33)
    assert source.loads == 1


def test_a_value_is_loaded_again_when_its_time_is_over(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
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
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
    source.failure = KeyUnavailable()
    clock.advance(999)
    assert cache.get("a", source, new_attempt(clock)) == "first"


def test_an_old_value_ends_to_serve(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
    source.failure = KeyUnavailable()
    clock.advance(1000)
    with pytest.raises(KeyUnavailable):
        cache.get("a", source, new_attempt(clock))


def test_an_old_value_never_stands_in_for_an_answer_that_will_not_pass(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
    source.failure = InvalidRoleKey()
    clock.advance(100)
    with pytest.raises(InvalidRoleKey):
        cache.get("a", source, new_attempt(clock))
    assert len(cache) == 0


def test_a_programming_error_is_not_hidden_by_an_old_value(clock: FakeClock) -> None:
    cache = new_cache(clock)
    cache.get("a", Source(), new_attempt(clock))
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
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
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


def test_the_key_unused_longest_goes_first_when_there_are_too_many(clock: FakeClock) -> None:
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
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
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
    cache = new_cache(clock)
    cache.get("a", Source(), new_attempt(clock))
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
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
    source.answer = "second"
    assert cache.renew("a", source, new_attempt(clock), at_most_every=30) == "second"
    assert cache.get("a", source, new_attempt(clock)) == "second"


def test_renewing_asks_at_most_so_often(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
    source.answer = "second"
    for _ in range(31):
        assert cache.renew("a", source, new_attempt(clock), at_most_every=30) == "second"
        clock.advance(1)
    assert source.loads == 3


def test_a_renewal_that_failed_is_not_tried_again_before_its_time(clock: FakeClock) -> None:
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
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
    cache, source = new_cache(clock), Source()
    cache.get("a", source, new_attempt(clock))
    source.failure = KeyUnavailable()
    with pytest.raises(KeyUnavailable):
        cache.renew("a", source, new_attempt(clock), at_most_every=30)
    assert cache.get("a", source, new_attempt(clock)) == "first"


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
    # One that came late may have begun a load of its own; it fails the same way.
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
        # One that comes late loads by itself, with the same outcome.
        return ask(cache, "renew", Source("old"), context)

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(ask, cache, "get", load, new_attempt(clock))
        assert load.begun.wait(TIMEOUT)
        joiner = pool.submit(join)
        assert joined.wait(TIMEOUT)
        load.may_end.set()
        assert [one.result(TIMEOUT) for one in (leader, joiner)] == ["old", "old"]


def test_a_key_forgotten_during_its_load_is_loaded_anew_by_the_next(clock: FakeClock) -> None:
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
    """A load whose leader has no time left when it fails."""

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


class ManualHelpers(Helpers):
    """Helpers whose work is done when the test says so."""

    def __init__(self) -> None:
        super().__init__(0)
        self.waiting: list[Callable[[], Any]] = []
        self.full = False

    def start(self, work: Callable[[], Any]) -> Any:
        if self.full:
            return None
        self.waiting.append(work)
        return Future()

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def renewing(clock: FakeClock, helpers: Helpers, **changes: Any) -> ExpiringCache[str, object]:
    return new_cache(
        clock, renew_for=lambda value: 400.0 if value else 0.0, helpers=helpers, stale_seconds=0.0, **changes
    )


def get_or_renew(cache: ExpiringCache[str, object], source: Source, clock: FakeClock) -> object:
    return cache.get("a", source, new_attempt(clock), renew=lambda _own: source())


def test_an_old_value_is_served_at_once_while_one_helper_fetches_the_new_one(clock: FakeClock) -> None:
    helpers, source = ManualHelpers(), Source()
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
    source.answer = "second"
    clock.advance(100)
    assert [get_or_renew(cache, source, clock) for _ in range(3)] == ["first"] * 3
    assert (source.loads, len(helpers.waiting)) == (1, 1)
    helpers.run()
    assert get_or_renew(cache, source, clock) == "second"
    assert source.loads == 2


def test_an_old_value_beyond_its_time_is_not_served(clock: FakeClock) -> None:
    helpers, source = ManualHelpers(), Source()
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
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
    helpers, source = ManualHelpers(), Source()
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
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
    helpers, source = ManualHelpers(), Source()
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
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


def test_an_expired_key_is_fetched_anew_and_not_served_old(clock: FakeClock) -> None:
    helpers, source = ManualHelpers(), Source()
    cache = renewing(clock, helpers)
    get_or_renew(cache, source, clock)
    source.answer = "second"
    cache.expire("a")
    assert get_or_renew(cache, source, clock) == "second"
