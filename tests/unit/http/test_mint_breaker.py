from __future__ import annotations

import contextlib

import pytest

from mintcore.http.breaker import FAILURES, REST_SECONDS, Breaker, NotNow
from tests.mint_doubles import FakeClock


class Broken(Exception):
    """The service failed."""


def fail(breaker: Breaker, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(Broken), breaker.asking(Broken):
            raise Broken


def succeed(breaker: Breaker) -> None:
    with breaker.asking(Broken):
        pass


def test_so_many_wait_and_no_more() -> None:
    breaker = Breaker(FakeClock(), most=2)
    with breaker.asking(Broken), breaker.asking(Broken), pytest.raises(NotNow, match="too many"):
        succeed(breaker)
    succeed(breaker)


def test_it_rests_after_failures_in_a_row_and_only_then() -> None:
    breaker = Breaker(FakeClock(), most=2)
    fail(breaker, FAILURES - 1)
    succeed(breaker)
    fail(breaker)
    with pytest.raises(NotNow, match="failed") as refused:
        succeed(breaker)
    assert refused.value.retry_after == REST_SECONDS


def test_after_the_rest_one_tries_and_its_success_is_for_all() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, most=4)
    fail(breaker)
    clock.advance(REST_SECONDS)
    with breaker.asking(Broken), pytest.raises(NotNow):
        succeed(breaker)
    succeed(breaker)


def test_a_failed_try_begins_the_next_rest() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, most=4)
    fail(breaker)
    clock.advance(REST_SECONDS)
    fail(breaker, 1)
    clock.advance(REST_SECONDS - 1)
    with pytest.raises(NotNow) as refused:
        succeed(breaker)
    assert refused.value.retry_after == 1


def test_a_try_that_never_ends_is_followed_by_another_after_the_next_rest() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, most=4)
    fail(breaker)
    clock.advance(REST_SECONDS)
    with breaker.asking(Broken):
        clock.advance(REST_SECONDS)
        succeed(breaker)


def test_another_exception_is_not_the_services_failure() -> None:
    breaker = Breaker(FakeClock(), most=1)
    for _ in range(FAILURES):
        with contextlib.suppress(KeyError), breaker.asking(Broken):
            raise KeyError
    succeed(breaker)
