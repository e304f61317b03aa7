"""Roles, organizations and rules in the environment, and the warnings at start."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintcore.policy.github_permissions import KNOWN
from mintcore.policy.names import Org, Role, parse_repo
from mintcore.policy.roles import BUILT_IN
from mintcore.policy.spelling import closest_name
from mintcore.settings.environment import read_hosted
from tests.unit.settings.environments import common, hosted, problems


def test_the_collision_of_a_custom_role_reads_as_the_contract_says() -> None:
    (problem,) = problems(CUSTOM_ROLE_PERMISSIONS='{"triage": {"contents": "read"}}')
    assert 'registering custom role permissions: custom role "triage" collides with built-in role' in problem


def test_a_custom_role_is_served_once_it_has_an_app() -> None:
    settings = common(CUSTOM_ROLE_PERMISSIONS='{"scanner": {"contents": "read"}}', ROLE_APP_IDS='{"scanner": "9"}')
    assert settings.custom_roles == ("scanner",)
    assert settings.policy.roles.names == ["scanner"]


def test_legacy_keys_are_ignored_with_a_warning() -> None:
    settings = common(ROLE_APP_IDS='{"octo-org/triage": "1", "triage": "2"}')
    assert settings.policy.roles.serves[Role("triage")].app.app_id == "2"
    assert settings.unhealthy == ""
    assert any("octo-org/triage" in warning for warning in settings.warnings)


def test_only_legacy_keys_make_the_mint_unhealthy_and_do_not_stop_it() -> None:
    settings = common(ROLE_APP_IDS='{"octo-org/triage": "1"}')
    assert "ROLE_APP_IDS" in settings.unhealthy
    assert settings.policy.roles.names == []


def test_fix_comes_with_coder() -> None:
    assert common().policy.roles.names == ["coder", "fix", "triage"]


def test_an_app_of_fix_is_ignored_with_a_warning() -> None:
    settings = common(ROLE_APP_IDS='{"coder": "1", "fix": "2"}')
    assert settings.policy.roles.serves[Role("fix")].app.app_id == "1"
    assert any("fix" in warning for warning in settings.warnings)


def test_a_role_without_permissions_is_not_served_with_a_warning() -> None:
    settings = common(ROLE_APP_IDS='{"mystery": "1", "triage": "2"}')
    assert settings.policy.roles.names == ["triage"]
    assert any("mystery" in warning for warning in settings.warnings)


def test_allowed_roles_are_the_only_ones_served() -> None:
    assert common(ALLOWED_ROLES=" triage , fix,").policy.roles.names == ["fix", "triage"]


@pytest.mark.parametrize("value", ["*", "octo-org,*", " * "])
def test_a_star_among_the_organizations_is_public_mode(value: str) -> None:
    assert common(ALLOWED_ORGS=value).policy.public


def test_organizations_are_compared_without_case() -> None:
    assert Org("OCTO-ORG") in (common(ALLOWED_ORGS=" Octo-Org ,, x ").policy.orgs or ())


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_organization_starts_with_a_warning_and_denies_all(value: str | None) -> None:
    settings = common(ALLOWED_ORGS=value)
    assert settings.policy.orgs == frozenset()
    assert any(warning.startswith("ALLOWED_ORGS") for warning in settings.warnings)


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_workflow_file_starts_with_a_warning_and_denies_all(value: str | None) -> None:
    settings = common(ALLOWED_WORKFLOW_FILES=value)
    assert settings.policy.workflow_files == frozenset()
    assert any(warning.startswith("ALLOWED_WORKFLOW_FILES") for warning in settings.warnings)


def test_a_missing_workflow_file_causes_no_warning_in_public_mode() -> None:
    assert common(ALLOWED_ORGS="*", ALLOWED_WORKFLOW_FILES=None, WORKFLOW_REFS="refs/heads/main").warnings == ()


def test_workflow_files_are_compared_without_case() -> None:
    assert common(ALLOWED_WORKFLOW_FILES="Triage.YML.yml").policy.workflow_files == frozenset({"triage.yml.yml"})


def test_a_star_among_the_enrolled_repositories_matches_nothing_and_warns() -> None:
    settings = common(PER_REPO_WIF_REPOS="*,octo-org/app")
    assert settings.policy.per_repo_repos == {parse_repo("octo-org/app")}
    assert any(warning.startswith("PER_REPO_WIF_REPOS") for warning in settings.warnings)


def test_host_repositories_replace_the_default() -> None:
    assert common(WORKFLOW_HOST_REPOS="A/B").policy.host_repos == {parse_repo("a/b")}


@pytest.mark.parametrize(
    ("given", "meant"),
    [("ALLOWED_ROLE", "ALLOWED_ROLES"), ("ALOWED_ORGS", "ALLOWED_ORGS"), ("REPO_SCOPES", "REPO_SCOPE"),
     ("PORT_", "PORT"), ("BINDS", "BIND"),
     ("HTTP_PROXY", ""), ("https_prox", ""), ("PATH", ""), ("RATE_LIMTI", "RATE_LIMIT")],
)  # fmt: skip
def test_a_name_one_letter_from_a_known_one_warns(given: str, meant: str) -> None:
    warnings = [warning for warning in common(**{given: "x"}).warnings if warning.startswith(f"{given} ")]
    assert [meant in warning for warning in warnings] == ([True] if meant else [])


@pytest.mark.parametrize(
    ("permission", "meant"),
    [("contnts", "contents"), ("issue", "issues"), ("pull_request", "pull_requests"), ("contents", ""),
     ("security_events", ""), ("actions_variables", ""), ("a_new_permission", "")],
)  # fmt: skip
def test_a_permission_one_letter_from_a_known_one_warns(permission: str, meant: str) -> None:
    custom = f'{{"scanner": {{"metadata": "read", "{permission}": "write"}}}}'
    settings = common(CUSTOM_ROLE_PERMISSIONS=custom, ROLE_APP_IDS='{"scanner": "1"}')
    assert [warning.partition("did you mean ")[2] for warning in settings.warnings] == (
        [f"{meant}?"] if meant else []
    )


def test_no_permission_of_a_built_in_role_looks_misspelled() -> None:
    assert {name for permissions in BUILT_IN.values() for name in permissions} <= KNOWN
    assert [name for name in KNOWN if closest_name(name, KNOWN - {name})] == []


def test_a_custom_role_without_an_app_is_not_served_with_a_warning() -> None:
    settings = common(CUSTOM_ROLE_PERMISSIONS='{"scanner": {"contents": "read"}}')
    assert "scanner" not in settings.policy.roles.serves
    (warning,) = settings.warnings
    assert warning.startswith("CUSTOM_ROLE_PERMISSIONS has the role scanner, which has no App")


def test_an_environment_from_before_the_protections_starts_with_warnings_and_the_old_reach() -> None:
    settings = common(ALLOWED_ORGS="*", REPO_SCOPE=None)
    assert settings.policy.scope_of(Role("coder")) == "organization"
    assert settings.policy.workflow_refs is None
    assert (settings.policy.default_level, settings.policy.grants, settings.mints_per_token) == ("write", False, 0)
    assert sorted(warning.split()[0] for warning in settings.warnings) == ["REPO_SCOPE", "WORKFLOW_REFS"]


OLD_DEPLOYMENT = {
    "ALLOWED_ORGS": "octo-org,solo-org",
    "ALLOWED_WORKFLOW_FILES": "triage.yml,coder.yml",
    "FULLSEND_REPO_ONLY_ORGS": "solo-org",
    "PER_REPO_WIF_REPOS": "solo-org/app",
    "ROLE_APP_IDS": '{"triage": "1", "coder": "2", "octo-org/coder": "3"}',
    "GCP_PROJECT_NUMBER": "123", "WIF_POOL_NAME": "fullsend-pool", "WIF_PROVIDER_NAME": "github-oidc",
    "MALLOC_ARENA_MAX": "2", "THREADS": "80", "FULLSEND_SOURCE_HASH": "abc",
}  # fmt: skip


def test_a_deployment_from_before_starts_and_serves_whom_it_served() -> None:
    settings = read_hosted(OLD_DEPLOYMENT).common
    assert settings.policy.orgs == frozenset({Org("octo-org"), Org("solo-org")})
    assert not settings.policy.is_enrolled_alone(parse_repo("solo-org/app"))
    assert settings.policy.default_scope == "organization"
    assert [warning.split()[0] for warning in settings.warnings] == ["ROLE_APP_IDS", "REPO_SCOPE"]


def test_a_scope_can_differ_per_role() -> None:
    policy = common(REPO_SCOPE='{"coder": "organization", "*": "caller"}').policy
    assert [policy.scope_of(Role(role)) for role in ("coder", "triage")] == ["organization", "caller"]


def test_roles_that_a_scope_per_role_leaves_out_keep_the_organization_and_warn() -> None:
    settings = common(REPO_SCOPE='{"coder": "caller", "codr": "caller"}')
    assert settings.policy.scope_of(Role("triage")) == "organization"
    assert [warning for warning in settings.warnings if '"*"' in warning]
    assert [warning for warning in settings.warnings if "codr" in warning]


def test_two_roles_that_would_share_a_grants_variable_are_a_problem() -> None:
    custom = '{"a-b": {"contents": "read"}, "a_b": {"contents": "read"}}'
    (problem,) = problems(GRANTS="1", CUSTOM_ROLE_PERMISSIONS=custom, ROLE_APP_IDS='{"a-b": 1, "a_b": 2}')
    assert problem.startswith("GRANTS is 1, and the roles a-b, a_b would share one variable")


def test_a_custom_role_can_have_levels_of_its_own() -> None:
    levels = {"read": {"contents": "read"}, "triage": {"contents": "read", "issues": "write"}}
    settings = common(
        CUSTOM_ROLE_PERMISSIONS=json.dumps({"scanner": {"levels": levels}}),
        ROLE_APP_IDS='{"scanner": "9"}',
        DEFAULT_LEVEL="read",
    )
    assert {
        name: dict(level) for name, level in settings.policy.roles.serves[Role("scanner")].levels.items()
    } == levels


def test_every_served_role_needs_the_default_level() -> None:
    (problem,) = problems(
        CUSTOM_ROLE_PERMISSIONS='{"scanner": {"levels": {"low": {"contents": "read"}}}}',
        ROLE_APP_IDS='{"scanner": "9"}',
    )
    assert problem.startswith("DEFAULT_LEVEL is 'write', which is not a level of scanner (scanner has low)")
    assert problem.endswith("DEFAULT_LEVEL=low")


def test_without_a_common_level_the_problem_says_where_to_define_one() -> None:
    (problem,) = problems(
        CUSTOM_ROLE_PERMISSIONS='{"scanner": {"levels": {"low": {"contents": "read"}}}}',
        ROLE_APP_IDS='{"scanner": "9", "coder": "10"}',
    )
    assert "Give the roles a common level in CUSTOM_ROLE_PERMISSIONS" in problem


@pytest.mark.parametrize(
    ("claim", "meant"),
    [("event_nam", "event_name"), ("event_name", ""), ("project_path", "")],
)
def test_a_required_claim_that_is_misspelled_warns(claim: str, meant: str) -> None:
    warnings = [warning for warning in common(REQUIRED_CLAIMS=f'{{"{claim}": ["x"]}}').warnings if claim in warning]
    assert [meant in warning for warning in warnings] == ([True] if meant else [])


def test_rules_that_only_report_warn_at_start() -> None:
    settings = common(REPORT_ONLY="ids,repo_scope")
    assert settings.policy.report_only == {"ids", "repo_scope"}
    assert [warning for warning in settings.warnings if warning.startswith("REPORT_ONLY")]


def test_settings_cannot_be_written_to() -> None:
    settings: Any = hosted()
    with pytest.raises(AttributeError):
        settings.sts_url = "https://evil.example.com"
