"""Which jobs of other CI systems match an entry."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.ci.buildkite import BuildkiteJob
from fullsend_sandbox.ci.circleci import CircleCIJob
from fullsend_sandbox.ci.gitlab import GitLabJob
from fullsend_sandbox.ci.kubernetes import KubernetesPod
from mintcore.policy import caller_rules, workflow_rules
from mintcore.policy.caller import JobCaller, WorkflowCaller
from mintcore.policy.caller_rules import match_job
from mintcore.policy.claims import check_token
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide, provider_id
from mintcore.settings.environment import read_standalone
from tests.job_doubles import ENVIRONMENT, JOBS, MATCHES, URLS, UUID, entry, proven, token_claims
from tests.mint_doubles import NOW
from tests.mint_doubles import caller as workflow_caller
from tests.unit.policy.callers_world import CODER, TRIAGE, asked, code, policy

if TYPE_CHECKING:
    from fullsend_sandbox.ci.issuer import CIJob


@pytest.mark.parametrize("kind", URLS)
def test_a_job_that_matches_acts_for_its_repository(kind: str) -> None:
    decision = asked(proven(kind))
    entitled, caller = decision.granted(), decision.acting_caller()
    assert isinstance(caller, JobCaller)
    assert (str(caller.repository), caller.entry.issuer, caller.job.kind) == ("acme/app", kind, kind)
    assert (str(entitled.target.org), entitled.repos, entitled.level) == ("acme", ("app",), "write")


NESTED = "acme/tools/app"
LOOK_ALIKES: list[tuple[str, CIJob, str]] = [
    # The paths of nested groups, look-alikes of them, and projects that took over a path.
    ("gitlab", GitLabJob(project_id="4712"), "project_id"),
    ("gitlab", GitLabJob(project_id="47110"), "project_id"),
    ("gitlab", GitLabJob(project_id="04711"), "project_id"),
    ("gitlab", GitLabJob(project_id=" 4711"), "project_id"),
    ("gitlab", GitLabJob(project_id="4711\n"), "project_id"),
    ("gitlab", GitLabJob(project_id="4\uff1711"), "project_id"),
    ("gitlab", GitLabJob(project=NESTED, project_id="9"), "project_id"),
    # Refs that are named like the protected one.
    ("gitlab", GitLabJob(protected=False), "ref_protected"),
    ("gitlab", GitLabJob(ref="main", ref_type="tag"), "ref_path"),
    ("gitlab", GitLabJob(ref="refs/heads/main"), "ref_path"),
    ("gitlab", GitLabJob(ref="main-2"), "ref_path"),
    ("gitlab", GitLabJob(ref="Main"), "ref_path"),
    ("gitlab", GitLabJob(ref="x/refs/heads/main"), "ref_path"),
    ("buildkite", BuildkiteJob(organization="acme-inc2"), "organization_slug"),
    ("buildkite", BuildkiteJob(organization="Acme-Inc"), "organization_slug"),
    ("buildkite", BuildkiteJob(pipeline="app-2"), "pipeline_slug"),
    ("buildkite", BuildkiteJob(organization="evil", pipeline="acme-inc"), "organization_slug"),
    ("buildkite", BuildkiteJob(branch="main", tag="main"), "sub"),
    ("buildkite", BuildkiteJob(branch="main2"), "sub"),
    ("buildkite", BuildkiteJob(branch="feature:ref:refs/heads/main"), "sub"),
    ("circleci", CircleCIJob(project_id=UUID), "oidc.circleci.com/project-id"),
    ("circleci", CircleCIJob(project_id=CircleCIJob().project_id.upper()), "oidc.circleci.com/project-id"),
    ("circleci", CircleCIJob(vcs_origin="github.com/fork/app"), "oidc.circleci.com/vcs-origin"),
    ("circleci", CircleCIJob(vcs_origin="github.com/acme/app2"), "oidc.circleci.com/vcs-origin"),
    ("circleci", CircleCIJob(vcs_ref="refs/tags/main"), "oidc.circleci.com/vcs-ref"),
    ("circleci", CircleCIJob(vcs_ref="refs/pull/1"), "oidc.circleci.com/vcs-ref"),
    ("circleci", CircleCIJob(vcs_origin=None), "oidc.circleci.com/vcs-origin"),
    ("kubernetes", KubernetesPod(namespace="builds2"), "kubernetes.io/namespace"),
    ("kubernetes", KubernetesPod(namespace="other"), "kubernetes.io/namespace"),
    ("kubernetes", KubernetesPod(service_account="minter2"), "kubernetes.io/serviceaccount/name"),
    ("kubernetes", KubernetesPod(namespace="builds/minter"), "kubernetes.io/namespace"),
    # A service account that was deleted and made again has the name, and another uid.
    ("kubernetes", KubernetesPod(service_account_uid=UUID), "kubernetes.io/serviceaccount/uid"),
]


@pytest.mark.parametrize(("kind", "job", "claim"), LOOK_ALIKES, ids=str)
def test_a_look_alike_matches_no_entry_and_learns_which_claim_failed(kind: str, job: CIJob, claim: str) -> None:
    decision = asked(proven(kind, job))
    denial = decision.denial
    assert denial is not None
    assert (denial.name, code(decision), decision.caller) == ("callers", "claims_not_allowed", None)
    index = list(URLS).index(kind)
    assert f"The closest is CALLERS[{index}], but " in denial.remedy
    assert f"{claim} is " in denial.remedy or f"the token has no {claim}" in denial.remedy


def test_a_nested_group_is_compared_as_a_whole() -> None:
    given = entry(match={"namespace_id": "7", "project_path": "acme/tools/*"})
    for project, expected in {
        "acme/tools/app": "granted",
        "acme/tools/deep/app": "granted",
        "acme/tools": "claims_not_allowed",
        "acme/toolsx/app": "claims_not_allowed",
        "evil/acme/tools/app": "claims_not_allowed",
        "acme/tools2/app": "claims_not_allowed",
    }.items():
        assert code(asked(proven("gitlab", GitLabJob(project=project, namespace_id="7")), given)) == expected


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.parametrize("claim", ["project", "first"])
def test_a_claim_that_is_missing_matches_nothing(kind: str, claim: str) -> None:
    given = MATCHES[kind] | {"first": min(MATCHES[kind], key=len), "project": min(MATCHES[kind])}
    job = proven(kind)
    without = {name: value for name, value in job.claims.items() if name != given[claim]}
    changed = type(job)(job.issuer, job.kind, job.project, claims=without)
    assert code(asked(changed)) == "claims_not_allowed"


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.parametrize("other", URLS)
def test_a_job_matches_only_entries_of_its_own_issuer(kind: str, other: str) -> None:
    """The claims of one kind, even with the other's names, meet no entry of another issuer."""
    job = proven(kind)
    merged = type(job)(other, other, job.project, claims={**job.claims, **MATCHES[kind]})
    expected = "granted" if kind == other else "claims_not_allowed"
    assert code(asked(merged, entry(kind))) == expected


def test_two_issuers_of_one_kind_are_kept_apart() -> None:
    job = proven("gitlab")
    elsewhere = type(job)("gitlab-two", "gitlab", job.project, claims=job.claims)
    decision = asked(elsewhere)
    assert code(decision) == "claims_not_allowed"
    assert decision.denial is not None
    assert "CALLERS has no entry for the issuer gitlab-two" in decision.denial.remedy


def test_the_first_entry_that_matches_and_has_the_role_decides() -> None:
    entries = (
        entry(match={"project_id": "9"}, **{"as": "acme/none"}),
        entry(roles=["triage"], **{"as": "acme/first"}),
        entry(roles=["coder"], **{"as": "acme/second"}),
        entry(roles=["coder", "triage"], **{"as": "acme/third"}),
    )
    job = proven("gitlab")
    assert str(asked(job, *entries).acting_caller().repository) == "acme/second"
    assert str(asked(job, *entries, role=TRIAGE).acting_caller().repository) == "acme/first"


def test_a_value_is_never_matched_as_a_part() -> None:
    """A prefix ends in a ``*``; without one, neither the beginning nor the middle of a value matches."""
    for wanted, expected in {
        "refs/heads/main": "granted",
        "refs/heads/*": "granted",
        "refs/heads/main*": "granted",
        "refs/heads": "claims_not_allowed",
        "heads/main": "claims_not_allowed",
        "refs/heads/mai": "claims_not_allowed",
        "refs/heads/main/": "claims_not_allowed",
        "REFS/heads/*": "claims_not_allowed",
    }.items():
        match = {"project_id": "4711", "ref_protected": "true", "ref_path": wanted}
        assert code(asked(proven("gitlab"), entry(match=match))) == expected


@pytest.mark.parametrize(("value", "expected"), [(True, "granted"), ("true", "granted"), (1, "claims_not_allowed")])
def test_a_boolean_is_compared_as_json_writes_it(value: Any, expected: str) -> None:
    assert code(asked(proven("gitlab", ref_protected=value))) == expected


@pytest.mark.parametrize("kind", URLS)
def test_the_provider_is_that_of_the_issuer(kind: str) -> None:
    given = policy(PER_REPO_WIF_REPOS="acme/app")
    assert provider_id(given, proven(kind), "github-oidc") == f"ci-{kind}"


def test_a_second_issuer_of_github_has_its_own_provider() -> None:
    issuers = '{"ghes": {"kind": "github", "url": "https://ghes.test"}}'
    common = read_standalone(ENVIRONMENT | {"ISSUERS": issuers}).common
    claims = {"repository": "acme/app", "repository_owner": "acme", "job_workflow_ref": "x", "nbf": int(NOW)}
    whole = token_claims("gitlab") | claims | {"iss": "https://ghes.test"}
    found = check_token(whole, common.issuers[0], NOW)
    assert isinstance(found, WorkflowCaller)
    assert provider_id(common.policy, found, "github-oidc") == "ci-ghes"


@pytest.mark.parametrize("kind", URLS)
def test_the_claims_of_github_in_another_issuers_token_name_no_repository(kind: str) -> None:
    github: dict[str, Any] = {
        "repository": "acme/lib",
        "repository_owner": "acme",
        "repository_id": "1",
        "repository_owner_id": "2",
        "job_workflow_ref": "acme/.fullsend/.github/workflows/triage.yml@refs/heads/main",
    }
    decision = asked(proven(kind, **github))
    assert (str(decision.acting_caller().repository), decision.granted().target.owner_id) == ("acme/app", "")
    assert not [rule for rule in decision.rules if rule.name.startswith("workflow")]


def test_a_workflow_meets_no_entry_whatever_its_claims() -> None:
    claims = {name: value for match in MATCHES.values() for name, value in match.items()}
    workflow = workflow_caller(**claims)
    decision = decide(policy(ALLOWED_ORGS="octo-org,acme"), workflow, TokenRequest(TRIAGE))
    assert decision.acting_caller() is workflow
    assert not [rule for rule in decision.rules if rule.name.startswith("callers")]


def test_the_types_keep_workflows_and_jobs_apart() -> None:
    """Mypy holds callers to these: no job enters a rule about workflows, no workflow a match with CALLERS."""
    takes = {
        (module.__name__.rpartition(".")[2], name): inspect.signature(rule).parameters
        for module in (workflow_rules, caller_rules)
        for name, rule in inspect.getmembers(module, inspect.isfunction)
        if rule.__module__ == module.__name__ and not name.startswith("_")
    }
    found = {
        (*key, parameter.annotation)
        for key, parameters in takes.items()
        for parameter in parameters.values()
        if parameter.name in {"caller", "job"}
    }
    assert found == {
        ("workflow_rules", "workflow_rules", "WorkflowCaller"),
        ("workflow_rules", "refs_rule", "WorkflowCaller"),
        ("caller_rules", "match_job", "Job"),
        ("caller_rules", "entries_of", "Job"),
        ("caller_rules", "failing", "Job"),
        ("caller_rules", "of_project", "Job"),
        ("caller_rules", "entry_role_rule", "JobCaller"),
        ("caller_rules", "entry_level_rule", "JobCaller"),
    }


def test_only_a_match_makes_a_caller_of_a_job() -> None:
    for kind, job in JOBS.items():
        assert match_job(policy(), proven(kind, job), CODER).caller is not None
    assert match_job(policy(entry("buildkite")), proven("gitlab"), CODER).caller is None
