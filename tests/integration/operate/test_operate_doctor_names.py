"""Doctor and status report names that were renamed, taken over, or listed for single repositories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fullsend.operate.model import names as ours
from fullsend_sandbox import names
from tests.integration.operate.mint_variables import variables

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


def test_a_renamed_organization_is_not_asked_for_an_installation(operator: Operator) -> None:
    operator.deploy()
    operator.world.github.rename_account(names.ORG, "new-name")
    shown = operator.doctor()
    assert shown.exit_code == 3
    assert f"GitHub now knows {names.ORG} (id " in shown.stdout
    assert "as new-name" in shown.stdout
    assert "is not installed on" not in shown.stdout


def test_doctor_and_status_report_a_name_that_another_account_took_over(operator: Operator) -> None:
    operator.deploy()
    github = operator.world.github
    github.rename_account(names.ORG, "new-name")
    renamed = operator.run("mint", "status")
    assert (renamed.exit_code, "as new-name: its jobs are no longer admitted" in renamed.stdout) == (3, True)
    one = operator.run("mint", "status", names.ORG, "--json")
    assert (one.exit_code, json.loads(one.stdout)["renamed"]) == (3, True)

    github.create_org(names.ORG)
    shown = operator.doctor()
    assert shown.exit_code == 3
    assert "(name_taken_over)" in shown.stdout
    # An App on the new account would serve the wrong one.
    assert "is not installed on" not in shown.stdout
    taken = operator.run("mint", "status", "--json")
    assert taken.exit_code == 3
    assert [one["code"] for one in json.loads(taken.stdout)["changed_names"]] == ["name_taken_over"]


def test_an_organization_listed_for_single_repositories_is_not_to_be_enrolled(operator: Operator) -> None:
    operator.deploy()
    variables(
        operator.cloud(),
        ALLOWED_ORGS=f"{names.ORG},{names.OTHER_ORG}",
        FULLSEND_REPO_ONLY_ORGS=names.OTHER_ORG,
        PER_REPO_WIF_REPOS=f"{names.OTHER_ORG}/app",
    )
    shown = operator.doctor().stdout
    assert f"fullsend mint enroll {names.OTHER_ORG}/app" in shown
    assert f"fullsend mint enroll {names.OTHER_ORG} " not in shown


def test_an_organization_added_by_hand_that_the_pinned_ids_lock_out_is_found_and_let_in(operator: Operator) -> None:
    operator.deploy()
    cloud = operator.cloud()
    variables(cloud, ALLOWED_ORGS=f"{names.ORG},{names.OTHER_ORG}")
    condition = operator.state().providers["github-oidc"].spec.condition
    locked_out = condition.replace(f"== '{names.ORG}'", f"in ['{names.ORG}', '{names.OTHER_ORG}']")
    cloud.federation.set_condition(cloud.location.provider(ours.MINT_POOL, ours.PROVIDER), locked_out)
    assert "(condition_not_narrowed)" in operator.doctor().stdout
    operator.done("mint", "deploy", "--source", str(operator.source))
    assert "repository_owner_id" not in operator.state().providers["github-oidc"].spec.condition
    assert operator.doctor().exit_code == 0


def test_doctor_and_status_name_the_new_name_of_a_renamed_repository(operator: Operator) -> None:
    operator.deploy()
    people = operator.world.github.people
    operator.world.github.create_user("mona")
    people.make_owner("mona", names.ORG)
    owner = {"GH_TOKEN": people.classic_token("mona", ("admin:org", "repo"))}
    enrolled = operator.run("mint", "enroll", f"{names.ORG}/docs", **owner)
    assert enrolled.exit_code == 0, enrolled.output
    operator.world.github.rename_repo(f"{names.ORG}/docs", "papers")
    shown = operator.run("mint", "doctor", "--source", str(operator.source), **owner)
    assert f"as {names.ORG}/papers: its jobs are no longer admitted. (renamed)" in shown.stdout
    assert f"fullsend mint enroll {names.ORG}/papers" in shown.stdout
    one = operator.run("mint", "status", f"{names.ORG}/docs", **owner)
    assert (one.exit_code, f"as {names.ORG}/papers" in one.stdout) == (3, True)
    operator.world.github.create_repo(f"{names.ORG}/docs")
    taken = operator.run("mint", "status", **owner)
    assert (taken.exit_code, f"the enrolled repository is now {names.ORG}/papers" in taken.stdout) == (3, True)
