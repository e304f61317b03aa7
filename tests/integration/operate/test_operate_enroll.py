"""Enrollments: the state after the commands, and the names that they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model import names as ours
from fullsend.operate.model.edits import Edit
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend_sandbox import names

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


def test_a_repository_is_enrolled_without_letting_its_organization_in(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", "other-org/app", "--as-spelled")
    state = operator.state()
    assert state.environment["ALLOWED_ORGS"] == "octo-org"
    assert state.environment["PER_REPO_WIF_REPOS"] == "other-org/app"
    assert state.providers["github-oidc"].spec.condition.startswith("assertion.repository_owner == 'octo-org' && ")
    assert state.providers["gh-other-org-app"].spec.condition == "assertion.repository == 'other-org/app'"
    assert operator.doctor().exit_code == 0

    operator.done("mint", "unenroll", "other-org/app", "--yes")

    assert operator.state().environment["ALLOWED_ORGS"] == "octo-org"
    assert operator.doctor().exit_code == 0


def test_a_repository_does_not_take_over_the_provider_of_another(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", "octo-org/app", "--as-spelled")
    refused = operator.run("mint", "enroll", "octo/org-app", "--as-spelled")
    assert refused.exit_code == 2
    assert "belongs to octo-org/app" in refused.output


def test_the_case_of_a_name_is_githubs_whatever_was_typed(operator: Operator) -> None:
    operator.deploy()
    operator.world.github.create_org("MixedCase")
    operator.done("mint", "enroll", "mixedcase")
    assert "'MixedCase'" in operator.state().providers["github-oidc"].spec.condition


@pytest.mark.parametrize("variable", ["octo-org", "Octo-Org"])
def test_a_name_in_another_spelling_than_githubs_is_not_admitted_and_the_command_fixes_it(
    operator: Operator, variable: str
) -> None:
    operator.deploy()
    cloud = operator.cloud()
    with cloud.session:
        EditEnvironment(Edit(set_variables=(("ALLOWED_ORGS", variable),))).apply(cloud)
        provider = cloud.location.provider(ours.MINT_POOL, ours.PROVIDER)
        cloud.federation.set_condition(provider, "assertion.repository_owner == 'Octo-Org'")

    shown = operator.run("mint", "status", "Octo-Org")

    assert shown.exit_code == 3
    assert "The condition has Octo-Org, and GitHub sends octo-org, which gets 401" in shown.output
    fix = f"mint enroll octo-org --project {names.PROJECT_ID}"
    assert fix in shown.output
    operator.done(*fix.split())
    assert operator.run("mint", "status", "Octo-Org").exit_code == 0


def test_where_github_does_not_tell_the_spelling_the_environments_counts(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", "My-Private-Org", "--as-spelled")
    assert operator.run("mint", "status", "my-private-org").exit_code == 0


def test_the_command_for_who_is_not_enrolled_names_the_project(operator: Operator) -> None:
    operator.deploy()
    shown = operator.run("mint", "status", names.OTHER_ORG)
    assert shown.exit_code == 3
    assert f"Fix: fullsend mint enroll {names.OTHER_ORG} --project {names.PROJECT_ID}" in shown.output


def test_unenrolling_shuts_the_provider_and_the_environment(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", names.OTHER_ORG)
    operator.done("mint", "unenroll", names.OTHER_ORG, "--yes")
    state = operator.state()
    assert state.environment["ALLOWED_ORGS"] == names.ORG
    condition = state.providers["github-oidc"].spec.condition
    assert condition.startswith(
        f"assertion.repository_owner == '{names.ORG}' && assertion.repository_owner_id in ['"
    )
    assert json.loads(state.environment["ENROLLED_IDS"]).keys() == {names.ORG}
    assert operator.run("mint", "status", names.OTHER_ORG).exit_code == 3
    assert operator.run("mint", "status", names.ORG).exit_code == 0


def test_a_condition_over_googles_limit_is_refused_before_anything_is_written(operator: Operator) -> None:
    operator.deploy()
    orgs = [f"organization-with-a-long-name-{number:03}" for number in range(109)]
    operator.done("mint", "deploy", "--as-spelled", "--source", str(operator.source), "--org", ",".join(orgs))
    before = operator.plane.writes
    refused = operator.run("mint", "enroll", "x" * 39, "--as-spelled")
    assert refused.exit_code == 2
    assert "4096" in refused.output
    assert operator.plane.writes == before


def test_a_repository_of_an_enrolled_organization_is_said_to_be_covered_still(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", "octo-org/app", "--as-spelled")
    ended = operator.done("mint", "unenroll", "octo-org/app", "--yes")
    assert "octo-org/app can still mint: its organization octo-org is enrolled" in ended.stderr
    again = operator.done("mint", "unenroll", "octo-org/app", "--yes")
    assert "octo-org/app can still mint" in again.stderr
    operator.done("inference", "provision", "octo-org", "--as-spelled")
    operator.done("inference", "provision", "octo-org/app", "--as-spelled")
    ended = operator.done("inference", "deprovision", "octo-org/app", "--yes")
    assert "octo-org/app can still use models: its organization octo-org has access" in ended.stderr


def test_the_status_of_an_organization_with_only_its_repositories_enrolled_does_not_widen(
    operator: Operator,
) -> None:
    operator.deploy()
    operator.done("mint", "enroll", "other-org/app", "--as-spelled")
    shown = operator.run("mint", "status", names.OTHER_ORG)
    assert shown.exit_code == 3
    assert "other-org/app" in shown.stdout
    assert "Fix:" not in shown.stdout
    assert "To enroll all of it: fullsend mint enroll other-org" in shown.stdout


def test_the_status_of_a_name_that_github_does_not_show_advises_no_enrollment(operator: Operator) -> None:
    operator.deploy()
    shown = operator.run("mint", "status", "nosuch-org")
    assert shown.exit_code == 3
    assert "GitHub does not show an organization or user nosuch-org" in shown.stdout
    assert "Fix: Check the name." in shown.stdout
    assert "fullsend mint enroll" not in shown.stdout
    assert "enrolled id" not in shown.stdout
    known = operator.run("mint", "status", names.OTHER_ORG)
    assert f"Fix: fullsend mint enroll {names.OTHER_ORG}" in known.stdout


def test_a_name_that_another_account_took_over_is_shown(operator: Operator) -> None:
    operator.deploy()
    operator.world.github.rename_account(names.ORG, "new-name")
    operator.world.github.create_org(names.ORG)
    shown = operator.run("mint", "status", names.ORG)
    assert shown.exit_code == 3
    assert f"The name {names.ORG} now belongs to another account" in shown.stdout
    assert f"Fix: fullsend mint unenroll {names.ORG}" in shown.stdout


def test_an_organization_with_a_blank_is_refused_and_not_split(operator: Operator) -> None:
    refused = operator.run("mint", "deploy", "--source", str(operator.source), "--org", "octo org")
    assert refused.exit_code == 2
    assert "'octo org' is not an organization" in refused.stderr


def test_enrolling_says_that_the_apps_must_be_installed_there(operator: Operator) -> None:
    operator.deploy()
    done = operator.done("mint", "enroll", names.OTHER_ORG)
    assert f"{names.OTHER_ORG} is enrolled." in done.stderr
    assert "Install the App of each role there" in done.stderr
