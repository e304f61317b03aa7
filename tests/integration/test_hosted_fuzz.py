"""Nothing a caller can send makes the hosted process answer with anything but the contract's JSON."""

from __future__ import annotations

import json
import os
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mintcore import errors

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

pytestmark = pytest.mark.usefixtures("world")  # as new: a test before this one may have broken it
EXAMPLES = int(os.environ.get("FUZZ_REQUESTS", "100"))
# What http.client lets through as a header value: printable Latin-1.
HEADER_TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=200
)
PATH_TEXT = st.text(string.ascii_letters + string.digits + "%._~!$&'()*+,;=:@-/", max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["coder", "fix", "nobody"]) | JSON, "repos": JSON, "x": JSON}
)
BODY = st.binary(max_size=300) | (FIELDS | JSON).map(lambda value: json.dumps(value).encode())
SEGMENT = st.text(string.ascii_letters + string.digits + "-_=+/", max_size=60)
TOKEN = HEADER_TEXT | st.tuples(SEGMENT, SEGMENT, SEGMENT).map(".".join)


def codes(kind: type[errors.MintError] = errors.MintError) -> set[str]:
    own = {kind.code} if hasattr(kind, "code") else set()
    return own.union(*(codes(child) for child in kind.__subclasses__()))


def request(url: str, method: str, path: str, **sent: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(10)) as http:
        return http.request(method, url + path, redirect=False, **sent)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "HEAD", "OPTIONS", "PATCH", "DELETE", "BREW"]),
    path=st.sampled_from(
        ["v1/token", "v1/token", "v1/token", "", "v1/status", "health", "/", "robots.txt", "favicon.ico"]
    )
    | PATH_TEXT,
    headers=st.fixed_dictionaries(
        {},
        optional={
            "Authorization": TOKEN.map("Bearer {}".format) | HEADER_TEXT,
            "X-Request-Id": HEADER_TEXT,
            "Content-Type": st.sampled_from(["application/json", "multipart/form-data", ""]) | HEADER_TEXT,
            "traceparent": HEADER_TEXT,
        },
    ),
    body=BODY,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=REQUESTS)
def test_every_answer_is_the_contracts_json(sent: Request, hosted_mint: MintProcess) -> None:
    answer = request(hosted_mint.url, sent.method, "/" + sent.path, headers=sent.headers, body=sent.body)
    assert answer.status < 500
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    if sent.method != "HEAD" and answer.status != 200:
        assert answer.json()["code"] in codes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims=st.dictionaries(st.text(max_size=10), JSON, max_size=5), changes=FIELDS)
def test_signed_claims_of_any_shape_are_judged_and_never_crash(
    claims: dict[str, Any], changes: dict[str, Any], world: World, hosted_mint: MintProcess
) -> None:
    job = world.issuer.claims(world.job())
    replaced = {name: claims.get(name, value) for name, value in job.items()} | claims
    token = world.issuer.sign(replaced)
    body = json.dumps({"role": "coder", **changes}).encode()
    answer = request(hosted_mint.url, "POST", "/v1/token", headers={"Authorization": f"Bearer {token}"}, body=body)
    assert answer.status < 500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_claim_is_judged_and_never_crashes(
    data: st.DataObject, world: World, hosted_mint: MintProcess
) -> None:
    job = world.issuer.claims(world.job())
    name = data.draw(st.sampled_from(sorted(job)))
    # The sandbox signs with PyJWT, which itself insists on an issuer that is text.
    value = data.draw(st.text() if name == "iss" else JSON)
    token = world.issuer.sign({**job, name: value})
    answer = request(hosted_mint.url, "GET", "/v1/status", headers={"Authorization": f"Bearer {token}"})
    assert answer.status < 500
