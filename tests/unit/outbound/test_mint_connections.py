"""Opening connections and keeping them: deadlines, proxies, TLS, age."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Self

import pytest

from mintcore.clock import CorrectedClock
from mintcore.outbound.answer import DeadlineExceeded, OutboundError, RouteRefused, Unreachable
from mintcore.outbound.channel import CONNECT_SECONDS, Outbound
from mintcore.outbound.connections import UNHEARD_SECONDS, Connections
from mintcore.request import Deadline
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, new_attempt
from tests.throwaway_ca import ThrowawayCa, https_front
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mintcore.clock import Clock
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel

SERVICE = "https://service.example"


def get(channel: Channel, clock: Clock, seconds: float = 5.0) -> Answer:
    return channel.send("GET", "/", headers={}, context=new_attempt(clock, seconds))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Give a port with a full queue, so connections to it get no answer."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the standard library's signature
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_host_that_does_not_answer_is_too_slow_within_the_budget(silent_port: int) -> None:
    clock, started = CorrectedClock(), time.monotonic()
    channel = Outbound(clock, connections=1).channel("github", f"http://127.0.0.1:{silent_port}")
    with pytest.raises(DeadlineExceeded, match=r"github: cannot connect to 127\.0\.0\.1:\d+: no answer in time"):
        get(channel, clock, 0.4)
    assert time.monotonic() - started < CONNECT_SECONDS


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system's TCP has no such bound")
def test_unacknowledged_data_is_sent_again_before_the_budget_is_over() -> None:
    clock = CorrectedClock()
    with socket.create_server(("127.0.0.1", 0)) as nobody_reads:
        nobody_reads.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        channel = Outbound(clock, connections=1).channel(
            "github", f"http://127.0.0.1:{nobody_reads.getsockname()[1]}"
        )
        context = new_attempt(clock, UNHEARD_SECONDS + 2)
        with pytest.raises(DeadlineExceeded):
            channel.send("POST", "/", headers={}, body=b"x" * 20_000_000, context=context)
    assert context.upstream_calls == {"github": 2}


def test_a_host_with_an_address_that_refuses_is_reached_by_another() -> None:
    clock = CorrectedClock()
    with Peer(lambda _number: [answer(200)]) as peer:
        channel = Outbound(clock, connections=1).channel("sts", peer.url.replace("127.0.0.1", "localhost"))
        assert get(channel, clock).status == 200


def test_a_host_with_an_invalid_name_is_unreachable() -> None:
    clock = FakeClock()
    for host in ("a..b", "x" * 64 + ".invalid"):
        with pytest.raises(Unreachable, match=f"sts: cannot resolve the name of {host}: "):
            get(Outbound(clock, connections=1).channel("sts", f"http://{host}"), clock)


def test_a_proxy_that_drips_is_too_slow_within_the_budget() -> None:
    clock = CorrectedClock()
    dripping = [piece for byte in b"HTTP/1.1 200 ".ljust(100, b"x") for piece in (bytes([byte]), 0.1)]
    with Peer(lambda _number: dripping) as proxy:
        channel = Outbound(clock, connections=1, proxy_url=Secret(proxy.url)).channel("github", SERVICE)
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            get(channel, clock, 0.4)
        assert time.monotonic() - started < 5  # the drip lasts for 10


@pytest.mark.parametrize(
    ("said", "kind", "tries"),
    [
        *((answer(status), RouteRefused, 1) for status in (302, 400, 403, 404, 407, 451)),
        *((answer(status), Unreachable, 3) for status in (408, 425, 429, 502, 503, 504)),
        (b"garbage\r\n\r\n", Unreachable, 3),
        (answer(200, b"more than asked"), Unreachable, 3),
    ],
)
def test_only_a_proxys_refusal_that_lasts_is_not_tried_again(
    said: bytes, kind: type[OutboundError], tries: int
) -> None:
    clock = FakeClock()
    with Peer(lambda _number: [said]) as proxy:
        channel = Outbound(clock, connections=1, proxy_url=Secret(proxy.url)).channel("github", SERVICE)
        with pytest.raises(
            kind, match=r"the proxy 127\.0\.0\.1:\d+ opens no tunnel to service\.example:443: (it|an inv|more)"
        ):
            get(channel, clock)
    assert len(proxy.requests) == tries
    assert {request.split(b"\r\n")[0] for request in proxy.requests} == {b"CONNECT service.example:443 HTTP/1.1"}


class Tunnel:
    """A proxy for one connection: it accepts CONNECT, and passes bytes in both directions."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = b""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        near, _ = self._listener.accept()
        with near:
            while b"\r\n\r\n" not in self.asked:
                self.asked += near.recv(4096)
            host, port = self.asked.split(b" ")[1].split(b":")
            with socket.create_connection((host.decode(), int(port))) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n")
                back = threading.Thread(target=_pass_on, args=(far, near))
                back.start()
                _pass_on(near, far)
                back.join(10)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_tls_goes_through_the_proxy_to_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, clock = ThrowawayCa(tmp_path, "127.0.0.1"), CorrectedClock()
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    with https_front(ca, b'{"by": "proxy"}') as port, Tunnel() as proxy:
        outbound = Outbound(clock, connections=1, proxy_url=Secret(f"http://127.0.0.1:{proxy.port}"))
        channel = outbound.channel("sts", f"https://127.0.0.1:{port}")
        sent = channel.send("POST", "/", headers={"X-Key": "k"}, body=b"", context=new_attempt(clock))
    assert sent.json_object() == {"by": "proxy"}
    assert b"X-Key" not in proxy.asked


def test_a_proxy_that_is_down_is_named_as_the_proxy() -> None:
    clock = FakeClock()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outbound = Outbound(clock, connections=1, proxy_url=Secret(f"http://user:secret@127.0.0.1:{port}"))
    with pytest.raises(Unreachable, match=f"cannot connect to the proxy 127.0.0.1:{port}: ") as failed:
        get(outbound.channel("github", SERVICE), clock)
    assert "secret" not in str(failed.value)


def test_a_certificate_that_is_not_trusted_is_said_to_be(tmp_path: Path) -> None:
    ca, clock = ThrowawayCa(tmp_path, "127.0.0.1"), CorrectedClock()
    with https_front(ca, b"{}") as port:
        channel = Outbound(clock, connections=1).channel("github", f"https://127.0.0.1:{port}")
        with pytest.raises(Unreachable, match=r"TLS with 127\.0\.0\.1 failed: the certificate is not accepted \("):
            get(channel, clock)


def test_a_service_that_does_not_speak_tls_is_said_not_to() -> None:
    clock = FakeClock()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                with listener.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"TLS with 127\.0\.0\.1 failed: "):
            get(Outbound(clock, connections=1).channel("github", url), clock)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_an_end_without_close_notify_is_truncation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, clock = ThrowawayCa(tmp_path, "127.0.0.1"), FakeClock()
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca.certificate, ca.key)

    def serve(listener: socket.socket) -> None:
        for _ in range(3):
            connection = context.wrap_socket(listener.accept()[0], server_side=True)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nthe first half of ")
            os.close(connection.detach())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        channel = Outbound(clock, connections=1).channel("sts", f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(Unreachable):
            get(channel, clock)
        thread.join(10)


@pytest.mark.parametrize(("idle", "connections"), [(60, 1), (61, 2)])
def test_a_connection_that_was_idle_for_a_minute_is_not_used_again(idle: float, connections: int) -> None:
    clock = FakeClock()
    with Peer(lambda _number: [answer(200)]) as peer:
        channel = Outbound(clock, connections=1).channel("sts", peer.url)
        get(channel, clock)
        clock.advance(idle)
        get(channel, clock)
    assert peer.connections == connections


def test_no_more_connections_are_kept_than_wanted_and_none_for_long() -> None:
    clock = FakeClock()
    with Peer(lambda _number: []) as peer:
        kept = Connections(peer.url, clock, max_idle=2, tls=ssl.create_default_context(), proxy=None)
        first, second, third = opened = [kept.open(Deadline(clock, 5)) for _ in range(3)]
        for connection in opened:
            kept.release(connection)
        assert third.fileno() == -1
        assert [kept.acquire(), kept.acquire(), kept.acquire()] == [second, first, None]
        kept.release(first)
        kept.release(second)
        clock.advance(61)
        assert kept.acquire() is None
    assert (first.fileno(), second.fileno()) == (-1, -1)


def test_a_connection_that_the_service_has_closed_is_not_tried() -> None:
    clock = FakeClock()
    with Peer(lambda _number: [answer(200)]) as peer:
        channel = Outbound(clock, connections=1).channel("sts", peer.url)
        get(channel, clock)
    # There is no time for a second try, so the first one fails.
    with pytest.raises(Unreachable, match="cannot connect to"):
        get(channel, clock, 0.04)


@pytest.mark.parametrize(
    ("service", "asked"),
    [
        ("https://service.example", b"service.example:443"),
        ("https://service.example:8443/x", b"service.example:8443"),
        ("https://[::1]", b"[::1]:443"),
    ],
)
def test_a_proxy_is_asked_for_host_and_port_and_shown_no_credentials_it_has_not(service: str, asked: bytes) -> None:
    clock = FakeClock()
    with Peer(lambda _number: [answer(407)]) as proxy:
        channel = Outbound(clock, connections=1, proxy_url=Secret(proxy.url)).channel("sts", service)
        with pytest.raises(RouteRefused):
            get(channel, clock)
    assert proxy.requests[0].startswith(b"CONNECT " + asked + b" HTTP/1.1\r\nHost: " + asked + b"\r\n")
    assert b"Proxy-Authorization" not in proxy.requests[0]


def test_https_without_tls_is_refused_and_not_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https needs TLS"):
        Connections("https://service.test", FakeClock(), max_idle=1, tls=None, proxy=None)


@pytest.mark.parametrize("url", ["https://service.test", "HTTPS://service.test"])
def test_a_channel_to_https_has_tls_however_the_scheme_is_spelled(url: str) -> None:
    assert Outbound(FakeClock(), connections=1).channel("service", url).host == "service.test"
