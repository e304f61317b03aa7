from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response
from werkzeug.datastructures import Headers

from fullsend_sandbox.faults import Drop, Fail, Huge, Slow
from fullsend_sandbox.loopback import LoopbackService
from mintcore.clock import CorrectedClock
from mintcore.errors import FallbackUnavailable, InvalidToken, IssuerUnavailable, MintError
from mintcore.http.breaker import FAILURES, CircuitBreaker
from mintcore.http.fallback import FORWARDED, UpstreamMint
from mintcore.observe.log import JsonLog
from mintcore.outbound.channel import Outbound
from mintcore.policy.names import Role
from mintcore.policy.roles import build_role_book
from tests.mint_doubles import new_attempt
from tests.unit.outbound.loopback_peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mintcore.request import RequestContext

BODY = b'{"role": "coder",  "repos": ["app"], "unknown": "\xc3\xa9"}'


class Upstream:
    """Another mint on loopback, whose next answer a test decides."""

    def __init__(self) -> None:
        self.answer = Response(b'{"token": "t"}', 200, content_type="application/json")
        self.service = LoopbackService("upstream", self._respond)

    def _respond(self, _request: Request) -> Response:
        return self.answer


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    running = Upstream()
    with running.service:
        yield running


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


def genuine(_unverified_token: str, _context: RequestContext) -> None:
    """Accept every token."""


def fallback(url: str, log: io.StringIO, check: Callable[[str, RequestContext], None] = genuine) -> UpstreamMint:
    clock = CorrectedClock()
    roles = build_role_book({Role("triage"): "1", Role("scanner"): "2"}, {}, None)
    channel = Outbound(clock, connections=1).channel("fallback", url)
    return UpstreamMint(channel, roles, JsonLog(log), check=check, breaker=CircuitBreaker(clock, max_waiting=2))


def forward(upstream: Upstream, log: io.StringIO, seconds: float = 10.0, **headers: str) -> Response:
    given = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    mint = fallback(upstream.service.url, log)
    return mint.forward("the-oidc-token", BODY, given, new_attempt(CorrectedClock(), seconds))


@pytest.mark.parametrize(
    ("role", "served"), [("triage", False), ("coder", True), ("fix", True), ("scanner", True), ("nobody", True)]
)
def test_it_serves_what_is_not_held_and_a_role_without_permissions_is_not_held(
    role: str, served: bool, log: io.StringIO
) -> None:
    assert fallback("https://mint.example.com", log).serves(Role(role)) is served


def test_bearer_body_and_content_type_go_on_and_no_other_header_of_the_caller(
    upstream: Upstream, log: io.StringIO
) -> None:
    forward(
        upstream,
        log,
        Content_Type="application/json; charset=utf-8",
        Cookie="session=1",
        X_Forwarded_For="10.0.0.1",
        X_Request_Id="run-1",
        User_Agent="curl/8",
        Accept_Encoding="gzip",
    )
    (seen,) = upstream.service.traffic
    assert (seen.method, seen.path, seen.body) == ("POST", "/v1/token", BODY)
    assert seen.headers["authorization"] == "Bearer the-oidc-token"
    assert seen.headers["content-type"] == "application/json; charset=utf-8"
    assert seen.headers["user-agent"].startswith("fullsend-mint/")
    allowed = {"authorization", "content-type", "content-length", "user-agent", "host", "accept-encoding"}
    assert set(seen.headers) == allowed | {FORWARDED.lower()}
    assert seen.headers["accept-encoding"] == "identity"


def test_a_path_before_v1_is_kept(upstream: Upstream, log: io.StringIO) -> None:
    fallback(f"{upstream.service.url}/mint", log).forward("t", BODY, Headers(), new_attempt(CorrectedClock()))
    assert next(iter(upstream.service.traffic)).path == "/mint/v1/token"


@pytest.mark.parametrize(
    "answer",
    [
        Response(b'{"token": "ghs_x"}', 200, content_type="application/json"),
        Response(b'{"error": "no"}', 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
        Response(b"refused", 502, {"X-Should-Retry": "false", "Content-Type": "application/json"}),
        Response(b"slow down", 429, {"Retry-After": "17", "Content-Type": "text/plain; charset=us-ascii"}),
        Response(
            b"\x1f\x8b\x00", 503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Content-Encoding": "gzip"}
        ),
        Response(b"", 204),
        Response(b"<html>", 302, {"Location": "https://elsewhere.example.com"}),
    ],
    ids=lambda answer: str(answer.status_code),
)
def test_the_answer_comes_back_as_it_is(answer: Response, upstream: Upstream, log: io.StringIO) -> None:
    upstream.answer = answer
    got = forward(upstream, log)
    assert (got.status_code, got.get_data()) == (answer.status_code, answer.get_data())
    for name in ("Content-Type", "Content-Encoding", "Retry-After", "X-Should-Retry", "WWW-Authenticate"):
        assert got.headers.get(name) == answer.headers.get(name)


def test_other_headers_of_the_answer_do_not_come_back(upstream: Upstream, log: io.StringIO) -> None:
    upstream.answer = Response(b"x", 302, {"Set-Cookie": "a=b", "Location": "https://evil.test", "Server": "x"})
    got = forward(upstream, log)
    assert set(got.headers.keys()) == {"Content-Type", "Content-Length"}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_is_not_asked_for_twice(status: int, upstream: Upstream, log: io.StringIO) -> None:
    upstream.service.faults.add(Fail(status))
    assert forward(upstream, log).status_code == status
    assert upstream.service.traffic.count() == 1


def test_a_connection_that_broke_is_tried_again(upstream: Upstream, log: io.StringIO) -> None:
    upstream.service.faults.add(Drop(), times=1)
    assert forward(upstream, log).status_code == 200


@pytest.mark.parametrize(("fault", "seconds"), [(Drop(), 10.0), (Slow(30), 0.3), (Huge(), 10.0)], ids=repr)
def test_no_usable_answer_is_fallback_unavailable(
    fault: Any, seconds: float, upstream: Upstream, log: io.StringIO
) -> None:
    upstream.service.faults.add(fault)
    with pytest.raises(FallbackUnavailable):
        forward(upstream, log, seconds)
    assert '"severity":"WARNING"' in log.getvalue()


def test_a_refused_connection_is_fallback_unavailable(upstream: Upstream, log: io.StringIO) -> None:
    url = upstream.service.url
    upstream.service.stop()
    with pytest.raises(FallbackUnavailable):
        fallback(url, log).forward("t", BODY, Headers(), new_attempt(CorrectedClock()))


def test_a_request_that_a_mint_has_forwarded_is_not_forwarded_again(upstream: Upstream, log: io.StringIO) -> None:
    with pytest.raises(FallbackUnavailable, match="already forwarded"):
        forward(upstream, log, X_Fullsend_Mint_Forwarded="1")
    assert upstream.service.traffic.count() == 0


@pytest.mark.parametrize("bearer", ["t\u00f6ken", "a\tb", "a\x7f"])
def test_a_bearer_that_fits_no_header_is_an_invalid_token(
    bearer: str, upstream: Upstream, log: io.StringIO
) -> None:
    with pytest.raises(InvalidToken):
        fallback(upstream.service.url, log).forward(bearer, BODY, Headers(), new_attempt(CorrectedClock()))
    assert upstream.service.traffic.count() == 0


def test_a_content_type_that_fits_no_header_does_not_go_on(upstream: Upstream, log: io.StringIO) -> None:
    assert forward(upstream, log, Content_Type="text/pl\u00e4in").status_code == 200
    assert "content-type" not in next(iter(upstream.service.traffic)).headers


def test_the_log_joins_both_mints_request_ids_and_holds_no_token(upstream: Upstream, log: io.StringIO) -> None:
    upstream.answer.headers["X-Request-Id"] = "upstream-1"
    forward(upstream, log)
    line = json.loads(log.getvalue())
    assert (line["request_id"], line["upstream_request_id"]) == ("request-1", "upstream-1")
    assert "the-oidc-token" not in log.getvalue()


@pytest.mark.parametrize("failure", [InvalidToken(detail="audience"), IssuerUnavailable()], ids=lambda f: f.code)
def test_a_token_that_is_not_proven_here_does_not_go_on(
    failure: MintError, upstream: Upstream, log: io.StringIO
) -> None:
    def refuse(_unverified_token: str, _context: RequestContext) -> None:
        raise failure

    with pytest.raises(type(failure)):
        fallback(upstream.service.url, log, refuse).forward("t", BODY, Headers(), new_attempt(CorrectedClock()))
    assert upstream.service.traffic.count() == 0
    assert f"not forwarded: {failure.code}" in log.getvalue()


@pytest.mark.parametrize("name", ["Content-Type", "Content-Encoding", "Retry-After", "WWW-Authenticate"])
@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\x7f"])
def test_an_answer_with_a_control_character_is_fallback_unavailable(
    name: str, character: str, log: io.StringIO
) -> None:
    answer = f"HTTP/1.1 401 No\r\nContent-Length: 2\r\n{name}: a{character}b\r\n\r\n{{}}".encode()
    with Peer(lambda _number: [answer]) as peer, pytest.raises(FallbackUnavailable):
        fallback(peer.url, log).forward("t", BODY, Headers(), new_attempt(CorrectedClock()))


def test_a_fallback_that_fails_repeatedly_is_left_alone(upstream: Upstream, log: io.StringIO) -> None:
    upstream.service.faults.add(Drop())
    mint = fallback(upstream.service.url, log)
    for _ in range(FAILURES):
        with pytest.raises(FallbackUnavailable):
            mint.forward("t", BODY, Headers(), new_attempt(CorrectedClock()))
    asked = upstream.service.traffic.count()
    with pytest.raises(FallbackUnavailable) as refused:
        mint.forward("t", BODY, Headers(), new_attempt(CorrectedClock()))
    assert upstream.service.traffic.count() == asked
    assert refused.value.headers()["Retry-After"] in {"4", "5"}
    assert "not asked: it failed repeatedly" in log.getvalue()
