"""The sandbox's parsers of what operators and jobs send: key sets, agents' requests, queries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client
from werkzeug.wrappers import Request

from fullsend_sandbox.ci import BuildkiteIssuer, KubernetesIssuer
from fullsend_sandbox.signing import SigningKey, new_ec_key
from fullsend_sandbox.uploaded_keys import InvalidProviderError, uploaded_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["kty", "alg", "use", "kid", "n", "e", "x", "y", "crv", "d", "k"])
NAMES = st.sampled_from(["audience", "claims", "lifetime", "other"])


@given(JSON)
def test_any_text_is_a_key_set_or_refused(value: Any) -> None:
    with pytest.raises(InvalidProviderError):
        uploaded_keys(json.dumps(value))


@given(st.dictionaries(MEMBERS, JSON, max_size=8))
def test_a_key_with_any_members_is_read_or_refused(changes: dict[str, Any]) -> None:
    jwk = SigningKey(new_ec_key()).jwk() | changes
    try:
        keys = uploaded_keys(json.dumps({"keys": [jwk]}))
    except InvalidProviderError:
        return
    assert len(keys) == 1


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[object], int]]:
    with BuildkiteIssuer() as issuer:
        environment = issuer.job_environment()
        path = f"/v3/jobs/{environment['BUILDKITE_JOB_ID']}/oidc/tokens"
        headers = {"Authorization": f"Token {environment['BUILDKITE_AGENT_ACCESS_TOKEN']}"}

        def app(environ: Any, start_response: Any) -> Any:
            response = issuer.answer(Request(environ), b"")
            assert response is not None
            return response(environ, start_response)

        yield lambda body: Client(app).post(path, json=body, headers=headers).status_code


@given(JSON | st.dictionaries(NAMES, JSON, max_size=4))
def test_any_request_of_an_agent_has_an_answer(ask: Callable[[object], int], body: Any) -> None:
    assert ask(body) in {200, 422}


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=4))
def test_a_query_sets_the_claims_that_it_names(query: dict[str, str]) -> None:
    issuer = KubernetesIssuer(make_key=new_ec_key, issuer="https://cluster.test")
    token = issuer.token_as_asked(issuer.claims(), query)
    claims = jwt.decode(token, options={"verify_signature": False})
    for name, value in query.items():
        if name not in {"audience", "forged"} and "/" not in name:
            assert claims[name] == value
