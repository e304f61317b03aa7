"""A limit that several instances share, counted in a real Redis; skipped where there is no redis-server."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.contract.exchange import send
from tests.contract.table import as_job
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


def test_two_instances_share_one_limit(redis: RedisServer, world: World, start_mint: StartMint) -> None:
    settings = {"RATE_LIMIT": "3/hour", "RATE_LIMIT_STORAGE": redis.url}
    instances = [start_mint(**settings), start_mint(**settings)]
    statuses = [send(instances[number % 2].url, as_job()(world)).status for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_a_counter_that_is_gone_lets_the_mint_go_on_and_tells_the_operator(
    redis: RedisServer, world: World, start_mint: StartMint
) -> None:
    mint = start_mint(RATE_LIMIT="1/hour", RATE_LIMIT_STORAGE=redis.url)
    assert [send(mint.url, as_job()(world)).status for _ in range(2)] == [200, 429]
    redis.stop()
    assert send(mint.url, as_job()(world)).status == 200
    mint.wait_for_log(lambda line: "rate limit's storage fails" in line)


def test_two_instances_share_the_uses_of_a_token(redis: RedisServer, world: World, start_mint: StartMint) -> None:
    settings = {"MINTS_PER_TOKEN": "2", "RATE_LIMIT_STORAGE": redis.url}
    instances = [start_mint(**settings), start_mint(**settings)]
    sent = as_job()(world)
    answers = [send(instances[number % 2].url, sent) for number in range(4)]
    assert [got.status for got in answers] == [200, 200, 403, 403]
    assert answers[-1].json["code"] == "token_spent"
    assert send(instances[0].url, as_job()(world)).status == 200
    redis.stop()
    assert [send(instances[0].url, sent).status for _ in range(3)] == [200, 403, 403]
    instances[0].wait_for_log(lambda line: "each instance counts separately" in line)
