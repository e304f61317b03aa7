from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from fullsend_sandbox.sts import SecurityTokenService
from fullsend_sandbox.wif import Federation, Provider

NAMES = (
    "grant_type",
    "audience",
    "requested_token_type",
    "subject_token",
    "subject_token_type",
    "subjectToken",
)
VALID = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "audience": Federation("123").resource("fullsend-pool", "github-oidc"),
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5
)


@cache
def federation() -> Federation:
    """Return a project with a pool and a provider."""
    made = Federation("123")
    made.create_pool("fullsend-pool")
    made.put_provider("fullsend-pool", Provider(provider_id="github-oidc", issuer="https://issuer.test"))
    return made


@pytest.fixture(scope="module", autouse=True)
def _provider_is_compiled() -> None:
    """Compile its conditions before a test: the library raises the recursion limit, which hypothesis watches."""
    federation()


def status_of(**request: Any) -> int:
    service = SecurityTokenService(federation(), lambda _issuer: {}, clock=lambda: 0)
    builder = EnvironBuilder(path="/v1/token", method="POST", **request)
    response = service.answer(Request(builder.get_environ()), b"")
    assert response is not None
    return response.status_code


@given(body=st.binary(max_size=300), form=st.booleans())
def test_no_body_whatever_breaks_the_token_service(body: bytes, *, form: bool) -> None:
    content_type = "application/x-www-form-urlencoded" if form else "application/json"
    assert status_of(data=body, content_type=content_type) == 400


@given(fields=st.dictionaries(st.sampled_from(NAMES) | st.text(), json_values))
def test_no_json_object_breaks_the_token_service(fields: dict[str, Any]) -> None:
    assert status_of(json=VALID | fields) == 400


@given(token=st.text() | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,60}\.[\w-]{0,20}"))
def test_no_subject_token_breaks_the_token_service(token: str) -> None:
    assert status_of(data=VALID | {"subject_token": token}) == 400
