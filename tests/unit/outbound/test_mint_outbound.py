from __future__ import annotations

import gc
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mintcore.clock import CorrectedClock
from mintcore.outbound.answer import (
    Answer,
    DeadlineExceeded,
    RouteRefused,
    Unreachable,
    Unusable,
    is_lasting,
    is_transient,
)
from mintcore.outbound.channel import MAX_ANSWER, USER_AGENT, Outbound
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.sandbox.google.google_operator import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mintcore.outbound.channel import Channel
    from mintcore.ports import Clock

OK = answer(200, b'{"ok": true}')


def always(*pieces: bytes | float | None) -> Callable[[int], Iterable[bytes | float | None]]:
    return lambda _number: pieces


def in_turn(*answers: bytes | None) -> Callable[[int], Iterable[bytes | float | None]]:
    """Answer each request with the next one; the last stays."""
    return lambda number: [answers[min(number, len(answers) - 1)]]


def send(
    url: str, clock: Clock, *, seconds: float = 10.0, method: str = "GET", body: bytes | None = None
) -> Answer:
    channel = Outbound(clock, connections=4).channel("service", url)
    return channel.send(method, "/path", headers={"X-One": "1"}, body=body, context=new_attempt(clock, seconds))


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock whose sleeps cost nothing; what is real time is only what a peer takes."""
    return FakeClock()


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


def test_a_service_that_says_nothing_is_too_slow_within_the_budget() -> None:
    started = time.monotonic()
    with Peer(always(30.0)) as peer, pytest.raises(DeadlineExceeded):
        send(peer.url, CorrectedClock(), seconds=0.4)
    assert time.monotonic() - started < 5  # the silence lasts for 30
    assert len(peer.requests) == 1


def test_a_body_that_drips_is_too_slow_within_the_budget() -> None:
    head = answer(200, b"x" * 1000)[:-1000]
    started = time.monotonic()
    with (
        Peer(always(head, *(piece for _ in range(100) for piece in (b"x", 0.1)))) as peer,
        pytest.raises(DeadlineExceeded),
    ):
        send(peer.url, CorrectedClock(), seconds=0.4)
    assert time.monotonic() - started < 5  # the drip lasts for 10


def test_headers_that_drip_are_too_slow_within_the_budget() -> None:
    dripping = [piece for _ in range(100) for piece in (b"X: y\r\n", 0.1)]
    started = time.monotonic()
    with Peer(always(b"HTTP/1.1 200 OK\r\n", *dripping)) as peer, pytest.raises(DeadlineExceeded):
        send(peer.url, CorrectedClock(), seconds=0.4)
    assert time.monotonic() - started < 5  # the drip lasts for 10


def test_a_body_that_stops_late_is_too_slow_within_the_budget(clock: FakeClock) -> None:
    def late(_number: int) -> Iterator[bytes | float | None]:
        clock.advance(9.7)
        yield answer(200, b"x" * 1000)[:-999]
        yield 30.0

    started = time.monotonic()
    with Peer(late) as peer, pytest.raises(DeadlineExceeded):
        send(peer.url, clock, seconds=10.0)
    assert time.monotonic() - started < 5  # the budget is 10, of which 0.3 are left


def test_an_answer_of_the_largest_size_is_taken(clock: FakeClock) -> None:
    with Peer(always(answer(200, b"x" * MAX_ANSWER))) as peer:
        assert len(send(peer.url, clock).body) == MAX_ANSWER


def test_a_larger_answer_is_refused_and_not_tried_again(clock: FakeClock) -> None:
    with Peer(always(answer(200, b"x" * (MAX_ANSWER + 1)))) as peer, pytest.raises(Unusable):
        send(peer.url, clock)
    assert len(peer.requests) == 1


def test_a_larger_answer_that_does_not_say_so_is_refused(clock: FakeClock) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with Peer(lambda _number: [head, *[chunk] * 40, b"0\r\n\r\n"]) as peer, pytest.raises(Unusable):
        send(peer.url, clock)


def test_a_chunked_answer_is_read(clock: FakeClock) -> None:
    with Peer(always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")) as peer:
        assert send(peer.url, clock).json_object() == {}


def test_a_compressed_answer_is_not_unpacked(clock: FakeClock) -> None:
    with Peer(always(answer(200, b"\x1f\x8b bomb", Content_Encoding="gzip"))) as peer:
        assert send(peer.url, clock).body == b"\x1f\x8b bomb"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(clock: FakeClock, status: int) -> None:
    with Peer(always(OK)) as elsewhere, Peer(always(answer(status, Location=elsewhere.url))) as peer:
        assert send(peer.url, clock).status == status
    assert elsewhere.requests == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_an_ambient_proxy_is_ignored(clock: FakeClock, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(always(answer(418))) as proxy, Peer(always(OK)) as peer:
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert send(peer.url, clock).status == 200
    assert proxy.requests == []


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
    """Give a channel with four idle connections, over which the peer does what is in the list, and nothing else."""
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


def test_what_is_sent_is_what_was_given_and_our_name(clock: FakeClock) -> None:
    with Peer(always(OK)) as peer:
        send(f"{peer.url}/api/v3/", clock, method="POST", body=b"body")
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/v3/path HTTP/1.1"
    assert f"User-Agent: {USER_AGENT}" in lines
    assert "X-One: 1" in lines
    assert body == b"body"


@pytest.mark.parametrize("target", ["/a\r\nX: y", "/a b", "/\u00e9"])
def test_a_malformed_request_is_not_sent(clock: FakeClock, target: str) -> None:
    with Peer(always(OK)) as peer:
        channel = Outbound(clock, connections=1).channel("service", peer.url)
        with pytest.raises(Unusable, match=r"service: .*printable"):
            channel.send("GET", target, headers={}, context=new_attempt(clock))
    assert peer.requests == []
    assert clock.sleeps == []


def test_calls_are_counted_per_service_tries_included(clock: FakeClock) -> None:
    context = new_attempt(clock)
    with Peer(in_turn(answer(502), OK)) as peer:
        Outbound(clock, connections=1).channel("sts", peer.url).send("GET", "/", headers={}, context=context)
    assert context.upstream_calls == {"sts": 2}


@pytest.mark.parametrize(
    "garbage",
    [b"garbage\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/9.9 99999 OK\r\n\r\n", b"\x00" * 100,
     b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
)  # fmt: skip
def test_an_answer_other_than_http_is_unreachable(clock: FakeClock, garbage: bytes) -> None:
    with Peer(always(garbage, None)) as peer, pytest.raises(Unreachable):
        send(peer.url, clock)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b"\xff\xfe",
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"{",
        b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_other_than_a_json_object_is_unusable(body: bytes) -> None:
    with pytest.raises(Unusable):
        Answer(200, {}, body).json_object()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("60", 60.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("9999999", None),
        ("\u0661", None),
        ("x", None),
    ],
)
def test_a_wait_is_read_where_it_is_a_number_of_seconds(text: str, seconds: float | None) -> None:
    assert Answer(429, {"retry-after": text}, b"").retry_after() == seconds


def test_a_configured_proxy_carries_https_and_is_shown_its_credentials_only(clock: FakeClock) -> None:
    with Peer(always(answer(407))) as proxy:
        url = Secret(proxy.url.replace("http://", "http://me:p%40ss@"))
        channel = Outbound(clock, connections=1, proxy_url=url).channel("sts", "https://service.example/base")
        with pytest.raises(RouteRefused):
            channel.send(
                "GET", "/x", headers={"Authorization": "Bearer not-for-the-proxy"}, context=new_attempt(clock)
            )
    assert proxy.requests[0].startswith(b"CONNECT service.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in proxy.requests[0]
    assert not [request for request in proxy.requests if b"not-for-the-proxy" in request]


def test_plain_http_to_loopback_goes_by_no_proxy(clock: FakeClock) -> None:
    with Peer(always(answer(418))) as proxy, Peer(always(OK)) as peer:
        outbound = Outbound(clock, connections=1, proxy_url=Secret(proxy.url))
        assert (
            outbound.channel("sts", peer.url).send("GET", "/", headers={}, context=new_attempt(clock)).status == 200
        )
    assert proxy.requests == []


def test_a_connection_that_the_service_will_close_is_closed_and_not_used_again(clock: FakeClock) -> None:
    with Peer(always(answer(200, Connection="close"))) as peer:
        channel = Outbound(clock, connections=1).channel("sts", peer.url)
        for _ in range(3):
            channel.send("GET", "/", headers={}, context=new_attempt(clock))
    gc.collect()  # a socket that nobody closed is complained of at the latest now
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
            return eventually(lambda: len(peer.requests) if len(peer.requests) > len(did) else None)

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
