"""A standalone mint at its limits of connections and memory: it closes the connections that have waited longest."""

from __future__ import annotations

import contextlib
import socket
from contextlib import ExitStack
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
