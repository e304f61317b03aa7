from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import pytest
import urllib3

from fullsend_sandbox.ci import (
    KINDS,
    BuildkiteIssuer,
    BuildkiteJob,
    CircleCIIssuer,
    CircleCIJob,
    GitLabIssuer,
    GitLabJob,
    KubernetesIssuer,
    KubernetesPod,
)
from fullsend_sandbox.keys import KeyPool
from fullsend_sandbox.signing import new_ec_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.ci import CIIssuer

NOW = 1_900_000_000
STANDARD = {"iss", "sub", "aud", "iat", "exp"}
UNCHECKED: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyPool]:
    pool = KeyPool(ahead=3)
    yield pool
    pool.close()


@pytest.fixture(params=sorted(KINDS))
def issuer(request: pytest.FixtureRequest, keys: KeyPool) -> Iterator[CIIssuer]:
    keys.rewind()
    with KINDS[request.param](clock=lambda: NOW, make_key=keys.next_key) as running:
        yield running


@pytest.fixture
def buildkite(keys: KeyPool) -> Iterator[BuildkiteIssuer]:
    keys.rewind()
    with BuildkiteIssuer(clock=lambda: NOW, make_key=keys.next_key) as running:
        yield running


def ask(method: str, url: str, headers: dict[str, str] | None = None, body: object = None) -> tuple[int, Any]:
    with urllib3.PoolManager(retries=False, timeout=10) as http:
        answer = http.request(method, url, headers=headers, json=body)
        return answer.status, answer.json()


def verified(issuer: CIIssuer, token: str, audience: str = "fullsend-mint") -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    key = issuer.published_keys()[header["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=[header["alg"]], audience=audience, options=UNCHECKED
    )
    return claims


def test_discovery_leads_to_the_keys_at_the_documented_path(issuer: CIIssuer) -> None:
    status, document = ask("GET", f"{issuer.issuer}/.well-known/openid-configuration")
    documented = {
        "gitlab": "/oauth/discovery/keys",
        "buildkite": "/.well-known/jwks",
        "circleci": "/org/c9035eb6-6eb2-4c85-8a81-d9ed6a1d1d1e/.well-known/jwks-pub.json",
        "kubernetes": "/openid/v1/jwks",
    }
    assert (status, document["issuer"]) == (200, issuer.issuer)
    assert urlsplit(document["jwks_uri"]).path == documented[issuer.kind]
    published = ask("GET", document["jwks_uri"])[1]["keys"]
    assert [(key["kty"], key["alg"]) for key in published] == [("RSA", "RS256")]
    assert jwt.PyJWK(published[0]).key_id == jwt.get_unverified_header(issuer.token())["kid"]


def test_a_token_verifies_and_names_its_issuer(issuer: CIIssuer) -> None:
    claims = verified(issuer, issuer.token())
    assert claims["iss"] == issuer.issuer
    assert claims["iat"] == NOW
    assert set(claims) > STANDARD


def test_a_forged_token_names_a_published_key_and_fails_its_check(issuer: CIIssuer) -> None:
    with pytest.raises(jwt.InvalidSignatureError):
        verified(issuer, issuer.forged_token())


def test_overrides_replace_and_remove_claims(issuer: CIIssuer) -> None:
    claims = verified(issuer, issuer.token(exp=5, sub=None))
    assert claims["exp"] == 5
    assert "sub" not in claims


def test_a_retired_key_is_published_no_longer(issuer: CIIssuer) -> None:
    before = issuer.token()
    issuer.rotate_key(retire=True)
    assert jwt.get_unverified_header(before)["kid"] not in issuer.published_keys()
    verified(issuer, issuer.token())


def test_an_unknown_path_is_404(issuer: CIIssuer) -> None:
    assert ask("GET", f"{issuer.url}/nothing")[0] == 404


@pytest.mark.parametrize(
    ("kind", "lifetime", "not_before", "jti"),
    [
        ("gitlab", 3600, NOW - 5, True),
        ("buildkite", 300, NOW, False),
        ("circleci", 3600, None, False),
        ("kubernetes", 3600, NOW, True),
    ],
)
def test_each_kind_has_the_times_that_it_documents(
    keys: KeyPool, kind: str, lifetime: int, not_before: int | None, *, jti: bool
) -> None:
    keys.rewind()
    claims = KINDS[kind](clock=lambda: NOW, make_key=keys.next_key, issuer="https://ci.test").claims()
    assert claims["exp"] - claims["iat"] == lifetime
    assert claims.get("nbf") == not_before
    assert ("jti" in claims) is jti


def test_gitlab_writes_strings_except_for_the_runner() -> None:
    claims = GitLabJob(environment="production").claims()
    assert {name for name, value in claims.items() if not isinstance(value, str)} == {"runner_id"}


@pytest.mark.parametrize(
    ("job", "subject", "ref_path"),
    [
        (
            GitLabJob(project="a/b/c"),
            "project_path:a/b/c:ref_type:branch:ref:main",
            "refs/heads/main",
        ),
        (
            GitLabJob(project="a/b", ref="v1", ref_type="tag"),
            "project_path:a/b:ref_type:tag:ref:v1",
            "refs/tags/v1",
        ),
    ],
)
def test_gitlab_names_project_and_ref_in_the_subject(job: GitLabJob, subject: str, ref_path: str) -> None:
    claims = job.claims()
    assert (claims["sub"], claims["ref_path"]) == (subject, ref_path)
    assert claims["namespace_path"] == job.project.rpartition("/")[0]
    assert claims["ci_config_ref_uri"] == f"gitlab.example.com/{job.project}//.gitlab-ci.yml@{ref_path}"


def test_gitlab_names_the_fork_and_where_its_merge_request_runs() -> None:
    claims = GitLabJob(project="fork/app", job_project="acme/app", job_project_id="20").claims()
    assert (claims["project_path"], claims["job_project_path"], claims["job_project_id"]) == (
        "fork/app",
        "acme/app",
        "20",
    )


def test_gitlab_says_of_an_unprotected_ref_that_it_is_unprotected() -> None:
    assert GitLabJob(protected=False).claims()["ref_protected"] == "false"


def test_buildkite_writes_a_number_and_a_null_and_ids_only_when_asked() -> None:
    claims = BuildkiteJob(step_key=None).claims()
    assert (claims["build_number"], claims["step_key"]) == (1, None)
    assert "pipeline_id" not in claims
    assert "build_tag" not in claims
    assert "pipeline_id" in BuildkiteJob(extra=("pipeline_id",)).claims()
    tagged = BuildkiteJob(tag="v1").claims()
    assert ":ref:refs/tags/v1:" in tagged["sub"]
    assert tagged["build_branch"] == tagged["build_tag"] == "v1"


def test_buildkite_hands_out_tokens_as_its_agent_asks(buildkite: BuildkiteIssuer) -> None:
    environment = buildkite.job_environment(BuildkiteJob(branch="dev"))
    url = f"{environment['BUILDKITE_AGENT_ENDPOINT']}/jobs/{environment['BUILDKITE_JOB_ID']}/oidc/tokens"
    headers = {"Authorization": f"Token {environment['BUILDKITE_AGENT_ACCESS_TOKEN']}"}
    status, answer = ask("POST", url, headers, {"audience": "fullsend-mint", "claims": ["pipeline_id"]})
    claims = verified(buildkite, answer["token"])
    assert (status, claims["build_branch"]) == (200, "dev")
    assert "pipeline_id" in claims
    plain = ask("POST", url, headers, {})[1]["token"]
    assert verified(buildkite, plain, "https://buildkite.com/acme-inc")["exp"] == NOW + 300


@pytest.mark.parametrize(
    ("authorization", "body", "status"),
    [
        ("", {}, 401),
        ("Token wrong", {}, 401),
        ("Bearer {access}", {}, 401),
        ("Token {access}", {"claims": ["agent_secret"]}, 422),
        ("Token {access}", {"lifetime": -1}, 422),
        ("Token {access}", {"lifetime": True}, 422),
        ("Token {access}", {"lifetime": 86_401}, 422),
        ("Token {access}", {"claims": [{}]}, 422),
        ("Token {access}", {"claims": "pipeline_id"}, 422),
        ("Token {access}", {"audience": ["a"]}, 422),
    ],
)
def test_buildkite_refuses_what_its_agent_api_refuses(
    buildkite: BuildkiteIssuer, authorization: str, body: object, status: int
) -> None:
    environment = buildkite.job_environment()
    url = f"{environment['BUILDKITE_AGENT_ENDPOINT']}/jobs/{environment['BUILDKITE_JOB_ID']}/oidc/tokens"
    headers = {"Authorization": authorization.format(access=environment["BUILDKITE_AGENT_ACCESS_TOKEN"])}
    assert ask("POST", url, headers, body)[0] == status


def test_circleci_has_an_issuer_for_each_organization(keys: KeyPool) -> None:
    keys.rewind()
    with CircleCIIssuer(clock=lambda: NOW, make_key=keys.next_key) as issuer:
        assert issuer.issuer == f"{issuer.url}/org/c9035eb6-6eb2-4c85-8a81-d9ed6a1d1d1e"
        assert ask("GET", f"{issuer.url}/.well-known/openid-configuration")[0] == 404


def test_a_circleci_pipeline_of_a_webhook_names_no_change() -> None:
    claims = CircleCIJob(vcs_origin=None, vcs_ref=None).claims()
    assert not [name for name in claims if "vcs" in name]
    assert claims["sub"].count("/") == 5
    assert CircleCIJob().claims()["sub"].endswith("/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main")


def test_kubernetes_names_the_service_account_and_writes_audiences_as_a_list(keys: KeyPool) -> None:
    keys.rewind()
    issuer = KubernetesIssuer(clock=lambda: NOW, make_key=keys.next_key, issuer="https://kubernetes.default.svc")
    claims = issuer.claims(KubernetesPod(namespace="ci", service_account="bot", node=None))
    assert claims["aud"] == ["fullsend-mint"]
    assert claims["sub"] == "system:serviceaccount:ci:bot"
    assert sorted(claims["kubernetes.io"]) == ["namespace", "pod", "serviceaccount"]
    assert claims["iss"] == "https://kubernetes.default.svc"


def test_kubernetes_signs_with_es256_where_its_key_is_a_curve() -> None:
    with KubernetesIssuer(clock=lambda: NOW, make_key=new_ec_key) as issuer:
        token = issuer.token()
        document = ask("GET", f"{issuer.issuer}/.well-known/openid-configuration")[1]
        published = ask("GET", document["jwks_uri"])[1]["keys"]
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]
    key = jwt.PyJWK(published[0])
    assert jwt.decode(token, key, algorithms=["ES256"], audience="fullsend-mint", options=UNCHECKED)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"kubernetes"}))
def test_the_other_kinds_sign_with_rs256_only(kind: str) -> None:
    with pytest.raises(ValueError, match="RS256 only"):
        KINDS[kind](make_key=new_ec_key)


def test_no_key_shows_in_a_repr(keys: KeyPool) -> None:
    keys.rewind()
    issuer = GitLabIssuer(make_key=keys.next_key)
    assert "PrivateKey" not in repr(vars(vars(issuer)["_keys"])["_signing"])
