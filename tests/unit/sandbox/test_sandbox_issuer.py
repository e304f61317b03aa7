from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest
import urllib3

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import KeyPool

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_900_000_000.0


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyPool]:
    pool = KeyPool(ahead=3)
    yield pool
    pool.close()


@pytest.fixture
def issuer(keys: KeyPool) -> Iterator[Issuer]:
    keys.rewind()
    with Issuer(clock=lambda: NOW, make_key=keys.next_key) as running:
        yield running


def get_json(url: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    with urllib3.PoolManager(retries=False, timeout=10) as http:
        answer = http.request("GET", url, headers=headers)
        return answer.status, answer.json()


def published(issuer: Issuer) -> dict[str, jwt.PyJWK]:
    jwks = get_json(f"{issuer.url}/.well-known/jwks")[1]
    return {key["kid"]: jwt.PyJWK(key) for key in jwks["keys"]}


def decode(issuer: Issuer, token: str) -> dict[str, Any]:
    key = published(issuer)[jwt.get_unverified_header(token)["kid"]]
    unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience="fullsend-mint",
        options=unchecked,  # type: ignore[arg-type]
    )
    return claims


def test_discovery_leads_to_the_keys(issuer: Issuer) -> None:
    status, document = get_json(f"{issuer.url}/.well-known/openid-configuration")
    assert (status, document["issuer"]) == (200, issuer.url)
    assert len(get_json(document["jwks_uri"])[1]["keys"]) == 1


def test_a_token_verifies_with_the_published_key(issuer: Issuer) -> None:
    claims = decode(issuer, issuer.token(Job()))
    assert claims["iss"] == issuer.url
    assert claims["iat"] == NOW
    assert claims["exp"] == NOW + 300
    assert claims["job_workflow_ref"] == "octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main"


def test_every_claim_but_the_times_is_a_string(issuer: Issuer) -> None:
    claims = decode(issuer, issuer.token(Job(environment="prod")))
    assert {name for name, value in claims.items() if not isinstance(value, str)} == {"iat", "nbf", "exp"}


def test_the_subject_holds_the_immutable_ids(issuer: Issuer) -> None:
    claims = decode(issuer, issuer.token(Job(repository_id="7", repository_owner_id="9")))
    assert claims["sub"] == "repo:octo-org@9/app@7:ref:refs/heads/main"


@pytest.mark.parametrize(
    ("job", "ending"),
    [
        (Job(event_name="pull_request"), ":pull_request"),
        (Job(environment="prod"), ":environment:prod"),
        (Job(ref="refs/tags/v1"), ":ref:refs/tags/v1"),
    ],
)
def test_the_subject_ends_with_the_jobs_context(job: Job, ending: str) -> None:
    assert job.claims()["sub"].endswith(ending)


def test_overrides_replace_and_remove_claims(issuer: Issuer) -> None:
    claims = decode(issuer, issuer.token(Job(), exp=5, repository=None))
    assert claims["exp"] == 5
    assert "repository" not in claims


def test_a_forged_token_names_a_published_key_and_fails_its_check(issuer: Issuer) -> None:
    token = issuer.forged_token(Job())
    assert jwt.get_unverified_header(token)["kid"] in published(issuer)
    with pytest.raises(jwt.InvalidSignatureError):
        decode(issuer, token)


def test_rotation_keeps_the_old_key_published(issuer: Issuer) -> None:
    before = issuer.token(Job())
    issuer.rotate_key()
    assert decode(issuer, before) != decode(issuer, issuer.token(Job()))
    assert len(published(issuer)) == 2


def test_a_retired_key_is_published_no_more(issuer: Issuer) -> None:
    before = issuer.token(Job())
    issuer.rotate_key(retire=True)
    assert jwt.get_unverified_header(before)["kid"] not in published(issuer)


def test_an_unpublished_key_signs_tokens_that_cannot_be_verified(issuer: Issuer) -> None:
    issuer.rotate_key(publish=False)
    assert jwt.get_unverified_header(issuer.token(Job()))["kid"] not in published(issuer)


def test_a_job_gets_its_token_as_a_runner_would(issuer: Issuer) -> None:
    environment = issuer.job_environment(Job(repository="octo-org/docs"))
    url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=fullsend-mint"
    headers = {"Authorization": f"bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    status, answer = get_json(url, headers)
    assert (status, sorted(answer)) == (200, ["count", "value"])
    assert decode(issuer, answer["value"])["repository"] == "octo-org/docs"


def test_without_an_audience_a_token_is_for_the_owner(issuer: Issuer) -> None:
    environment = issuer.job_environment(Job())
    headers = {"Authorization": f"Bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    _, answer = get_json(environment["ACTIONS_ID_TOKEN_REQUEST_URL"], headers)
    unverified = jwt.decode(answer["value"], options={"verify_signature": False})
    assert unverified["aud"] == "https://github.com/octo-org"


@pytest.mark.parametrize("authorization", ["", "bearer", "bearer wrong", "Basic wrong"])
def test_a_wrong_request_token_is_401(issuer: Issuer, authorization: str) -> None:
    url = issuer.job_environment(Job())["ACTIONS_ID_TOKEN_REQUEST_URL"]
    assert get_json(url, {"Authorization": authorization})[0] == 401


def test_no_key_shows_in_a_repr(issuer: Issuer) -> None:
    assert "PrivateKey" not in repr(vars(vars(issuer)["_keys"])["_signing"])
