"""A peer that does not read, or answers slowly, holds no thread beyond the deadline."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from mintcore.clock import CorrectedClock
from mintcore.outbound.http1 import exchange, open_tunnel
from mintcore.request import Deadline
from tests.unit.outbound.http1_answers import REQUEST
from tests.unit.outbound.loopback_peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable


SAY: dict[str, Callable[[socket.socket, Deadline], object]] = {
    "request": lambda sock, deadline: exchange(sock, b"x" * 4_000_000, deadline, max_bytes=0),
    "tunnel": lambda sock, deadline: open_tunnel(sock, "h:443", {"X": "x" * 4_000_000}, deadline),
}


@pytest.mark.parametrize("say", SAY.values(), ids=SAY.keys())
@pytest.mark.timeout(10)
def test_a_peer_that_does_not_read_holds_no_thread_longer_than_the_time(
    say: Callable[[socket.socket, Deadline], object],
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        say(ours, Deadline(CorrectedClock(), 0.1))


@pytest.mark.parametrize("say", SAY.values(), ids=SAY.keys())
def test_nothing_is_said_when_the_time_is_over(say: Callable[[socket.socket, Deadline], object]) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours, pytest.raises(TimeoutError):
            say(ours, Deadline(CorrectedClock(), 0))
        assert theirs.recv(1) == b""


def drip(data: bytes) -> list[bytes | float]:
    return [piece for byte in data for piece in (bytes([byte]), 0.1)]


@pytest.mark.parametrize(
    "pieces",
    [
        drip(b"HTTP/1.1 200 OK, but slowly" + b", and so on" * 10),
        [b"HTTP/1.1 200 OK\r\n", *drip(b"A: b\r\n" * 20)],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *drip(b"1\r\nx\r\n" * 20)],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", *drip(b"A: b\r\n" * 20)],
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 5),
    ],
    ids=["status line", "fields", "chunks", "trailer", "interim answers"],
)
def test_an_answer_that_drips_ends_with_the_time(pieces: list[bytes | float]) -> None:
    with Peer(lambda _number: pieces) as peer:
        host, port = peer.url.removeprefix("http://").split(":")
        started = time.monotonic()
        with socket.create_connection((host, int(port))) as sock, pytest.raises(TimeoutError):
            exchange(sock, REQUEST, Deadline(CorrectedClock(), 0.4), max_bytes=1000)
        assert time.monotonic() - started < 5  # the drip lasts for more than 10
