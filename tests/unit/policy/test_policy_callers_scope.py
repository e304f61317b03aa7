"""Which role, level and repositories an entry allows the job that it matches."""

from __future__ import annotations

from typing import Any

import pytest

from fullsend_sandbox.ci.gitlab import GitLabJob
from mintcore.policy.levels import READ
from mintcore.policy.names import Org, Role
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from tests.job_doubles import entry, proven
from tests.unit.policy.callers_world import CODER, asked, code, policy


def test_a_role_that_no_matching_entry_has_is_denied_as_such() -> None:
    decision = asked(proven("gitlab"), entry(roles=["triage"]))
    assert (code(decision), decision.denial and decision.denial.name) == ("role_not_allowed", "callers_role")
    assert decision.denial is not None
    assert "CALLERS[0] does not allow this job the role coder; it allows triage" in decision.denial.remedy
    assert code(asked(proven("gitlab"), entry(roles=["review"]), role=Role("review"))) == "role_not_allowed"


@pytest.mark.parametrize(
    ("level", "named", "expected", "got"),
    [
        ("", None, "granted", "write"),
        ("read", None, "granted", "read"),
        ("read", "read", "granted", "read"),
        ("read", "write", "permissions_not_allowed", ""),
        ("write", None, "granted", "write"),
        ("write", "read", "granted", "read"),
        ("read", "full", "invalid_level", ""),
        ("", "full", "invalid_level", ""),
    ],
)
def test_the_level_of_an_entry_is_the_highest_and_the_default(
    level: str, named: str | None, expected: str, got: str
) -> None:
    decision = asked(proven("gitlab"), entry(level=level or None), level=named)
    assert code(decision) == expected
    assert not got or decision.granted().level == got


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ({"contents": "read"}, "granted"),
        ({"contents": "write"}, "permissions_not_allowed"),
        ({"secrets": "read"}, "permissions_not_allowed"),
    ],
)
def test_permissions_are_within_the_level_of_the_entry(permissions: Any, expected: str) -> None:
    assert code(asked(proven("gitlab"), entry(level="read"), permissions=permissions)) == expected


def test_a_level_above_is_denied_even_with_permissions_within() -> None:
    job = proven("gitlab")
    assert code(asked(job, entry(level=READ), level="write", permissions={"contents": "read"})) == (
        "permissions_not_allowed"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ALLOWED_ORGS": "other"}, "org_not_allowed"),
        ({"ALLOWED_ORGS": "ACME"}, "granted"),
        ({"ALLOWED_ORGS": "*"}, "granted"),
        ({"ALLOWED_ORGS": "other", "PER_REPO_WIF_REPOS": "acme/app"}, "granted"),
        ({"ALLOWED_ORGS": "other", "PER_REPO_WIF_REPOS": "acme/lib"}, "org_not_allowed"),
        ({"ALLOWED_WORKFLOW_FILES": "none.yml"}, "granted"),
        ({"WORKFLOW_REFS": "refs/heads/none"}, "granted"),
        ({"REQUIRED_CLAIMS": '{"event_name": ["push"]}'}, "claims_not_allowed"),
        ({"REQUIRED_CLAIMS": '{"pipeline_source": ["push"]}'}, "granted"),
        ({"ENROLLED_IDS": '{"other": 7, "acme/lib": 8}'}, "granted"),
        ({"REPORT_ONLY": "claims,ids,repo_scope,workflow_refs"}, "granted"),
    ],
)
def test_the_rules_about_repositories_hold_and_those_about_workflows_do_not(
    changes: dict[str, Any], expected: str
) -> None:
    assert code(asked(proven("gitlab"), **changes)) == expected


def test_no_setting_makes_the_entry_only_report() -> None:
    job = proven("gitlab", GitLabJob(protected=False))
    assert code(asked(job, REPORT_ONLY="claims,ids,repo_scope,workflow_refs")) == "claims_not_allowed"


@pytest.mark.parametrize(
    ("scope", "repos", "expected"),
    [
        ("", (), "granted"),
        ("", ("app",), "granted"),
        ("", ("App", ".fullsend"), "granted"),
        ("", ("lib",), "scope_not_allowed"),
        ("caller", ("lib",), "scope_not_allowed"),
        ("organization", ("lib",), "granted"),
        ('{"coder": "organization", "*": "caller"}', ("lib",), "granted"),
        ('{"triage": "organization"}', ("lib",), "scope_not_allowed"),
    ],
)
def test_a_job_reaches_what_its_repository_reaches(scope: str, repos: tuple[str, ...], expected: str) -> None:
    assert code(asked(proven("gitlab"), repos=repos, REPO_SCOPE=scope)) == expected


def test_report_only_does_not_widen_a_job() -> None:
    assert code(asked(proven("gitlab"), repos=("lib",), REPORT_ONLY="repo_scope")) == "scope_not_allowed"


def test_a_job_never_has_the_whole_installation_where_the_scope_is_its_own() -> None:
    decision = decide(policy(), proven("gitlab"), TokenRequest(CODER, everything=True))
    assert code(decision) == "scope_not_allowed"
    assert asked(proven("gitlab")).granted().repos == ("app",)


def test_another_organization_needs_a_grant_as_for_a_workflow() -> None:
    job, other = proven("gitlab"), Org("other")
    assert code(asked(job, repos=("x",), target_org=other)) == "grants_not_enabled"
    question = asked(job, repos=("x",), target_org=other, GRANTS="1").question
    assert question is not None
