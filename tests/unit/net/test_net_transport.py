"""One request against peers that answer byte for byte as they are told."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from fullsend.net.failures import (
    CertificateError,
    NoAnswerError,
    NotConnectedError,
    UnreadableBundleError,
    UnusableRouteError,
    not_connected,
)
from fullsend.net.transport import Transport
from tests.connect_proxy import connect_proxy
from tests.retry_time import RetryTime
from tests.throwaway_ca import ThrowawayCa, https_front
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 10.0
SECRET = "ghs_this_is_not_to_be_seen"
DRIP = [b"x", 0.05] * 1200


def get(url: str, environ: dict[str, str] | None = None, *, seconds: float = SECONDS) -> bytes:
    return Transport(environ or {}).exchange("GET", url, seconds=seconds, authorization=f"Bearer {SECRET}").body


def sent(peer: Peer, at: int = 0) -> list[str]:
    return peer.requests[at].decode().split("\r\n")


def test_the_whole_answer_comes_back_whatever_its_status() -> None:
    with Peer(lambda _: [answer(418, b'{"a": 1}', X_Of="tea")]) as peer:
        found = Transport({}).exchange("GET", f"{peer.url}/pot?x=1", seconds=SECONDS)
    assert (found.status, found.headers["x-of"], found.json_object()) == (418, "tea", {"a": 1})
    assert sent(peer)[0] == "GET /pot?x=1 HTTP/1.1"


def test_json_goes_with_its_type_and_a_post_without_content_says_so() -> None:
    with Peer(lambda _: [answer(200)]) as peer:
        Transport({}).exchange("POST", peer.url, seconds=SECONDS, json={"a": 1})
        Transport({}).exchange("POST", peer.url, seconds=SECONDS)
    assert {"Content-Type: application/json", "Content-Length: 8"} <= set(sent(peer))
    assert "Content-Length: 0" in sent(peer, 1)


def test_a_redirect_is_not_followed() -> None:
    with Peer(lambda _: [answer(302, Location="/elsewhere")]) as peer:
        assert Transport({}).exchange("GET", peer.url, seconds=SECONDS).status == 302
    assert len(peer.requests) == 1


def test_a_netrc_entry_does_not_replace_the_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(netrc.read_text(encoding="utf-8"), encoding="utf-8")
    with Peer(lambda _: [answer(200)]) as peer:
        get(peer.url)
        Transport({}).exchange("GET", peer.url, seconds=SECONDS)
    assert [line for line in sent(peer) if line.startswith("Authorization")] == [f"Authorization: Bearer {SECRET}"]
    assert not [line for line in sent(peer, 1) if line.startswith("Authorization")]


@contextmanager
def silent() -> Iterator[int]:
    """Accept connections and never answer; yield the port."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in held:
                connection.close()


def ends_in_time(call: Callable[[], object], match: str) -> NoAnswerError:
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match=match) as failed:
        call()
    assert time.monotonic() - began < 10.0
    return failed.value


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "script",
    [
        [HEAD, *DRIP],
        [HEAD + b"X-A: ", *DRIP],
        [HEAD + b"Content-Length: 9000\r\n\r\n", *DRIP],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *([b"1\r\nx\r\n", 0.05] * 1200)],
        [HEAD + b"\r\n", *DRIP],
        [b"HTTP/1.1 100 Continue\r\n\r\n", 0.5] * 100,
        [60.0],
    ],
    ids=["status line", "header", "body", "chunks", "body without end", "interim answers", "silence"],
)
def test_a_dripping_answer_ends_with_the_total_deadline(script: list[bytes | float | None]) -> None:
    with Peer(lambda _: script) as peer:
        ends_in_time(lambda: get(peer.url, seconds=0.3), "did not answer in time")


def test_a_handshake_that_does_not_end_meets_the_deadline() -> None:
    with silent() as port:
        ends_in_time(lambda: get(f"https://127.0.0.1:{port}", seconds=1.0), "TLS handshake in time")


@pytest.mark.parametrize("script", [[60.0], [HEAD, *DRIP]], ids=["silence", "drip"])
def test_a_proxy_that_does_not_connect_meets_the_deadline(script: list[bytes | float | None]) -> None:
    with Peer(lambda _: script) as proxy:
        environ = {"HTTPS_PROXY": proxy.url}
        ends_in_time(lambda: get("https://mint.example", environ, seconds=1.0), "did not connect to mint.example")


def test_an_answer_without_end_is_cut_off() -> None:
    with Peer(lambda _: [HEAD + b"\r\n", *([b"x" * 65536] * 40)]) as peer:
        small = Transport({}, max_body=1024 * 1024)
        ends_in_time(lambda: small.exchange("GET", peer.url, seconds=SECONDS), "more than 1048576 bytes")


@pytest.mark.parametrize(
    "script", [[None], [b"220 smtp ready\r\n\r\n"], [HEAD + b"Content-Length: 9\r\n\r\nabc", None]]
)
def test_what_is_not_an_http_answer_is_called_so(script: list[bytes | float | None]) -> None:
    with Peer(lambda _: script) as peer:
        ends_in_time(lambda: get(peer.url), r"^127\.0\.0\.1:\d+ did not send a valid HTTP answer")


def test_a_connection_that_is_refused_names_the_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failed = ends_in_time(lambda: get(f"http://127.0.0.1:{port}"), rf"to 127\.0\.0\.1:{port} failed \(Connection ")
    assert isinstance(failed, NotConnectedError)


def test_a_name_that_is_not_found_is_said_to_be_that() -> None:
    text = str(not_connected(socket.gaierror(-2, "Name or service not known"), "mint.example"))
    assert text == "the name of mint.example was not found (Name or service not known)"


def test_characters_that_would_add_a_header_are_refused_before_anything_is_sent() -> None:
    with Peer(lambda _: [answer(200)]) as peer, pytest.raises(UnusableRouteError, match="cannot carry") as failed:
        Transport({}).exchange("GET", peer.url, seconds=1, authorization=f"Bearer {SECRET}\r\nX-A: b")
    assert (peer.requests, SECRET in str(failed.value)) == ([], False)


def test_no_failure_shows_the_credential() -> None:
    with Peer(lambda _: [None]) as peer:
        failed = ends_in_time(lambda: get(f"{peer.url}/?token={SECRET}"), "valid HTTP")
    assert SECRET not in f"{failed!r} {failed} {failed.__cause__!r}"


def test_a_passing_failure_is_repeated_and_retry_after_is_honored() -> None:
    clock = RetryTime()
    answers: list[list[bytes | float | None]] = [[answer(503, Retry_After="7")], [None], [answer(200, b'"done"')]]
    with Peer(lambda number: answers[number]) as peer:
        found = Transport({}).send("GET", peer.url, retry=clock.policy())
    assert (found.json(), clock.slept) == ("done", [7, 2])


def test_a_refusal_is_not_repeated() -> None:
    with Peer(lambda _: [answer(403)]) as peer:
        assert Transport({}).send("GET", peer.url, retry=RetryTime().policy()).status == 403
    assert len(peer.requests) == 1


def test_the_last_answer_is_returned_when_the_time_is_over() -> None:
    clock = RetryTime()
    with Peer(lambda _: [answer(502)]) as peer:
        assert Transport({}).send("GET", peer.url, retry=clock.policy()).status == 502
    assert (len(peer.requests), clock.seconds <= 60) == (7, True)


def test_what_only_this_machine_can_change_is_not_repeated() -> None:
    clock = RetryTime()
    with pytest.raises(UnusableRouteError, match="HTTPS_PROXY must be a proxy URL"):
        Transport({"HTTPS_PROXY": "socks5://x"}).send("GET", "https://mint.example", retry=clock.policy())
    assert clock.slept == []


def post(port: int, environ: dict[str, str]) -> bytes:
    url = f"https://127.0.0.1:{port}/v1"
    return Transport(environ).exchange("POST", url, seconds=SECONDS, json={}).body


def test_an_authority_of_the_environment_is_trusted_and_no_other(tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path, "127.0.0.1")
    with https_front(ca, b"{}") as port:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            assert post(port, {name: str(ca.bundle)}) == b"{}"
        for environ in ({}, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}):
            with pytest.raises(CertificateError, match=rf"certificate of 127\.0\.0\.1:{port} was not accepted \("):
                post(port, environ)


def test_a_bundle_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("", encoding="utf-8")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(UnreadableBundleError, match=f"REQUESTS_CA_BUNDLE names '{path}', which cannot be read"):
            post(1, {"REQUESTS_CA_BUNDLE": str(path)})


def test_plain_http_on_loopback_needs_no_authorities(tmp_path: Path) -> None:
    with Peer(lambda _: [answer(200)]) as peer:
        assert get(peer.url, {"REQUESTS_CA_BUNDLE": str(tmp_path / "missing.pem")}) == b"{}"


def test_https_goes_through_the_environments_proxy_and_checks_the_name_behind_it(tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path, "mint.example")
    with https_front(ca, b'{"token": 1}') as port, connect_proxy(port) as (proxy, heads):
        environ = {"https_proxy": proxy, "REQUESTS_CA_BUNDLE": str(ca.bundle)}
        found = Transport(environ).exchange("POST", "https://mint.example/v1/token", seconds=SECONDS, json={})
    assert found.json_object() == {"token": 1}
    [head] = heads
    assert head.startswith(b"CONNECT mint.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in head


def test_a_proxys_refusal_is_the_proxys_and_its_password_is_not_shown() -> None:
    with connect_proxy(1, b"407 Proxy Authentication Required") as (proxy, _):
        failed = ends_in_time(
            lambda: get("https://mint.example", {"HTTPS_PROXY": proxy}),
            r"the proxy 127\.0\.0\.1:\d+ did not connect to mint\.example .*407",
        )
    assert "ss" not in str(failed).replace("address", "")


@pytest.mark.parametrize("reply", [b"403 Forbidden", b"407 Proxy Authentication Required", b"302 Found"])
def test_a_proxys_refusal_that_lasts_is_not_tried_again(reply: bytes) -> None:
    time = RetryTime()
    with connect_proxy(1, reply) as (proxy, _), pytest.raises(UnusableRouteError):
        Transport({"HTTPS_PROXY": proxy}).send("GET", "https://mint.example", retry=time.policy(total=1000))
    assert time.slept == []


def test_plain_http_is_asked_of_the_proxy_with_the_whole_url() -> None:
    with Peer(lambda _: [answer(200)]) as proxy:
        get("http://runner.example:81/token?a=b", {"HTTP_PROXY": proxy.url})
    assert sent(proxy)[0] == "GET http://runner.example:81/token?a=b HTTP/1.1"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_call_to_loopback_never_goes_to_a_proxy(name: str) -> None:
    with Peer(lambda _: [answer(200)]) as mint, Peer(lambda _: [answer(502)]) as proxy:
        for host in ("127.0.0.1", "localhost"):
            get(mint.url.replace("127.0.0.1", host), {name: proxy.url})
    assert (len(mint.requests), proxy.requests) == (2, [])
