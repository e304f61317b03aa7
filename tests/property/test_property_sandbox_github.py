from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from fullsend_sandbox.github import App, GitHubService, Installation
from fullsend_sandbox.keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_900_000_000
FUZZ = settings(suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


class Arena:
    """A GitHub with something in it, asked over its own server's entrance without the wire."""

    def __init__(self) -> None:
        key = new_key()
        self.service = GitHubService(clock=lambda: NOW).start()
        self.service.create_org("octo-org")
        for name in ("open", "secret", "gone"):
            self.service.create_repo(f"octo-org/{name}", private=name != "open")
        self.service.rename_repo("octo-org/gone", "new")
        self.app: App = self.service.create_app("coder", {"contents": "write", "issues": "write"}, key=key)
        self.on_org: Installation = self.service.install_app(self.app, "octo-org", ["open", "secret", "new"])
        self.signer = key
        response = self.ask("POST", self.tokens_path, self.jwt())
        self.token: str = json.loads(response.get_data())["token"]

    @property
    def tokens_path(self) -> str:
        return f"/app/installations/{self.on_org.id}/access_tokens"

    def jwt(self) -> str:
        claims = {"iss": self.app.client_id, "iat": NOW, "exp": NOW + 60}
        return jwt.encode(claims, self.signer, algorithm="RS256")

    def ask(self, method: str, path: str, token: str = "", body: bytes = b"", query: str = "") -> Any:
        environ = EnvironBuilder(method=method, data=body).get_environ()
        environ |= {
            "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"),
            "QUERY_STRING": query,
            "HTTP_USER_AGENT": "fuzz",
        }
        if token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return self.service.answer(Request(environ), body)


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    arena = Arena()
    yield arena
    arena.service.stop()


bodies = st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode())
fields = st.dictionaries(
    st.sampled_from(["repositories", "repository_ids", "permissions", "title", "message", "content", "sha"]),
    values
    | st.lists(st.sampled_from(["open", "secret", "elsewhere"]))
    | st.dictionaries(st.sampled_from(["contents", "issues", "checks"]), st.sampled_from(["read", "admin", 1])),
).map(lambda value: json.dumps(value).encode())


@FUZZ
@given(body=bodies | fields)
def test_no_body_breaks_the_creation_of_a_token_or_widens_it(arena: Arena, body: bytes) -> None:
    response = arena.ask("POST", arena.tokens_path, arena.jwt(), body)
    assert response.status_code in {201, 400, 422}
    if response.status_code == 201:
        created = json.loads(response.get_data())
        assert created["permissions"].items() <= {
            ("contents", "write"),
            ("contents", "read"),
            ("issues", "write"),
            ("issues", "read"),
            ("metadata", "read"),
        }
        assert {each["name"] for each in created.get("repositories", [])} <= {"open", "secret"}


@FUZZ
@given(
    body=bodies | fields,
    endpoint=st.sampled_from(
        [("POST", "/issues"), ("PUT", "/contents/x"), ("PUT", "/contents/.github/workflows/x")]
    ),
)
def test_no_body_breaks_what_a_token_writes(arena: Arena, body: bytes, endpoint: tuple[str, str]) -> None:
    method, rest = endpoint
    response = arena.ask(method, f"/repos/octo-org/secret{rest}", arena.token, body)
    assert response.status_code in {200, 201, 400, 403, 409, 422}


known = ["app", "apps", "installations", "orgs", "users", "repos", "repositories", "installation", "contents"]
names = ["octo-org", "gone", "secret", "issues", "access_tokens", "50000001", "..", "", "token", "organizations"]
segments = st.sampled_from(known + names) | st.text(max_size=12) | st.integers().map(str)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "X"])


@FUZZ
@given(
    method=methods,
    parts=st.lists(segments, max_size=7),
    query=st.text(st.characters(max_codepoint=255), max_size=30)
    | st.text("0123456789²-x", max_size=9).map(lambda number: f"per_page={number}&page={number}"),
    by_app=st.booleans(),
)
def test_no_path_or_query_breaks_it(
    arena: Arena, method: str, parts: list[str], query: str, *, by_app: bool
) -> None:
    if method == "DELETE" and parts == ["installation", "token"]:
        return  # would end the token that the other examples use
    token = arena.jwt() if by_app else arena.token
    response = arena.ask(method, "/" + "/".join(parts), token, query=query)
    assert response.status_code < 500
    assert response.headers["X-GitHub-Request-Id"]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


headers = st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ"]), values | st.just("RS256"))
claims = st.dictionaries(st.sampled_from(["iss", "exp", "iat", "nbf", "aud", "sub", "jti"]), values) | values


@FUZZ
@given(header=headers, payload=claims, signature=st.binary(max_size=300))
def test_no_forged_jwt_breaks_it_or_gets_in(
    arena: Arena, header: object, payload: object, signature: bytes
) -> None:
    token = ".".join([b64(json.dumps(header).encode()), b64(json.dumps(payload).encode()), b64(signature)])
    assert arena.ask("GET", "/app", token).status_code in {401, 404}


@FUZZ
@given(payload=claims | st.binary(max_size=60))
def test_no_signed_payload_breaks_it_or_gets_in_without_good_times(arena: Arena, payload: Any) -> None:
    if isinstance(payload, dict):
        payload |= {"iss": arena.app.id}
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    token = jwt.api_jws.encode(raw, arena.signer, algorithm="RS256")
    status = arena.ask("GET", "/app", token).status_code
    good = isinstance(payload, dict) and isinstance(payload.get("iat"), int) and "exp" in payload
    assert status in {401, 404} or (good and NOW < payload["exp"] <= NOW + 600 and payload["iat"] <= NOW)


@FUZZ
@given(token=st.text(st.characters(max_codepoint=255), max_size=80) | st.text("ey.-_aA0", max_size=80))
def test_no_text_is_a_token_by_chance(arena: Arena, token: str) -> None:
    for path in ("/app", "/installation/repositories"):
        assert arena.ask("GET", path, token).status_code == 401
