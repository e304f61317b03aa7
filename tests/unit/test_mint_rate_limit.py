from __future__ import annotations

import io
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mintcore.errors import RateLimited
from mintcore.observe.log import JsonLog
from mintcore.rate_limit import RepositoryLimiter
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
