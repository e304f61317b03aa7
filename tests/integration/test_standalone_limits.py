"""A standalone mint at its limits of connections and memory: it closes the connections that have waited longest."""

from __future__ import annotations

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from bench.measure import pss_mib
from tests.audited_mint import AuditedMint
from tests.contract.exchange import send
from tests.contract.table import Sent, as_job
from tests.slow_clients import MANY_SILENT, SLOW_BODY, slowest_but_one
from tests.standalone import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

HEALTH = Sent(None, b"", "GET", "/health")
FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))
sys.argv = ["fullsend-mint"]
from mintcore.standalone import main
sys.exit(main())
"""

FEW_CONNECTIONS = """
import sys
from mintcore.http import limits
limits.MAX_CONNECTIONS = 100
sys.argv = ["fullsend-mint"]
from mintcore.standalone import main
sys.exit(main())
"""
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
WHOLE_BODY = SLOW_BODY + b"a" * 60_000


class Held:
    """Do not answer until released."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()

    def apply(self, _answer: object, _stopping: threading.Event) -> None:
        self.asked.set()
        self.released.wait(30)


@pytest.fixture
def mint(world: World, tmp_path: Path) -> Iterator[MintProcess]:
    """A mint that may open 400 files, which leaves room for 136 clients."""
    environment = world.standalone_environment(tmp_path, THREADS="8")
    with AuditedMint(environment, source=ROOT, command=("python", "-c", FEW_FILES)) as running:
        yield running


def open_and_send(mint: MintProcess, start: bytes, opened: ExitStack) -> None:
    port = int(mint.url.rpartition(":")[2])
    connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
    with contextlib.suppress(OSError):
        connection.sendall(start)


def test_more_clients_than_files_displace_each_other_and_delay_no_request(mint: MintProcess, world: World) -> None:
    job = as_job({"role": "coder", "repos": ["app"]})(world)
    with ExitStack() as opened:
        for start in MANY_SILENT:
            open_and_send(mint, start, opened)
        asks = [lambda: send(mint.url, HEALTH).status, lambda: send(mint.url, job).status] * 20
        assert slowest_but_one(asks) < 1
        mint.wait_for_log(lambda line: "closed connections without a whole request: " in line)
    assert any(" over the limit" in line for line in mint.logs())


def test_unfinished_bodies_hold_a_bounded_part_of_the_memory(world: World, tmp_path: Path) -> None:
    """Five hundred clients, each with 50 of 60 KB: 25 MB, of which 16 MiB may wait."""
    with (
        AuditedMint(world.standalone_environment(tmp_path), source=ROOT, command=("fullsend-mint",)) as mint,
        ExitStack() as opened,
    ):
        before = pss_mib(mint.pid)
        for _ in range(500):
            open_and_send(mint, SLOW_BODY + b"a" * 50_000, opened)
        assert send(mint.url, HEALTH).status == 200
        mint.wait_for_log(lambda line: " over the limit" in line)
        assert pss_mib(mint.pid) - before < 40


@pytest.mark.parametrize("start", [b"", b"G", GET], ids=["silent", "unfinished", "answered"])
def test_at_the_limit_of_connections_the_one_that_has_waited_longest_is_closed(
    world: World, tmp_path: Path, start: bytes
) -> None:
    """A hundred connections are allowed; three times as many clients come and stay."""
    environment = world.standalone_environment(tmp_path, THREADS="8")
    job = as_job({"role": "coder", "repos": ["app"]})(world)
    with (
        AuditedMint(environment, source=ROOT, command=("python", "-c", FEW_CONNECTIONS)) as mint,
        ExitStack() as opened,
    ):
        for _ in range(300):
            open_and_send(mint, start, opened)
        began = monotonic()
        assert send(mint.url, HEALTH).status == 200
        assert monotonic() - began < 5  # clients that send nothing are closed after ten seconds
        asks = [lambda: send(mint.url, HEALTH).status, lambda: send(mint.url, job).status] * 20
        assert slowest_but_one(asks) < 1


def test_whole_requests_that_wait_for_a_thread_hold_a_bounded_part_of_the_memory(
    world: World, tmp_path: Path
) -> None:
    """The only thread waits for GitHub; meanwhile 600 clients without a proof send 60 KB each."""
    environment = world.standalone_environment(tmp_path, THREADS="1")
    with (
        AuditedMint(environment, source=ROOT, command=("fullsend-mint",)) as mint,
        ExitStack() as opened,
        ThreadPoolExecutor(1) as pool,
    ):
        held = Held()
        world.github.faults.add(held)
        minted = pool.submit(send, mint.url, as_job({"role": "coder", "repos": ["app"]})(world))
        assert held.asked.wait(10)
        before = pss_mib(mint.pid)
        for _ in range(600):
            open_and_send(mint, WHOLE_BODY, opened)
        mint.wait_for_log(lambda line: " over the limit" in line)
        assert pss_mib(mint.pid) - before < 40
        held.released.set()
        assert minted.result(20).json["code"] == "github_unavailable"
