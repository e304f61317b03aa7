"""Slow and silent clients of both real processes: they delay no other client, and each has a time limit."""

from __future__ import annotations

import select
import socket
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from mintcore.http.limits import REQUEST_SECONDS
from tests.contract.exchange import send
from tests.contract.modes import MODES
from tests.contract.table import Sent, as_job
from tests.slow_clients import MANY_SILENT, SILENT, SLOW, SLOW_BODY, SLOW_HEAD, SlowClients, slowest_but_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

HEALTH = Sent(None, b"", "GET", "/health")


def port_of(mint: MintProcess) -> int:
    return int(mint.url.rpartition(":")[2])


@pytest.mark.parametrize("starts", [SLOW, MANY_SILENT], ids=["slow", "silent"])
@pytest.mark.parametrize("mode", MODES)
def test_slow_clients_delay_no_other_client(
    mode: str, starts: Sequence[bytes], shared_mints: dict[str, MintProcess], world: World
) -> None:
    mint = shared_mints[mode]
    job = as_job({"role": "coder", "repos": ["app"]})(world)
    with SlowClients(port_of(mint), starts):
        assert slowest_but_one([lambda: send(mint.url, HEALTH).status, lambda: send(mint.url, job).status] * 50) < 1


def test_a_request_has_ten_seconds_in_all(shared_mints: dict[str, MintProcess]) -> None:
    """All cases of both modes run in parallel, because each waits; each sends a byte every half second.

    They stop a second before the limit, because a byte to a closed connection resets it and loses the answer.
    """
    starts = {SILENT: b"", SLOW_HEAD: b"HTTP/1.1 408 ", SLOW_BODY: b"HTTP/1.1 408 ", b"G": b"HTTP/1.1 408 "}
    opened = {
        socket.create_connection(("127.0.0.1", port_of(shared_mints[mode])), timeout=5): start
        for mode in MODES
        for start in starts
    }
    began = monotonic()
    for connection, start in opened.items():
        connection.sendall(start)
    closed: dict[socket.socket, float] = {}
    while len(closed) < len(opened) and monotonic() < began + REQUEST_SECONDS * 2:
        waiting = [connection for connection in opened if connection not in closed]
        for connection in select.select(waiting, [], [], 0.5)[0]:
            closed[connection] = monotonic() - began
            assert connection.recv(4096).startswith(starts[opened[connection]])
        if monotonic() < began + REQUEST_SECONDS - 1:
            for connection in waiting:
                if connection not in closed and opened[connection]:
                    connection.send(b"a")
    for connection in opened:
        connection.close()
    assert len(closed) == len(opened)
    assert all(REQUEST_SECONDS - 0.5 < seconds < REQUEST_SECONDS + 3 for seconds in closed.values())
