from __future__ import annotations

import io
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mintcore.errors import TokenSpent
from mintcore.minting.token_uses import TokenCounter
from mintcore.observe.log import JsonLog
from tests.mint_doubles import FakeClock, caller
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mintcore.policy.caller import Caller

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


class Counted:
    """A counter and what it logs."""

    def __init__(self, limit: int = 1, storage: str = "memory://", clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.log = io.StringIO()
        log = JsonLog(self.log)
        self.uses = TokenCounter(limit, storage, self.clock, log, monotonic=self.clock.monotonic)

    def mints(self, job: Caller) -> bool:
        try:
            self.uses.check(job)
            self.uses.spend(job)
        except TokenSpent:
            return False
        return True


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


def job(jti: str = "token-1") -> Caller:
    return caller(jti=jti)


@pytest.mark.parametrize("limit", [1, 3])
def test_a_token_mints_as_often_as_the_operator_allows(limit: int) -> None:
    counted = Counted(limit)
    assert [counted.mints(job()) for _ in range(limit + 2)] == [True] * limit + [False, False]
    assert counted.mints(job("token-2"))


def test_the_answer_says_how_to_go_on() -> None:
    counted = Counted(2)
    for _ in range(2):
        counted.uses.spend(job())
    for refuse in (counted.uses.check, counted.uses.spend):
        with pytest.raises(TokenSpent, match=r"has minted 2 times.*Fix: request a new OIDC token") as spent:
            refuse(job())
        assert spent.value.status == 403


def test_checking_counts_nothing() -> None:
    counted = Counted()
    for _ in range(5):
        counted.uses.check(job())
    assert counted.mints(job())


def test_a_mint_that_failed_does_not_count() -> None:
    counted = Counted()
    counted.uses.spend(job())
    assert not counted.mints(job())
    counted.uses.refund(job())
    assert counted.mints(job())
    assert not counted.mints(job())


def test_a_token_of_another_issuer_with_the_same_id_is_another_token() -> None:
    counted, ours = Counted(), job()
    theirs = replace(ours, claims={"iss": "https://o"})
    assert counted.mints(theirs)
    assert counted.mints(ours)


def test_a_token_without_an_id_cannot_be_counted_and_does_not_mint() -> None:
    counted = Counted()
    for refuse in (counted.uses.check, counted.uses.spend):
        with pytest.raises(TokenSpent, match=r"no jti claim.* a fresh token does not help"):
            refuse(caller())


def test_a_count_outlives_its_token_and_is_dropped_then() -> None:
    counted = Counted()
    assert counted.mints(job())
    counted.clock.advance(300 + 30)  # its exp, and the time for which an expired token is accepted
    assert not counted.mints(job())
    counted.clock.advance(120)
    assert counted.mints(job())


@pytest.mark.parametrize("limit", [1, 5])
def test_many_at_once_get_no_more_than_the_limit(limit: int) -> None:
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(50):
            counted = Counted(limit)
            with ThreadPoolExecutor(16) as pool:
                granted = sum(pool.map(lambda _: counted.mints(job(f"t{number}")), range(16)))  # noqa: B023
            assert granted == limit
    finally:
        sys.setswitchinterval(switch)


@needs_redis
@pytest.mark.parametrize("limit", [1, 5])
def test_instances_that_share_a_redis_share_the_count(redis: RedisServer, limit: int) -> None:
    token = job(f"shared-{limit}")
    instances = [Counted(limit, redis.url) for _ in range(3)]
    with ThreadPoolExecutor(12) as pool:
        minted = list(pool.map(lambda number: instances[number % 3].mints(token), range(24)))
    assert sum(minted) == limit
    instances[minted.index(True) % 3].uses.refund(token)
    assert [each.mints(token) for each in instances].count(True) == 1


@needs_redis
def test_the_key_in_redis_holds_neither_the_id_nor_lives_for_ever(redis: RedisServer) -> None:
    counted = Counted(2, redis.url)
    counted.uses.spend(job("secret-looking-id"))
    keys = redis.command("KEYS", "*token/*")
    assert keys
    assert all("secret-looking-id" not in key for key in keys)
    assert all(0 < int(redis.command("TTL", key)[0]) <= 300 + 90 for key in keys)


def test_while_redis_fails_each_instance_counts_by_itself_and_the_operator_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    counted = Counted(1, f"redis://127.0.0.1:{port}/0")
    assert counted.mints(job())
    assert not counted.mints(job())
    assert counted.log.getvalue().count("each instance counts separately") == 1
    counted.clock.advance(5)
    assert counted.mints(job("token-2"))
    assert counted.log.getvalue().count("each instance counts separately") == 2


@needs_redis
def test_what_was_counted_before_redis_failed_still_counts(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        counted = Counted(1, server.url)
        assert counted.mints(job())
    assert not counted.mints(job())
