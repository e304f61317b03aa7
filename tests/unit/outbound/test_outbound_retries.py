"""Calls that are tried again: which ones, how often, and within which time."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from mintcore.outbound.answer import (
    DeadlineExceeded,
    Unreachable,
    is_lasting,
    is_transient,
)
from mintcore.outbound.channel import Outbound
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.outbound.outbound_calls import OK, always, in_turn, send


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_passing_status_is_tried_again(clock: FakeClock, status: int) -> None:
    with Peer(in_turn(answer(status), OK)) as peer:
        assert send(peer.url, clock).status == 200
    assert len(peer.requests) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_passing_status_that_stays_is_the_answer_after_three_tries(clock: FakeClock, status: int) -> None:
    with Peer(always(answer(status))) as peer:
        assert send(peer.url, clock).status == status
    assert len(peer.requests) == 3


@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 401, 403, 404, 409, 422, 501])
def test_any_other_status_is_the_answer_at_once(clock: FakeClock, status: int) -> None:
    with Peer(always(answer(status, b""))) as peer:
        assert send(peer.url, clock).status == status
    assert len(peer.requests) == 1
    assert clock.sleeps == []


def test_a_dropped_connection_is_tried_again(clock: FakeClock) -> None:
    with Peer(in_turn(None, OK)) as peer:
        assert send(peer.url, clock).status == 200


def test_a_connection_that_is_always_dropped_is_unreachable_after_three_tries(clock: FakeClock) -> None:
    with Peer(always(None)) as peer, pytest.raises(Unreachable):
        send(peer.url, clock)
    assert len(peer.requests) == 3


def test_a_connection_that_is_reset_is_unreachable(clock: FakeClock) -> None:
    def reset(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(reset, listener)
        with pytest.raises(Unreachable, match=r"service: the connection to .* broke: Connection reset"):
            send(f"http://127.0.0.1:{listener.getsockname()[1]}", clock, seconds=0.04)


def test_no_try_is_waited_for_that_the_budget_does_not_allow(clock: FakeClock) -> None:
    with Peer(always(None)) as peer, pytest.raises(Unreachable):
        send(peer.url, clock, seconds=0.04)
    assert (len(peer.requests), clock.sleeps) == (1, [])


def test_an_answer_that_breaks_off_is_tried_again(clock: FakeClock) -> None:
    with Peer(lambda number: [OK] if number else [OK[:-3], None]) as peer:
        assert send(peer.url, clock).body == b'{"ok": true}'


def test_a_refused_connection_is_unreachable(clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"service: cannot connect to 127\.0\.0\.1:{port}: Connection refused"):
        send(f"http://127.0.0.1:{port}", clock)
    assert len(clock.sleeps) == 2


def test_waits_between_tries_grow_and_are_spread(clock: FakeClock) -> None:
    with Peer(always(answer(503))) as peer:
        send(peer.url, clock)
    first, second = clock.sleeps
    assert 0.05 <= first <= 0.15
    assert 0.1 <= second <= 0.3


@pytest.mark.parametrize("after", ["3", "5"])
def test_too_many_requests_is_tried_again_where_that_leaves_half_the_budget(clock: FakeClock, after: str) -> None:
    with Peer(in_turn(answer(429, Retry_After=after), OK)) as peer:
        assert send(peer.url, clock).status == 200
    assert clock.sleeps == [float(after)]


def test_a_5xx_that_says_how_long_is_tried_again_then(clock: FakeClock) -> None:
    with Peer(in_turn(answer(503, Retry_After="2"), OK)) as peer:
        assert send(peer.url, clock).status == 200
    assert clock.sleeps == [2.0]


@pytest.mark.parametrize(
    "after", ["6", "3600", "999999999999", "-1", "soon", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT"]
)
def test_too_many_requests_is_the_answer_where_the_wait_does_not_fit(clock: FakeClock, after: str) -> None:
    with Peer(always(answer(429, Retry_After=after))) as peer:
        assert send(peer.url, clock).status == 429
    assert clock.sleeps == []


@pytest.mark.parametrize("status", [408, 425])
def test_an_answer_that_asks_for_the_request_again_is_tried_again(clock: FakeClock, status: int) -> None:
    with Peer(in_turn(answer(status), OK)) as peer:
        assert send(peer.url, clock).status == 200
    assert len(peer.requests) == 2


def test_every_status_is_transient_or_lasting_or_neither() -> None:
    transient = {status for status in range(100, 600) if is_transient(status)}
    lasting = {status for status in range(100, 600) if is_lasting(status)}
    assert transient == {408, 425, 429, *range(500, 600)}
    assert lasting == set(range(300, 500)) - transient


def test_too_many_requests_without_a_wait_is_the_answer(clock: FakeClock) -> None:
    with Peer(always(answer(429))) as peer:
        assert send(peer.url, clock).status == 429
    assert len(peer.requests) == 1


def test_no_try_begins_after_the_budget(clock: FakeClock) -> None:
    context = new_attempt(clock, 5)
    clock.advance(5)
    with Peer(always(OK)) as peer, pytest.raises(DeadlineExceeded, match="deadline has passed"):
        Outbound(clock, connections=1).channel("service", peer.url).send("GET", "/", headers={}, context=context)
    assert peer.requests == []
