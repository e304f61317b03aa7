"""Answers that are too slow, too large or malformed, and where a call goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mintcore.clock import CorrectedClock
from mintcore.outbound.answer import (
    Answer,
    DeadlineExceeded,
    RouteRefused,
    Unreachable,
    Unusable,
)
from mintcore.outbound.channel import MAX_ANSWER, USER_AGENT, Outbound
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.outbound.outbound_calls import OK, always, in_turn, send

if TYPE_CHECKING:
    from collections.abc import Iterator


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
