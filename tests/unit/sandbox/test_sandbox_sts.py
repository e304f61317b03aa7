from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from google.auth import identity_pool
from google.auth.transport.requests import Request as GoogleRequest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.signing import SigningKey
from fullsend_sandbox.sts import SecurityTokenService
from fullsend_sandbox.uploaded_keys import InvalidProviderError
from fullsend_sandbox.wif import Federation, Provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from werkzeug.test import TestResponse

    from fullsend_sandbox.signing import PublicKey
    from fullsend_sandbox.world import World

GCLOUD = "32555940559.apps.googleusercontent.com"
ISSUER = "https://issuer.test"
NOW = 1_900_000_000
POOL = "fullsend-pool"


class Exchanger:
    """A token service with one provider, and a way to ask it without a network."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self.keys: dict[str, PublicKey] | None = {key.kid: key.private.public_key()}
        self.federation = Federation("123")
        self.federation.create_pool(POOL)
        self.provide(attribute_condition="assertion.repository_owner in ['octo-org', 'other-org']")
        self.service = SecurityTokenService(self.federation, lambda _issuer: self.keys, clock=lambda: NOW)

    def provide(self, **changes: Any) -> None:
        given = {"provider_id": "github-oidc", "issuer": ISSUER, "allowed_audiences": ("fullsend-mint",)}
        self.federation.put_provider(POOL, Provider(**(given | changes)))

    def token(self, **overrides: object) -> str:
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": "fullsend-mint",
            "iat": NOW,
            "exp": NOW + 300,
            **Job(repository_id="77").claims(),
        }
        claims |= overrides
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self.key.private, algorithm="RS256", headers={"kid": self.key.kid})

    def fields(self, **changes: str) -> dict[str, str]:
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": self.federation.resource(POOL, "github-oidc"),
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "subject_token": self.token(),
        } | changes

    def post(self, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> TestResponse:
        return self.send(urlencode(fields).encode(), "application/x-www-form-urlencoded", headers)

    def send(self, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        client = Client(wsgi(self.service))
        return client.post("/v1/token", data=body, content_type=content_type, headers=dict(headers or {}))


def wsgi(service: SecurityTokenService) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        response = service.answer(Request(environ), b"")
        assert response is not None
        return response(environ, start_response)

    return app


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey(new_key())


@pytest.fixture
def sts(key: SigningKey) -> Exchanger:
    return Exchanger(key)


def outcome(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    return answer.status_code, body.get("error", "")


def test_a_genuine_token_is_exchanged(sts: Exchanger) -> None:
    answer = sts.post(sts.fields())
    assert answer.status_code == 200
    assert sorted(answer.get_json()) == ["access_token", "expires_in", "issued_token_type", "token_type"]


def test_json_in_camel_case_is_understood(sts: Exchanger) -> None:
    fields = {
        "".join(part.title() if i else part for i, part in enumerate(k.split("_"))): v
        for k, v in sts.fields().items()
    }
    assert sts.send(json.dumps(fields).encode(), "application/json").status_code == 200


@pytest.mark.parametrize(
    "name", ["grant_type", "audience", "requested_token_type", "subject_token", "subject_token_type"]
)
def test_a_missing_parameter_is_an_invalid_request(sts: Exchanger, name: str) -> None:
    fields = sts.fields()
    del fields[name]
    assert outcome(sts.post(fields)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token": "not a token"}, "invalid_request"),
        ({"audience": "//iam.googleapis.com/projects/123/elsewhere"}, "invalid_target"),
    ],
)
def test_a_wrong_parameter_is_refused(sts: Exchanger, changes: dict[str, str], error: str) -> None:
    assert outcome(sts.post(sts.fields(**changes))) == (400, error)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer x", (400, "invalid_request")),
        ("Basic", (401, "invalid_client")),
        (f"Basic {b64encode(b'client:secret').decode()}", (401, "invalid_client")),
        (f"Basic {b64encode(b'32555940559.apps.googleusercontent.com:x').decode()}", (200, "")),
    ],
)
def test_of_all_authorization_headers_only_gclouds_client_is_accepted(
    sts: Exchanger, header: str, expected: tuple[int, str]
) -> None:
    assert outcome(sts.post(sts.fields(), {"Authorization": header})) == expected


def test_the_exchange_of_google_github_actions_auth_is_accepted(sts: Exchanger) -> None:
    # As src/client/workload_identity_federation.ts sends it.
    sent = {
        "audience": sts.federation.resource(POOL, "github-oidc"),
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "subjectToken": sts.token(),
    }
    assert outcome(sts.send(json.dumps(sent).encode(), "application/json")) == (200, "")


@pytest.mark.parametrize("options", [{}, {"client_id": GCLOUD, "client_secret": "x"}])
def test_google_auth_exchanges_a_jobs_token_from_a_file(
    world: World, tmp_path: Path, options: dict[str, str]
) -> None:
    (tmp_path / "token").write_text(world.issuer.token(world.job()))
    credentials = identity_pool.Credentials(
        audience=world.federation.resource("fullsend-pool", "github-oidc"),
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url=f"{world.sts.url}/v1/token",
        credential_source={"file": str(tmp_path / "token")},
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
        **options,
    )
    credentials.refresh(GoogleRequest())
    assert credentials.valid


@pytest.mark.parametrize("change", [{"disabled": True}, {"deleted": True}])
def test_a_provider_that_is_off_is_an_invalid_target(sts: Exchanger, change: dict[str, bool]) -> None:
    sts.provide(**change)
    assert outcome(sts.post(sts.fields())) == (400, "invalid_target")


def test_a_disabled_pool_is_an_invalid_target(sts: Exchanger) -> None:
    sts.federation.set_pool(POOL, enabled=False)
    assert outcome(sts.post(sts.fields())) == (400, "invalid_target")


@pytest.mark.parametrize(
    "overrides",
    [
        {"exp": NOW - 31},
        {"iat": NOW + 31},
        {"exp": NOW + 90_000},
        {"exp": None},
        {"iat": "1"},
        {"iat": float("nan")},
        {"exp": 10**400},
        {"iss": "https://elsewhere.test"},
        {"aud": "somebody-else"},
        {"aud": None},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_an_invalid_grant(sts: Exchanger, overrides: dict[str, object]) -> None:
    assert outcome(sts.post(sts.fields(subject_token=sts.token(**overrides)))) == (400, "invalid_grant")


def test_an_expired_token_is_called_stale(sts: Exchanger) -> None:
    answer = sts.post(sts.fields(subject_token=sts.token(exp=NOW - 31)))
    assert "is stale to sign-in" in answer.get_json()["error_description"]


def test_a_token_of_another_key_is_an_invalid_grant(sts: Exchanger) -> None:
    forger = SigningKey(new_key())
    token = jwt.encode(
        jwt.decode(sts.token(), options={"verify_signature": False}),
        forger.private,
        algorithm="RS256",
        headers={"kid": sts.key.kid},
    )
    assert outcome(sts.post(sts.fields(subject_token=token))) == (400, "invalid_grant")


def test_a_token_of_an_unpublished_key_is_an_invalid_grant(sts: Exchanger) -> None:
    sts.keys = {}
    assert outcome(sts.post(sts.fields())) == (400, "invalid_grant")


def test_an_unreachable_issuer_is_an_invalid_grant(sts: Exchanger) -> None:
    sts.keys = None
    assert outcome(sts.post(sts.fields())) == (400, "invalid_grant")


def test_the_condition_rejects_another_owner(sts: Exchanger) -> None:
    answer = sts.post(sts.fields(subject_token=sts.token(repository_owner="evil-org")))
    assert outcome(answer) == (401, "unauthorized_client")
    assert "rejected by the attribute condition" in answer.get_json()["error_description"]


def test_the_condition_compares_case_sensitively(sts: Exchanger) -> None:
    answer = sts.post(sts.fields(subject_token=sts.token(repository_owner="Octo-Org")))
    assert outcome(answer) == (401, "unauthorized_client")


def test_a_condition_that_cannot_be_evaluated_rejects(sts: Exchanger) -> None:
    sts.provide(attribute_condition="assertion.no_such_claim == 'x'")
    assert outcome(sts.post(sts.fields())) == (401, "unauthorized_client")


def test_a_condition_may_use_mapped_attributes(sts: Exchanger) -> None:
    sts.provide(attribute_condition="attribute.repository == 'octo-org/app' && google.subject != 'google.'")
    assert sts.post(sts.fields()).status_code == 200


def test_a_missing_mapped_claim_is_an_invalid_request(sts: Exchanger) -> None:
    answer = sts.post(sts.fields(subject_token=sts.token(run_id=None)))
    assert outcome(answer) == (400, "invalid_request")


def test_a_subject_over_127_bytes_is_an_invalid_request(sts: Exchanger) -> None:
    answer = sts.post(sts.fields(subject_token=sts.token(run_id="1" * 125)))
    assert "127 bytes" in answer.get_json()["error_description"]
    assert sts.post(sts.fields(subject_token=sts.token(run_id="1" * 124))).status_code == 200


def test_without_allowed_audiences_only_the_providers_own_name_will_do(sts: Exchanger) -> None:
    sts.provide(allowed_audiences=())
    own = "https:" + sts.federation.resource(POOL, "github-oidc")
    assert outcome(sts.post(sts.fields())) == (400, "invalid_grant")
    assert sts.post(sts.fields(subject_token=sts.token(aud=own))).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"provider_id": "abc"},
        {"provider_id": "x" * 33},
        {"provider_id": "Upper-case"},
        {"provider_id": "gcp-mine"},
        {"attribute_condition": "assertion."},
        {"attribute_condition": "'" + "x" * 4096 + "' == ''"},
        {"attribute_mapping": {"attribute.actor": "assertion.actor"}},
    ],
    ids=str,
)
def test_a_provider_google_would_not_accept_is_not_accepted(sts: Exchanger, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidProviderError):
        sts.provide(**change)
