"""A limit that several instances share, counted in a real Redis; skipped where there is no redis-server."""

from __future__ import annotations

import shutil
import socket
import subprocess
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tests.contract.exchange import send
from tests.contract.table import as_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    ends = monotonic() + 10
    while not answers(port):
        assert monotonic() < ends
    yield f"redis://127.0.0.1:{port}", process
    process.terminate()
    process.wait(10)


def test_two_instances_share_one_limit(
    redis: tuple[str, subprocess.Popen[bytes]], world: World, start_mint: StartMint
) -> None:
    settings = {"RATE_LIMIT": "3/hour", "RATE_LIMIT_STORAGE": redis[0]}
    instances = [start_mint(**settings), start_mint(**settings)]
    statuses = [send(instances[number % 2].url, as_job()(world)).status for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_a_counter_that_is_gone_lets_the_mint_go_on_and_tells_the_operator(
    redis: tuple[str, subprocess.Popen[bytes]], world: World, start_mint: StartMint
) -> None:
    mint = start_mint(RATE_LIMIT="1/hour", RATE_LIMIT_STORAGE=redis[0])
    assert [send(mint.url, as_job()(world)).status for _ in range(2)] == [200, 429]
    redis[1].terminate()
    redis[1].wait(10)
    assert send(mint.url, as_job()(world)).status == 200
    mint.wait_for_log(lambda line: "rate limit's storage fails" in line)
