"""Connections that are used again, die unseen, or work while they wait."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mintcore.outbound.answer import (
    DeadlineExceeded,
    Unusable,
)
from mintcore.outbound.channel import MAX_ANSWER, Outbound
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.outbound.outbound_calls import OK, always, in_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mintcore.outbound.channel import Channel


def test_a_connection_is_used_again(clock: FakeClock) -> None:
    with Peer(always(OK)) as peer:
        channel = Outbound(clock, connections=4).channel("service", peer.url)
        for _ in range(5):
            channel.send("GET", "/", headers={}, context=new_attempt(clock))
    assert peer.connections == 1


def test_a_connection_that_the_service_has_closed_meanwhile_does_not_matter(clock: FakeClock) -> None:
    with Peer(lambda _number: [OK, None]) as peer:
        channel = Outbound(clock, connections=1).channel("service", peer.url)
        assert [channel.send("GET", "/", headers={}, context=new_attempt(clock)).status for _ in range(3)] == [
            200
        ] * 3


@pytest.fixture
def forgotten(clock: FakeClock) -> Iterator[tuple[Peer, Channel, list[bytes | float | None]]]:
    """Give a channel with four idle connections, on which the peer does exactly what the list says."""
    over_idle: list[bytes | float | None] = []

    def script(number: int) -> Iterable[bytes | float | None]:
        if number < 4:
            return [0.1, OK]
        return over_idle if peer.connections == 4 else [OK]

    with Peer(script) as peer, ThreadPoolExecutor(4) as pool:
        channel = Outbound(clock, connections=4).channel("service", peer.url)
        calls = [pool.submit(channel.send, "GET", "/", headers={}, context=new_attempt(clock)) for _ in range(4)]
        assert [call.result(10).status for call in calls] == [200] * 4
        assert peer.connections == 4
        yield peer, channel, over_idle


def test_idle_connections_that_all_have_died_unseen_cost_one_call_more(
    clock: FakeClock, forgotten: tuple[Peer, Channel, list[bytes | float | None]]
) -> None:
    peer, channel, over_idle = forgotten
    over_idle.append(None)
    context = new_attempt(clock)
    assert channel.send("GET", "/", headers={}, context=context).status == 200
    assert context.upstream_calls == {"service": 2}
    assert clock.sleeps == []
    assert peer.connections == 5


def test_an_idle_connection_that_leads_nowhere_costs_one_request_and_not_one_each(
    clock: FakeClock, forgotten: tuple[Peer, Channel, list[bytes | float | None]]
) -> None:
    _, channel, over_idle = forgotten
    over_idle.append(60.0)
    with pytest.raises(DeadlineExceeded):
        channel.send("GET", "/", headers={}, context=new_attempt(clock, 0.2))
    assert channel.send("GET", "/", headers={}, context=new_attempt(clock)).status == 200


def test_a_connection_with_an_unread_answer_is_not_used_again(clock: FakeClock) -> None:
    with Peer(in_turn(answer(200, b"x" * (MAX_ANSWER + 1)), OK)) as peer:
        channel = Outbound(clock, connections=1).channel("service", peer.url)
        with pytest.raises(Unusable):
            channel.send("GET", "/", headers={}, context=new_attempt(clock))
        assert channel.send("GET", "/", headers={}, context=new_attempt(clock)).json_object() == {"ok": True}


def test_more_calls_at_once_than_kept_connections_all_have_an_answer(clock: FakeClock) -> None:
    with Peer(always(0.05, OK)) as peer, ThreadPoolExecutor(12) as pool:
        channel = Outbound(clock, connections=2).channel("service", peer.url)
        calls = [pool.submit(channel.send, "GET", "/", headers={}, context=new_attempt(clock)) for _ in range(12)]
        assert [call.result(10).status for call in calls] == [200] * 12


def test_a_connection_that_the_service_will_close_is_closed_and_not_used_again(clock: FakeClock) -> None:
    with Peer(always(answer(200, Connection="close"))) as peer:
        channel = Outbound(clock, connections=1).channel("sts", peer.url)
        for _ in range(3):
            channel.send("GET", "/", headers={}, context=new_attempt(clock))
    gc.collect()  # Python reports an unclosed socket at the latest now
    assert (peer.connections, clock.sleeps) == (3, [])


def test_connections_that_the_service_closes_after_each_answer_do_no_harm(clock: FakeClock) -> None:
    with Peer(always(OK, None)) as peer:
        channel = Outbound(clock, connections=1).channel("sts", peer.url)
        context = new_attempt(clock)
        for _ in range(3):
            assert channel.send("GET", "/", headers={}, context=context).status == 200


def test_work_is_done_between_a_request_and_its_answer(clock: FakeClock) -> None:
    did: list[int] = []
    with Peer(always(OK)) as peer:
        channel = Outbound(clock, connections=4).channel("service", peer.url)

        def call() -> int:
            context = new_attempt(clock)
            sent = channel.send("GET", "/", headers={}, context=context, meanwhile=lambda: did.append(arrived()))
            return sent.status

        def arrived() -> int:
            return peer.wait_for_requests(len(did) + 1)

        assert not channel.has_idle
        for number in (1, 2):
            assert call() == 200
            assert did == list(range(1, number + 1))
            assert channel.has_idle
        assert peer.connections == 1
        clock.advance(61)
        assert not channel.has_idle


def test_work_is_done_once_whatever_becomes_of_the_request(clock: FakeClock) -> None:
    did: list[int] = []
    with Peer(in_turn(OK, None, answer(503), OK)) as peer:
        channel = Outbound(clock, connections=4).channel("service", peer.url)
        assert channel.send("GET", "/", headers={}, context=new_attempt(clock)).status == 200
        context = new_attempt(clock)
        sent = channel.send("GET", "/", headers={}, context=context, meanwhile=lambda: did.append(1))
    assert (sent.status, did, context.upstream_calls) == (200, [1], {"service": 3})


def test_an_answer_that_has_arrived_is_read_although_the_work_took_all_the_time(clock: FakeClock) -> None:
    with Peer(always(OK)) as peer:
        channel = Outbound(clock, connections=4).channel("service", peer.url)
        channel.send("GET", "/", headers={}, context=new_attempt(clock))
        sent = channel.send(
            "GET", "/", headers={}, context=new_attempt(clock, 1), meanwhile=lambda: clock.advance(5)
        )
    assert sent.status == 200


def test_an_answer_that_has_not_arrived_then_is_not_waited_for(clock: FakeClock) -> None:
    with Peer(lambda number: [OK] if number == 0 else [30.0, OK]) as peer:
        channel = Outbound(clock, connections=4).channel("service", peer.url)
        channel.send("GET", "/", headers={}, context=new_attempt(clock))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            channel.send("GET", "/", headers={}, context=new_attempt(clock, 1), meanwhile=lambda: clock.advance(5))
    assert time.monotonic() - started < 10
