"""Each protection is a check of the explanation, with its remedy for the operator."""

from __future__ import annotations

from typing import Any

import pytest

from fullsend.explain.checks import Check, Outcome
from fullsend.explain.claims_file import GivenClaims
from fullsend.explain.configuration import configured
from fullsend.explain.trace import explain
from tests.mint_doubles import NOW, claims
from tests.unit.explain.explained_mint import ENVIRONMENT

PROTECTED = ENVIRONMENT | {
    "ALLOWED_ORGS": "octo-org",
    "PER_REPO_WIF_REPOS": "third/app",
    "REPO_SCOPE": "caller",
    "WORKFLOW_REFS": "refs/heads/main,commits",
    "REQUIRED_CLAIMS": '{"event_name": ["push"]}',
    "ENROLLED_IDS": '{"octo-org": "1"}',
    "WORKFLOW_HOST_REPOS": "hosts/flows",
}


FLOW = "hosts/flows/.github/workflows/triage.yml"


def protected(
    repos: tuple[str, ...] = (), place: str = "", variables: Any = None, **changes: Any
) -> dict[str, Check]:
    further: dict[str, Any] = {
        name: changes.pop(name) for name in ("level", "permissions", "target_org") if name in changes
    }
    given = {"job_workflow_ref": f"{FLOW}@refs/heads/main", "event_name": "push", "repository_owner_id": "1"}
    mint = configured(PROTECTED | (variables or {}), "F", place=place)
    result = explain(GivenClaims(claims(**given | changes)), "coder", repos, mint, now=NOW, further=further)
    return {check.name: check for check in result.checks}


@pytest.mark.parametrize(
    ("changes", "rule", "code", "says"),
    [
        ({"event_name": "schedule"}, "claims", "claims_not_allowed", "REQUIRED_CLAIMS"),
        ({"repository_owner_id": "2"}, "ids", "org_not_allowed", "Find out who owns the name now"),
        ({"job_workflow_ref": f"{FLOW}@refs/heads/x"}, "workflow_refs", "workflow_not_allowed",
         "Set WORKFLOW_REFS=refs/heads/main,commits,refs/heads/x."),
        ({"job_workflow_ref": f"{FLOW}@refs/pull/1/merge"}, "workflow_refs", "workflow_not_allowed", "call the"),
        ({"repos": ("docs",)}, "repo_scope", "scope_not_allowed", "Set GRANTS=1."),
        ({"repos": ("docs",), "repository": "third/app", "repository_owner": "third"}, "repo_scope",
         "scope_not_allowed", "Add third to ALLOWED_ORGS."),
        ({"repos": ("docs",), "target_org": "third"}, "target_org", "grants_not_enabled", "Set GRANTS=1."),
        ({"level": "full"}, "level", "invalid_level", "read, write"),
        ({"permissions": {"secrets": "read"}}, "permissions", "permissions_not_allowed", "secrets:read"),
        ({"permissions": {}}, "request", "invalid_permissions", "empty"),
        ({"target_org": "third"}, "request", "invalid_repos", "target_org"),
    ],
)  # fmt: skip
def test_each_protection_is_a_check_with_its_remedy_for_the_operator(
    changes: dict[str, Any], rule: str, code: str, says: str
) -> None:
    found = protected(**changes)
    assert [name for name, check in found.items() if check.outcome is Outcome.FAILED][:1] == [rule]
    assert found[rule].code == code
    assert says in found[rule].change


def test_a_remedy_for_a_deployed_mint_is_a_command() -> None:
    found = protected(("docs",), "--project p")
    assert "fullsend mint deploy --env GRANTS=1 --project p" in found["repo_scope"].change


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"job_workflow_ref": f"{FLOW}@{'a' * 40}"}, "workflow_refs"),
     ({"repos": ("docs",), "variables": {"GRANTS": "1"}}, "repo_scope"),
     ({"repos": ("x",), "target_org": "third", "variables": {"GRANTS": "1"}}, "target_org")],
)  # fmt: skip
def test_what_only_github_can_answer_is_not_checked(changes: dict[str, Any], rule: str) -> None:
    found = protected(**changes)
    assert found[rule].outcome is Outcome.NOT_CHECKED
    assert not [check for check in found.values() if check.outcome is Outcome.FAILED]


def test_a_rule_that_only_reports_would_deny() -> None:
    found = protected(("docs",), variables={"REPORT_ONLY": "repo_scope"})
    assert found["repo_scope"].outcome is Outcome.WOULD_DENY
    assert found["repo_scope"].fields()["code"] == "scope_not_allowed"
