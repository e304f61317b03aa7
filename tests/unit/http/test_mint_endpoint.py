from __future__ import annotations

import io
import json
from typing import Any

import pytest
from werkzeug import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from mintcore.errors import InvalidToken
from mintcore.http.endpoint import Endpoint
from mintcore.minting.lookups import Lookups
from mintcore.observe.log import JsonLog
from mintcore.policy.claims import GenuineClaims, Proof, SignedClaims
from mintcore.policy.names import Role
from mintcore.request import InstallationToken
from mintcore.secret import Secret
from mintcore.service import MintService
from tests.mint_doubles import FakeClock, caller, policy

GOOD = b'{"role": "triage", "repos": ["app"]}'
BEARER = {"Authorization": "Bearer good"}


class World:
    """Every port of the mint in memory: the bearer `good` is genuine, `crash` raises an unexpected error."""

    def __init__(self, **endpoint: Any) -> None:
        self.log = io.StringIO()
        self.clock = FakeClock()
        service = MintService(
            policy=policy(), verifier=self, assertions=self, tokens=self,  # type: ignore[arg-type]
            lookups=Lookups(None, None), limiter=None, token_uses=None, audit=self,
        )  # fmt: skip
        self.endpoint = Endpoint(
            service=lambda: service, clock=self.clock, log=JsonLog(self.log), deadline_seconds=25, **endpoint
        )

    def check_locally(self, unverified_token: str, _context: object) -> Any:
        if unverified_token == "crash":
            raise RuntimeError("canary-in-the-crash")
        if unverified_token != "good":
            raise InvalidToken(detail="not good")
        return SignedClaims(caller())

    def confirm(self, _token: str, checked: Any, _context: object, _meanwhile: object = None) -> GenuineClaims:
        return GenuineClaims(checked.caller, Proof.SIGNATURE)

    def assertion(self, _app: object, _context: object) -> Secret:
        return Secret("jwt")

    def issue(self, _app: object, _org: object, scope: Any, _context: object) -> InstallationToken:
        return InstallationToken(
            Secret("ghs_token"), "2030-01-01T00:00:00Z", ("octo-org/app",), dict(scope.permissions), "selected", 7
        )

    def record(self, record: object) -> None:
        pass

    def ask(self, method: str = "POST", path: str = "/v1/token", **builder: Any) -> Response:
        environ = EnvironBuilder(path, method=method, **builder).get_environ()
        return self.endpoint(Request(environ))

    def mint(self, body: bytes = GOOD, /, **headers: str) -> Response:
        return self.ask(data=body, headers=BEARER | {k.replace("_", "-"): v for k, v in headers.items()})


@pytest.fixture
def world() -> World:
    return World()


def code(response: Response) -> tuple[int, str]:
    fields = json.loads(response.get_data())
    assert sorted(fields) == ["code", "error", "request_id"]
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"] == fields["request_id"]
    return response.status_code, fields["code"]


@pytest.mark.parametrize("path", ["/v1/token", "/"])
def test_a_token_is_answered_in_the_contracts_fields(world: World, path: str) -> None:
    response = world.ask(path=path, data=GOOD, headers=BEARER)
    assert response.status_code == 200
    assert json.loads(response.get_data()) == {
        "token": "ghs_token", "expires_at": "2030-01-01T00:00:00Z", "granted_repos": ["octo-org/app"],
        "granted_permissions": {"contents": "read", "issues": "write", "metadata": "read"},
        "repository_selection": "selected",
    }  # fmt: skip


def test_status_is_answered_in_the_contracts_fields(world: World) -> None:
    fields = json.loads(world.ask("GET", "/v1/status", headers=BEARER).get_data())
    assert sorted(fields) == ["org", "roles", "version", "workflow_allowed"]
    assert (fields["org"], fields["roles"]) == ("octo-org", ["coder", "fix", "triage"])
    assert fields["workflow_allowed"] is True


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_makes_no_call(world: World, method: str) -> None:
    response = world.ask(method, "/health")
    assert (response.status_code, json.loads(response.get_data())["status"]) == (200, "ok")


def test_health_says_why_the_mint_cannot_mint() -> None:
    response = World(unhealthy="only legacy keys").ask("GET", "/health")
    assert (response.status_code, json.loads(response.get_data())["reason"]) == (503, "only legacy keys")


@pytest.mark.parametrize(
    "accept", ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Text/HTML;q=0.1"]
)
@pytest.mark.parametrize(("unhealthy", "status"), [("", 200), ("<only> legacy keys", 503)])
def test_a_browser_gets_a_page(accept: str, unhealthy: str, status: int) -> None:
    response = World(unhealthy=unhealthy).ask("GET", "/", headers={"Accept": accept})
    text = response.get_data(as_text=True)
    assert (response.status_code, response.content_type) == (status, "text/html; charset=utf-8")
    assert ("&lt;only&gt; legacy keys" in text, "<script" in text, "<only>" in text) == (
        bool(unhealthy),
        False,
        False,
    )
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/*", "text/html;q=0", "text/htmlx"])
def test_other_clients_get_json_at_the_root(world: World, accept: str | None) -> None:
    response = world.ask("GET", "/", headers={} if accept is None else {"Accept": accept})
    assert code(response) == (405, "method_not_allowed")


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/v1/token"), ("GET", "/index.html")])
def test_no_other_request_gets_the_page(world: World, method: str, path: str) -> None:
    assert world.ask(method, path, headers={"Accept": "text/html"}).content_type == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/token/",
        "/.well-known/",
        "/.well-known/openid-configuration",
        "/v1",
        "/v1/Token",
        "//v1/token",
        "/v1/token/x",
        "/%2e",
        "/robots.txt",
    ],
)
def test_any_other_path_is_not_found(world: World, path: str) -> None:
    assert code(world.ask(path=path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/v1/token", "POST"), ("PUT", "/", "POST"), ("HEAD", "/v1/token", "POST"), ("OPTIONS", "/", "POST"),
     ("POST", "/v1/status", "GET, HEAD"), ("DELETE", "/health", "GET, HEAD"), ("BREW", "/v1/token", "POST")],
)  # fmt: skip
def test_another_method_is_told_which_are_allowed(world: World, method: str, path: str, allow: str) -> None:
    response = world.ask(method, path)
    assert code(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == allow


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer ", "Bearer   ", "Basic good", "good", "Bearergood"])
def test_no_bearer_is_challenged(world: World, value: str | None) -> None:
    response = world.ask(data=GOOD, headers={} if value is None else {"Authorization": value})
    assert code(response) == (401, "missing_bearer")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["bearer good", "BEARER good", "Bearer  good "])
def test_the_scheme_is_read_in_any_case(world: World, value: str) -> None:
    assert world.ask(data=GOOD, headers={"Authorization": value}).status_code == 200


def test_an_unproven_token_gets_the_one_sentence(world: World) -> None:
    response = world.ask(data=GOOD, headers={"Authorization": "Bearer bad"})
    assert code(response) == (401, "invalid_token")
    assert json.loads(response.get_data())["error"] == InvalidToken.sentence


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 60_000])
def test_a_body_other_than_an_object_is_refused(world: World, body: bytes) -> None:
    assert code(world.mint(body)) == (400, "invalid_json")


def padded(size: int) -> bytes:
    return GOOD + b" " * (size - len(GOOD))


def test_the_largest_body_is_read(world: World) -> None:
    assert world.mint(padded(65_536)).status_code == 200


@pytest.mark.parametrize("size", [65_537, 655_360])
def test_a_larger_body_is_refused(world: World, size: int) -> None:
    assert code(world.mint(padded(size))) == (413, "body_too_large")


def test_a_larger_body_without_a_length_is_refused(world: World) -> None:
    environ = EnvironBuilder("/v1/token", method="POST", headers=Headers(BEARER)).get_environ()
    assert "CONTENT_LENGTH" not in environ
    environ |= {"wsgi.input": io.BytesIO(padded(65_537)), "wsgi.input_terminated": True}
    assert code(world.endpoint(Request(environ))) == (413, "body_too_large")


def mint_from(world: World, stream: object, length: int) -> Response:
    environ = EnvironBuilder("/v1/token", method="POST", headers=Headers(BEARER)).get_environ()
    return world.endpoint(Request(environ | {"wsgi.input": stream, "CONTENT_LENGTH": str(length)}))


def test_a_body_of_a_larger_length_is_not_read(world: World) -> None:
    stream = io.BytesIO(b" " * 65_537)
    assert code(mint_from(world, stream, 65_537)) == (413, "body_too_large")
    assert stream.tell() == 0


class BrokenBody:
    """A body whose sender has gone."""

    def read(self, _size: int = -1) -> bytes:
        raise ConnectionResetError


@pytest.mark.parametrize(("length", "answer"), [(40, (400, "invalid_json")), (65_537, (413, "body_too_large"))])
def test_a_truncated_body_does_not_crash(world: World, length: int, answer: tuple[int, str]) -> None:
    assert code(mint_from(world, BrokenBody(), length)) == answer


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "9" * 40])
def test_a_strange_length_does_not_crash(world: World, length: str) -> None:
    environ = EnvironBuilder("/v1/token", method="POST", headers=Headers(BEARER), data=GOOD).get_environ()
    environ["CONTENT_LENGTH"] = length
    assert world.endpoint(Request(environ)).status_code in {200, 400, 413}


@pytest.mark.parametrize("given", ["abc", "A.b_c-1", "x" * 128])
def test_a_sane_request_id_is_kept(world: World, given: str) -> None:
    assert world.mint(X_Request_Id=given).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a\u00e9", "x" * 129, '"', "a/b", "<script>"])
def test_any_other_request_id_is_replaced(world: World, given: str) -> None:
    assert world.mint(X_Request_Id=given).headers["X-Request-Id"] not in {"", given}


@pytest.mark.parametrize(
    ("headers", "trace"),
    [({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}, "a" * 32),
     ({"X_Cloud_Trace_Context": f"{'c' * 32}/1;o=1"}, "c" * 32),
     ({"traceparent": "nonsense", "X_Cloud_Trace_Context": "c" * 32}, "c" * 32),
     ({"traceparent": "x\u00e9"}, None)],
)  # fmt: skip
def test_a_crash_is_logged_under_its_trace_and_shows_nothing(
    world: World, headers: dict[str, str], trace: str | None
) -> None:
    response = world.mint(**headers | {"Authorization": "Bearer crash"})
    assert code(response) == (500, "internal_error")
    line = json.loads(world.log.getvalue())
    assert line.get("logging.googleapis.com/trace") == trace
    assert "canary" not in world.log.getvalue() + response.get_data(as_text=True)


def test_a_denied_role_is_told_with_the_roles_there_are(world: World) -> None:
    response = world.mint(json.dumps({"role": Role("review")}).encode())
    assert code(response) == (403, "role_not_allowed")


class SlowBody:
    """A body whose sender takes nearly all of the request's time."""

    def __init__(self, content: bytes, clock: FakeClock) -> None:
        self._content = io.BytesIO(content)
        self._clock = clock

    def read(self, size: int = -1) -> bytes:
        self._clock.advance(24.9)
        return self._content.read(size)


def test_a_caller_that_sends_slowly_spends_no_time_of_the_calls_that_others_wait_for_too() -> None:
    left = []

    class Watched(World):
        def check_locally(self, unverified_token: str, context: Any) -> Any:
            left.append(context.deadline.remaining())
            return super().check_locally(unverified_token, context)

    world = Watched()
    body = SlowBody(GOOD, world.clock)
    assert mint_from(world, body, len(GOOD)).status_code == 200
    assert left == [25]
