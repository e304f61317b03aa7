from __future__ import annotations

import contextlib

import pytest

from mintcore.http.breaker import FAILURES, REST_SECONDS, CircuitBreaker, CircuitOpen
from tests.mint_doubles import FakeClock


class Broken(Exception):
    """The service failed."""


def fail(breaker: CircuitBreaker, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(Broken), breaker.calling(Broken):
            raise Broken


def succeed(breaker: CircuitBreaker) -> None:
    with breaker.calling(Broken):
        pass


def test_so_many_wait_and_no_more() -> None:
    breaker = CircuitBreaker(FakeClock(), max_waiting=2)
    with breaker.calling(Broken), breaker.calling(Broken), pytest.raises(CircuitOpen, match="too many"):
        succeed(breaker)
    succeed(breaker)


def test_it_rests_after_failures_in_a_row_and_only_then() -> None:
    breaker = CircuitBreaker(FakeClock(), max_waiting=2)
    fail(breaker, FAILURES - 1)
    succeed(breaker)
    fail(breaker)
    with pytest.raises(CircuitOpen, match="failed") as refused:
        succeed(breaker)
    assert refused.value.retry_after == REST_SECONDS


def test_after_the_rest_one_tries_and_its_success_is_for_all() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock, max_waiting=4)
    fail(breaker)
    clock.advance(REST_SECONDS)
    with breaker.calling(Broken), pytest.raises(CircuitOpen):
        succeed(breaker)
    succeed(breaker)


def test_a_failed_try_begins_the_next_rest() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock, max_waiting=4)
    fail(breaker)
    clock.advance(REST_SECONDS)
    fail(breaker, 1)
    clock.advance(REST_SECONDS - 1)
    with pytest.raises(CircuitOpen) as refused:
        succeed(breaker)
    assert refused.value.retry_after == 1


def test_a_try_that_never_ends_is_followed_by_another_after_the_next_rest() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock, max_waiting=4)
    fail(breaker)
    clock.advance(REST_SECONDS)
    with breaker.calling(Broken):
        clock.advance(REST_SECONDS)
        succeed(breaker)


def test_another_exception_is_not_the_services_failure() -> None:
    breaker = CircuitBreaker(FakeClock(), max_waiting=1)
    for _ in range(FAILURES):
        with contextlib.suppress(KeyError), breaker.calling(Broken):
            raise KeyError
    succeed(breaker)
