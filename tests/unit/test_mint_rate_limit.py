"""The rate limit: how often a repository may mint, and which limits and storages can be used."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mintcore.errors import RateLimited
from mintcore.observe.log import JsonLog
from mintcore.rate_limit import RepositoryLimiter, problems_with
from tests.mint_doubles import FakeClock


def test_a_storage_that_failed_is_left_alone_for_five_seconds() -> None:
    clock, log = FakeClock(), io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    limiter = RepositoryLimiter("1/hour", f"redis://127.0.0.1:{port}/0", JsonLog(log), monotonic=clock.monotonic)
    failures = []
    for seconds in (0.0, 4.9, 0.1):
        clock.advance(seconds)
        limiter.spend("octo-org/app")
        failures.append(log.getvalue().count("the rate limit's storage fails"))
    assert failures == [1, 1, 2]


def test_the_wait_is_counted_by_the_clock_that_the_library_goes_by() -> None:
    limiter = RepositoryLimiter("1/minute", "memory://", JsonLog(io.StringIO()), wall=lambda: 0.0)
    limiter.spend("octo-org/app")
    with pytest.raises(RateLimited) as limited:
        limiter.spend("octo-org/app")
    assert (limited.value.retry_after or 0) > 10**9


@pytest.mark.parametrize(
    ("limit", "words"),
    [("1/minute", "1 token per minute"), ("2/minute", "2 tokens per minute"), ("3/5 hour", "3 tokens per 5 hours")],
)
def test_the_limit_is_told_in_words(limit: str, words: str) -> None:
    limiter = RepositoryLimiter(limit, "memory://", JsonLog(io.StringIO()))
    for _ in range(int(limit[0])):
        limiter.spend("octo-org/app")
    with pytest.raises(RateLimited, match=f"asked for more than {words}; wait"):
        limiter.spend("octo-org/app")


def test_many_at_once_get_no_more_than_the_limit() -> None:
    def minted(limiter: RepositoryLimiter) -> bool:
        try:
            limiter.spend("octo-org/app")
        except RateLimited:
            return False
        return True

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(300):
                limiter = RepositoryLimiter("2/hour", "memory://", JsonLog(io.StringIO()))
                assert sum(pool.map(minted, [limiter] * 8)) == 2
    finally:
        sys.setswitchinterval(switch)


def test_a_repository_that_mints_too_often_is_told_to_wait_no_longer_than_the_limits_span() -> None:
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a stream is what is needed
        limiter = RepositoryLimiter("2/minute", "memory://", JsonLog(nowhere))
        limiter.spend("octo-org/app")
        limiter.spend("octo-org/app")
        with pytest.raises(RateLimited) as limited:
            limiter.spend("octo-org/app")
        limiter.spend("octo-org/other")
    assert 1 <= (limited.value.retry_after or 0) <= 61


def connections_to(listener: socket.socket) -> int:
    """Count the connections that wait to be accepted."""
    listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    number = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            number += 1
    return number


def test_a_redis_that_says_nothing_costs_one_request_half_a_second_and_the_next_none() -> None:
    log = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limiter = RepositoryLimiter("1/hour", f"redis://127.0.0.1:{silent.getsockname()[1]}/0", JsonLog(log))
        started = time.monotonic()
        for _ in range(3):
            limiter.spend("octo-org/app")
        assert time.monotonic() - started < 5  # without its own limit the storage would wait for minutes
        assert connections_to(silent) == 1
    assert log.getvalue().count("TimeoutError") == 1


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        ("redis://localhost:port/0", "is not a URL of Redis"),
        ("ftp://localhost", "is neither memory:// nor redis://…"),
        ("redis://localhost:6379/0", ""),
        ("memory://", ""),
    ],
)
def test_a_storage_that_cannot_be_used_is_a_problem(storage: str, problem: str) -> None:
    assert [found[1] for found in problems_with("1/hour", storage)] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("limit", "usable"),
    [("1/minute", True), ("10 per hour", True), ("0/minute", False), ("1/minute;2/hour", False), ("soon", False)],
)
def test_a_limit_that_cannot_be_used_is_a_problem(limit: str, usable: bool) -> None:
    assert [found[0] for found in problems_with(limit, "memory://")] == ([] if usable else ["RATE_LIMIT"])
