from __future__ import annotations

from typing import Any

import pytest

from mintcore.errors import Denied, OrgNotAllowed, RoleNotAllowed, WorkflowNotAllowed
from mintcore.policy.levels import two_levels
from mintcore.policy.names import Role
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide, decide_status, provider_id, workflow_allowed
from tests.mint_doubles import caller, policy

TRIAGE = TokenRequest(Role("triage"))
CONFIG = "octo-org/.fullsend"
HOST = "fullsend-ai/fullsend"
OWN = "octo-org/app"


def workflow(host: str, file: str = "triage.yml", ref: str = "refs/heads/main") -> str:
    return f"{host}/.github/workflows/{file}@{ref}"


def verdict(given: dict[str, Any], asking: str, repository: str = OWN) -> str:
    decision = decide(policy(**given), caller(asking, repository), TRIAGE)
    return "allowed" if decision.denial is None else decision.denial.name


TIGHT: dict[str, tuple[dict[str, Any], str, str]] = {
    "the organization's own config repository": ({}, workflow(CONFIG), "allowed"),
    "config repository in other case": ({}, workflow("Octo-Org/.FullSend"), "allowed"),
    "allowed organizations in other case": ({"orgs": ["OCTO-ORG"]}, workflow(CONFIG), "allowed"),
    "a host repository": ({}, workflow(HOST), "allowed"),
    "a host repository in other case": ({}, workflow("Fullsend-AI/Fullsend"), "allowed"),
    "a host repository at a tag": ({}, workflow(HOST, ref="refs/tags/v1"), "allowed"),
    "a host repository at a pull request": ({}, workflow(HOST, ref="refs/pull/3/merge"), "allowed"),
    "another host repository that is listed": ({"hosts": ["a/b", "c/d"]}, workflow("c/d"), "allowed"),
    "the default host where others are listed": ({"hosts": ["a/b"]}, workflow(HOST), "workflow_repo"),
    "the repository's own, enrolled": ({"per_repo": [OWN]}, workflow(OWN), "allowed"),
    "the repository's own, enrolled in other case": ({"per_repo": ["Octo-Org/APP"]}, workflow(OWN), "allowed"),
    "the repository's own, not enrolled": ({}, workflow(OWN), "workflow_repo"),
    "another enrolled repository's": (
        {"per_repo": ["octo-org/docs", OWN]}, workflow("octo-org/docs"), "workflow_repo",
    ),
    "enrollment is not for its sibling": ({"per_repo": ["octo-org/docs"]}, workflow(OWN), "workflow_repo"),
    "config repository of another organization": ({}, workflow("other-org/.fullsend"), "workflow_repo"),
    "config repository of a look-alike": ({}, workflow("octo-orgg/.fullsend"), "workflow_repo"),
    "a repository that begins like the config's": ({}, workflow("octo-org/.fullsend-evil"), "workflow_repo"),
    "a repository that begins like the host's": ({}, workflow("fullsend-ai/fullsend-evil"), "workflow_repo"),
    "an owner that ends like the host's": ({}, workflow("evil-fullsend-ai/fullsend"), "workflow_repo"),
    "a file that is not listed": ({}, workflow(CONFIG, "other.yml"), "workflow_file"),
    "a file that ends like a listed one": ({}, workflow(CONFIG, "my-triage.yml"), "workflow_file"),
    "a file that begins like a listed one": ({}, workflow(CONFIG, "triage.yml.yml"), "workflow_file"),
    "a file with the other ending": ({}, workflow(CONFIG, "triage.yaml"), "workflow_file"),
    "a file in other case": ({}, workflow(CONFIG, "Triage.yml"), "allowed"),
    "a file with a look-alike letter": ({"files": ["\u212a.yml"]}, workflow(CONFIG, "k.yml"), "workflow_file"),
    "any file where any is allowed": ({"files": None}, workflow(CONFIG, "other.yml"), "allowed"),
    "no file where none is listed": ({"files": []}, workflow(CONFIG), "workflow_file"),
    "any file, wrong repository": ({"files": None}, workflow("evil/evil"), "workflow_repo"),
    "a host's file that is not listed": ({}, workflow(HOST, "other.yml"), "workflow_file"),
    "an organization that is not listed": ({"orgs": ["other-org"]}, workflow(CONFIG), "org"),
    "no organization at all": ({"orgs": []}, workflow(CONFIG), "org"),
    "a reference that is none": ({}, "nonsense", "workflow_ref"),
    "@ inside the file name": (
        {}, "octo-org/.fullsend/.github/workflows/triage.yml@x.yml@refs/heads/main", "workflow_ref",
    ),
    "a role that is not served": ({"apps": {"coder": "1"}}, workflow(CONFIG), "role"),
}  # fmt: skip

PUBLIC: dict[str, tuple[dict[str, Any], str, str]] = {
    "a host repository": ({}, workflow(HOST), "allowed"),
    "a host repository, any file": ({}, workflow(HOST, "anything.yaml"), "allowed"),
    "a host repository, any file though files are listed": (
        {"files": ["a.yml"]},
        workflow(HOST, "b.yml"),
        "allowed",
    ),
    "a host repository, no files listed": ({"files": []}, workflow(HOST), "allowed"),
    "a host repository, any ref": ({}, workflow(HOST, ref="refs/pull/9/merge"), "allowed"),
    "a host repository, any commit": ({}, workflow(HOST, ref="a" * 40), "allowed"),
    "a ref that is none": ({}, workflow(HOST, ref="main"), "workflow_ref"),
    "the organization's own config repository": ({}, workflow(CONFIG), "workflow_repo"),
    "the repository's own": ({}, workflow(OWN), "workflow_repo"),
    "the repository's own though enrolled": ({"per_repo": [OWN]}, workflow(OWN), "workflow_repo"),
    "another host repository": ({"hosts": ["a/b"]}, workflow(HOST), "workflow_repo"),
    "a role that is not served": ({"apps": {"coder": "1"}}, workflow(HOST), "role"),
}


@pytest.mark.parametrize(("given", "asking", "expected"), TIGHT.values(), ids=TIGHT.keys())
def test_tight_mode(given: dict[str, Any], asking: str, expected: str) -> None:
    assert verdict(given, asking) == expected


@pytest.mark.parametrize(("given", "asking", "expected"), PUBLIC.values(), ids=PUBLIC.keys())
@pytest.mark.parametrize("repository", [OWN, "somebody/else"])
def test_public_mode(given: dict[str, Any], asking: str, expected: str, repository: str) -> None:
    assert verdict({"orgs": None, **given}, asking, repository) == expected


def test_the_first_rule_in_the_contracts_order_is_the_one_the_caller_hears_of() -> None:
    given = policy(orgs=["other-org"], apps={"coder": "1"})
    with pytest.raises(OrgNotAllowed):
        decide(given, caller(workflow("evil/evil", "evil.yml")), TRIAGE).require()
    with pytest.raises(WorkflowNotAllowed):
        decide(policy(apps={"coder": "1"}), caller(workflow("evil/evil")), TRIAGE).require()
    with pytest.raises(RoleNotAllowed):
        decide(policy(apps={"coder": "1"}), caller(workflow(CONFIG)), TRIAGE).require()


def test_a_decision_holds_every_rule_even_after_one_failed() -> None:
    decision = decide(policy(orgs=[]), caller(), TRIAGE)
    assert [(rule.name, rule.passed) for rule in decision.rules] == [
        ("org", False), ("workflow_repo", True), ("workflow_file", True), ("role", True), ("level", True),
        ("permissions", True), ("claims", True), ("ids", True), ("workflow_refs", True), ("repo_scope", True),
    ]  # fmt: skip


def test_an_allowed_decision_requires_nothing() -> None:
    decision = decide(policy(), caller(), TRIAGE)
    decision.require()
    assert decision.allowed


@pytest.mark.parametrize("given", [{"orgs": ["secret-org", "hidden-org"]}, {"orgs": []}])
def test_a_denied_caller_learns_nothing_of_other_organizations(given: dict[str, Any]) -> None:
    with pytest.raises(Denied) as denied:
        decide(policy(**given), caller(), TRIAGE).require()
    assert "secret-org" not in str(denied.value) + denied.value.public
    assert "hidden-org" not in str(denied.value) + denied.value.public


def test_a_denied_caller_learns_nothing_of_repositories_enrolled_elsewhere() -> None:
    with pytest.raises(Denied) as denied:
        decide(policy(per_repo=["secret-org/x"]), caller(workflow("evil/evil")), TRIAGE).require()
    assert "secret-org" not in str(denied.value) + denied.value.public


def test_status_asks_for_the_organization_alone() -> None:
    assert decide_status(policy(), caller("nonsense")).allowed
    assert not decide_status(policy(orgs=[]), caller()).allowed
    assert decide_status(policy(orgs=None), caller("nonsense", "any/one")).allowed


@pytest.mark.parametrize(
    ("asking", "allowed"), [(workflow(CONFIG), True), (workflow("evil/x"), False), ("x", False)]
)
def test_status_says_whether_the_workflow_would_be_trusted(asking: str, allowed: bool) -> None:
    assert workflow_allowed(policy(), caller(asking)) is allowed


def test_a_grant_is_the_roles_app_and_permissions() -> None:
    grant = decide(policy(), caller(), TRIAGE).granted()
    assert (grant.app.app_id, grant.app.key_role) == ("1", "triage")
    assert dict(grant.permissions) == {"contents": "read", "issues": "write", "metadata": "read"}


def test_an_enrolled_repository_has_a_provider_of_its_own() -> None:
    given = policy(per_repo=["Octo-Org/App"])
    assert provider_id(given, caller(repository="octo-org/app"), "github-oidc") == "gh-octo-org-app"
    assert provider_id(given, caller(repository="octo-org/other"), "github-oidc") == "github-oidc"


def test_a_custom_role_is_decided_on_like_any_other() -> None:
    scanner = Role("scanner")
    given = policy(apps={"scanner": "9"}, custom={scanner: two_levels({"contents": "read"})})
    assert decide(given, caller(), TokenRequest(scanner)).allowed
