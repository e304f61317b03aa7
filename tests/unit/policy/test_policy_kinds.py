"""Each kind's mapper: every documented claim is accounted for, and each goes where the table says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend_sandbox.ci.buildkite import BuildkiteJob
from fullsend_sandbox.ci.circleci import CircleCIJob
from fullsend_sandbox.ci.gitlab import GitLabJob
from fullsend_sandbox.ci.kubernetes import KubernetesPod
from mintcore.errors import InvalidToken
from mintcore.policy.claim_values import MAX_CLAIM, plain_claims
from mintcore.policy.issuers import Use
from mintcore.policy.kinds.table import KINDS
from tests.job_doubles import JOBS, URLS, proven, token_claims
from tests.mint_doubles import NOW

if TYPE_CHECKING:
    from fullsend_sandbox.ci.issuer import CIJob
    from mintcore.policy.caller import Job

WHOLE: dict[str, list[CIJob]] = {
    "gitlab": [GitLabJob(environment="prod"), GitLabJob(ref="v1", ref_type="tag", protected=False)],
    "buildkite": [BuildkiteJob(tag="v1", extra=("organization_id", "pipeline_id")), BuildkiteJob()],
    "circleci": [CircleCIJob()],
    "kubernetes": [KubernetesPod()],
}
NESTED = "kubernetes.io"


def flat(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with those of ``kubernetes.io`` under their path."""
    found = {name: value for name, value in claims.items() if name != NESTED}
    for name, value in claims.get(NESTED, {}).items():
        inner = value if isinstance(value, dict) else {"": value}
        found |= {f"{NESTED}/{name}/{key}".rstrip("/"): one for key, one in inner.items()}
    return found


def with_claim(kind: str, job: CIJob, name: str, value: Any) -> dict[str, Any]:
    claims = token_claims(kind, job)
    if kind == "kubernetes" and name.startswith(f"{NESTED}/"):
        first, _, second = name.removeprefix(f"{NESTED}/").partition("/")
        own = dict(claims[NESTED])
        own[first] = {**own.get(first, {}), second: value} if second else value
        return claims | {NESTED: own}
    return claims | {name: value}


def job_of(kind: str, claims: dict[str, Any]) -> Job:
    mapper = KINDS[kind].job
    assert mapper is not None
    return mapper(claims, kind)


def recorded(job: Job) -> dict[str, Any]:
    return {name: value for name, value in job._asdict().items() if name != "claims"}


@pytest.mark.parametrize("kind", URLS)
def test_every_claim_that_is_sent_is_accounted_for(kind: str) -> None:
    for job in WHOLE[kind]:
        assert set(flat(token_claims(kind, job))) <= set(KINDS[kind].claims)


@pytest.mark.parametrize(
    ("kind", "claim"), [(kind, claim) for kind in URLS for claim in KINDS[kind].claims if claim != "exp"]
)
def test_a_claim_goes_to_the_audit_event_exactly_if_the_table_says_so(kind: str, claim: str) -> None:
    subject = f"org/{'a' * 8}-1111-1111-1111-{'a' * 12}/project/{'a' * 8}-1111-1111-1111-{'a' * 12}/user/"
    other = f"{subject}{'b' * 8}-1111-1111-1111-{'b' * 12}" if claim == "sub" else "other"
    changed = False
    for job in WHOLE[kind]:
        own = flat(token_claims(kind, job)).get(claim, "some")
        before, after = (job_of(kind, with_claim(kind, job, claim, value)) for value in (own, other))
        changed = changed or recorded(before) != recorded(after)
    assert changed == bool(KINDS[kind].claims[claim] & (Use.AUDIT | Use.COUNTED))


@pytest.mark.parametrize(
    ("kind", "claim"), [(kind, claim) for kind in URLS for claim in sorted(KINDS[kind].matchable)]
)
def test_a_claim_that_an_entry_can_match_is_kept_as_text(kind: str, claim: str) -> None:
    for value, text in ((True, "true"), (False, "false"), (4711, "4711"), ("x y", "x y")):
        assert job_of(kind, with_claim(kind, WHOLE[kind][0], claim, value)).claims[claim] == text


@pytest.mark.parametrize("value", [None, ["4711"], {"a": 1}, 4711.0, "x" * (MAX_CLAIM + 1)])
@pytest.mark.parametrize("kind", URLS)
def test_a_value_that_is_not_plain_matches_nothing(kind: str, value: Any) -> None:
    name = "sub" if kind != "gitlab" else "sha"
    assert name not in job_of(kind, token_claims(kind) | {name: value}).claims


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("gitlab", "project_id"),
        ("gitlab", "project_path"),
        ("gitlab", "namespace_id"),
        ("buildkite", "organization_slug"),
        ("buildkite", "pipeline_slug"),
        ("circleci", "oidc.circleci.com/project-id"),
        ("kubernetes", "kubernetes.io/namespace"),
        ("kubernetes", "kubernetes.io/serviceaccount/name"),
    ],
)
@pytest.mark.parametrize("value", [None, "", []])
def test_a_token_without_its_project_is_refused(kind: str, missing: str, value: Any) -> None:
    with pytest.raises(InvalidToken, match=f"claims are missing: {missing}"):
        job_of(kind, with_claim(kind, JOBS[kind], missing, value))


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat"])
def test_a_token_without_issuer_audience_or_times_is_refused(kind: str, claim: str) -> None:
    with pytest.raises(InvalidToken, match=f"claims are missing: {claim}"):
        proven(kind, **{claim: None})


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "other"}, "audience"),
        ({"aud": ["fullsend-mint", "other"]}, "audience"),
        ({"aud": ["other", "fullsend-mint"]}, "audience"),
        ({"aud": ["fullsend-mint", "fullsend-mint"]}, "audience"),
        ({"aud": [["fullsend-mint"]]}, "audience"),
        ({"aud": {"fullsend-mint": 1}}, "audience"),
        ({"aud": "FULLSEND-MINT"}, "audience"),
        ({"iss": "https://gitlab.test/"}, "issuer"),
        ({"iss": "https://token.actions.githubusercontent.com"}, "issuer"),
        ({"iss": ["https://gitlab.test"]}, "issuer"),
        ({"exp": int(NOW) - 31}, "expired"),
        ({"nbf": int(NOW) + 31}, "not valid"),
        ({"iat": int(NOW) + 31}, "in the future"),
        ({"exp": "1900000300"}, "exp is not a time"),
        ({"exp": True}, "exp is not a time"),
        ({"exp": float("inf")}, "exp is not a time"),
        ({"nbf": "soon"}, "nbf is not a time"),
        ({"iat": [1]}, "iat is not a time"),
    ],
)
def test_issuer_audience_and_times_are_those_of_the_issuer(kind: str, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidToken, match=why):
        proven(kind, **changes)


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.parametrize("audience", ["fullsend-mint", ["fullsend-mint"]])
def test_one_audience_is_good_as_a_text_and_as_a_list(kind: str, audience: Any) -> None:
    assert proven(kind, aud=audience).issuer == kind


def test_nbf_is_optional_and_not_empty() -> None:
    assert proven("gitlab", nbf=None).project_id == "4711"
    with pytest.raises(InvalidToken):
        proven("gitlab", nbf="")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "gitlab",
            {
                "project": "acme/tools/app", "project_id": "4711", "ref": "refs/heads/main",
                "pipeline": "gitlab.example.com/acme/tools/app//.gitlab-ci.yml@refs/heads/main",
                "ref_protected": "true", "run_id": "574", "actor": "sample-user",
            },
        ),
        (
            "buildkite",
            {
                "project": "acme-inc/app", "project_id": "", "ref": "refs/heads/main", "ref_protected": "",
                "pipeline": "mint", "run_id": "1", "actor": "",
            },
        ),
        (
            "circleci",
            {
                "project": "github.com/acme/app", "project_id": CircleCIJob().project_id, "ref": "refs/heads/main",
                "ref_protected": "", "pipeline": CircleCIJob().pipeline_definition_id,
                "run_id": CircleCIJob().pipeline_id, "actor": CircleCIJob().user_id,
            },
        ),
        (
            "kubernetes",
            {
                "project": "builds/minter", "project_id": KubernetesPod().service_account_uid, "ref": "",
                "ref_protected": "", "pipeline": "mint-x7k2p", "run_id": KubernetesPod().pod_uid, "actor": "",
            },
        ),
    ],
)  # fmt: skip
def test_a_job_is_what_its_platform_documents(kind: str, expected: dict[str, str]) -> None:
    found = recorded(proven(kind))
    assert {name: found[name] for name in expected} == expected
    assert (found["issuer"], found["kind"], found["expires_at"]) == (kind, kind, NOW + 300)


def test_a_tag_is_not_the_branch_of_its_name() -> None:
    assert proven("buildkite", BuildkiteJob(branch="main", tag="main")).ref == "refs/tags/main"
    assert proven("gitlab", GitLabJob(ref="main", ref_type="tag")).ref == "refs/tags/main"


def test_a_claim_at_the_top_is_not_the_nested_one() -> None:
    """Tokens of the old kind have such claims, and one that a cluster could add must not stand for another."""
    flattened: dict[str, Any] = {"kubernetes.io/namespace": "prod", "kubernetes.io/serviceaccount/name": "deployer"}
    assert proven("kubernetes", **flattened).project == "builds/minter"
    with pytest.raises(InvalidToken, match="claims are missing"):
        proven("kubernetes", **{NESTED: None, **flattened})


def test_a_nested_name_cannot_reach_into_another_level() -> None:
    nested: Any = {"namespace": "builds", "serviceaccount": {"name": "minter"}, "serviceaccount/name": "admin"}
    assert proven("kubernetes", **{NESTED: nested}).project == "builds/minter"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", URLS)
@given(data=st.data())
def test_whatever_a_claim_holds_is_a_job_or_an_invalid_token(kind: str, data: st.DataObject) -> None:
    names = st.sampled_from(sorted({*KINDS[kind].claims, NESTED, "zzz"}))
    changes = data.draw(st.dictionaries(names, JSON, max_size=4))
    claims = token_claims(kind) | changes
    try:
        job = proven(kind, **claims)
    except InvalidToken:
        return
    assert all(type(value) is str for value in job.claims.values())
    assert all(len(value) <= MAX_CLAIM for value in job.claims.values())


@pytest.mark.parametrize(
    ("value", "read"),
    [("", ""), ("x" * MAX_CLAIM, "x" * MAX_CLAIM), ("x" * (MAX_CLAIM + 1), None), (True, "true"), (False, "false"),
     (0, "0"), (-4711, "-4711"), (10**MAX_CLAIM, None), (4711.0, None), (None, None),
     (["x"], None), ({"a": "b"}, None)],
)  # fmt: skip
def test_a_claim_is_read_if_it_is_a_short_text_a_whole_number_or_a_boolean(value: object, read: str | None) -> None:
    assert plain_claims({"claim": value}).get("claim") == read
