"""Roles, keys and enrollments: what the commands leave behind, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model import names as ours
from fullsend.operate.model.edits import Edit
from fullsend.operate.plan.role_changes import fingerprint
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend_sandbox import names
from mintcore.policy.names import Role
from mintcore.secret import Secret

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


def test_a_role_is_added_with_its_key_and_removed_with_it(operator: Operator) -> None:
    operator.deploy()
    app = str(operator.world.apps["coder"].id)
    operator.done("mint", "add-role", "coder", "--app-id", app, "--pem", str(operator.pem("coder")))
    assert json.loads(operator.state().environment["ROLE_APP_IDS"])["coder"] == app
    assert operator.doctor().exit_code == 0

    operator.done("mint", "remove-role", "coder", "--yes")

    state = operator.state()
    assert "coder" not in json.loads(state.environment["ROLE_APP_IDS"])
    assert "fullsend-coder-app-pem" not in operator.world.secret_manager.secrets()


def test_an_app_without_the_permissions_of_the_role_is_refused_and_they_are_named(operator: Operator) -> None:
    operator.deploy()
    before = operator.plane.writes
    app = str(operator.world.apps["triage"].id)
    refused = operator.run("mint", "add-role", "retro", "--app-id", app, "--pem", str(operator.pem("triage")))
    assert refused.exit_code == 2
    assert "actions:read, pull_requests:write" in refused.output
    assert operator.plane.writes == before


def test_a_role_that_uses_anothers_app_is_told_apart_from_one_that_there_is_not(operator: Operator) -> None:
    operator.deploy("--role", operator.role("coder"))
    before = operator.plane.writes
    pem = ("--pem", str(operator.pem("coder")))
    rotated = operator.run("mint", "rotate-key", "fix", *pem)
    assert rotated.exit_code == 2
    assert "The role fix has no App of its own: it uses coder's" in rotated.stderr
    assert f"fullsend mint rotate-key coder --pem FILE.pem --project {names.PROJECT_ID}" in rotated.stderr
    removed = operator.run("mint", "remove-role", "fix", "--dry-run")
    assert removed.exit_code == 2
    fix = f"mint deploy --project {names.PROJECT_ID} --env ALLOWED_ROLES=coder,triage"
    assert f"fullsend {fix} serves the others without fix." in removed.stderr
    assert operator.plane.writes == before

    operator.done(*fix.split(), "--source", str(operator.source))

    again = operator.done("mint", "remove-role", "fix", "--dry-run")
    assert again.stdout == f"Nothing to do in {names.PROJECT_ID}. The mint has no role fix.\n"


@pytest.mark.parametrize(("allowed", "role"), [("triage", "triage"), ("fix", "fix")])
def test_the_last_name_in_the_list_of_roles_to_serve_stays_since_without_one_all_are_served(
    operator: Operator, allowed: str, role: str
) -> None:
    operator.deploy("--role", operator.role("coder"))
    operator.done("mint", "deploy", "--source", str(operator.source), "--env", f"ALLOWED_ROLES={allowed}")
    before = operator.plane.writes

    refused = operator.run("mint", "remove-role", role, "--yes")

    assert refused.exit_code == 2
    assert "would serve every role that has an App" in refused.stderr
    assert "fullsend mint deploy --env ALLOWED_ROLES=coder" in refused.stderr
    assert "fullsend mint delete" in refused.stderr
    assert operator.plane.writes == before
    assert operator.state().environment["ALLOWED_ROLES"] == allowed


def test_a_custom_role_takes_its_permissions_along(operator: Operator) -> None:
    operator.deploy()
    app = str(operator.world.apps["retro"].id)
    words = ("mint", "add-role", "scanner", "--app-id", app, "--pem", str(operator.pem("retro")))
    assert operator.run(*words).exit_code == 2

    misspelled = operator.run(*words, "--permission", "contnets:read")
    assert misspelled.exit_code == 2
    assert "nor any built-in role has a permission contnets" in misspelled.stderr
    assert "Did you mean contents?" in misspelled.stderr

    operator.done(*words, "--permission", "contents:read")

    assert json.loads(operator.state().environment["CUSTOM_ROLE_PERMISSIONS"]) == {"scanner": {"contents": "read"}}


def test_a_rotated_key_is_in_use_before_the_old_one_is_disabled(operator: Operator) -> None:
    operator.deploy()
    new = operator.pem("new")
    new.write_bytes(operator.world.github.rotate_key(operator.world.apps["triage"], keep_old=True))

    operator.done("mint", "rotate-key", "triage", "--pem", str(new))

    state = operator.state()
    assert state.serving_environment["FULLSEND_KEY_TRIAGE"] == fingerprint(Secret(new.read_text()))
    versions = state.secrets[Role("triage")].versions or ()
    assert [(one.number, one.state) for one in versions] == [(2, "ENABLED"), (1, "DISABLED")]


@pytest.mark.parametrize("rotated", [False, True])
def test_rotating_to_the_key_in_use_changes_nothing_and_advises_to_delete_nothing(
    operator: Operator, *, rotated: bool
) -> None:
    operator.deploy()
    pem = operator.pem("triage")
    if rotated:
        pem.write_bytes(operator.world.github.rotate_key(operator.world.apps["triage"], keep_old=True))
        operator.done("mint", "rotate-key", "triage", "--pem", str(pem))
    before, revision = operator.plane.writes, operator.state().service

    again = operator.done("mint", "rotate-key", "triage", "--pem", str(pem))

    assert "is the key in use already" in again.output
    assert "elete" not in again.output
    assert operator.plane.writes == before
    assert operator.state().service == revision


def test_a_rotation_that_stopped_once_the_key_was_stored_goes_on(operator: Operator) -> None:
    operator.deploy()
    new = operator.pem("new")
    new.write_bytes(operator.world.github.rotate_key(operator.world.apps["triage"], keep_old=True))
    cloud = operator.cloud()
    with cloud.session:
        cloud.secrets.add_version(cloud.location.secret(Role("triage")), Secret(new.read_text()))

    operator.done("mint", "rotate-key", "triage", "--pem", str(new))

    state = operator.state()
    assert state.serving_environment["FULLSEND_KEY_TRIAGE"] == fingerprint(Secret(new.read_text()))
    versions = state.secrets[Role("triage")].versions or ()
    assert [(one.number, one.state) for one in versions] == [(2, "ENABLED"), (1, "DISABLED")]


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
    shown = operator.run("mint", "status", "nosuch")
    assert shown.exit_code == 3
    assert f"Fix: fullsend mint enroll nosuch --project {names.PROJECT_ID}" in shown.output


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("enroll", "no spaces"), "is not an organization"),
        (("enroll", "a/b/c"), "is not a repository"),
        (("add-role", "Coder", "--app-id", "1", "--use-existing-secret"), "starts with a lowercase letter"),
        (("add-role", "coder", "--app-id", "Iv23", "--use-existing-secret"), "which is a number"),
        (("enroll", "x", "--project", "My Project"), "is not a project id"),
        (("enroll", "x", "--region", "moon"), "is not a region"),
    ],
)
def test_a_bad_name_is_refused_with_its_rule_before_any_call(
    operator: Operator, words: tuple[str, ...], said: str
) -> None:
    refused = operator.run("mint", *words)
    assert refused.exit_code == 2
    assert said in refused.output
    assert all(len(service.traffic) == 0 for service in operator.plane.services())


def test_an_expired_login_says_how_to_log_in(operator: Operator) -> None:
    operator.plane.expire_login()
    refused = operator.run("mint", "status", "--project", names.PROJECT_ID)
    assert refused.exit_code == 1
    assert "gcloud auth application-default login" in refused.output


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("iam.workloadIdentityPoolProviders.update", "roles/iam.workloadIdentityPoolAdmin"),
        ("run.services.update", "roles/run.admin"),
        ("iam.serviceAccounts.actAs", "roles/iam.serviceAccountUser"),
    ],
)
def test_a_missing_permission_names_the_role_that_has_it(operator: Operator, permission: str, role: str) -> None:
    operator.deploy()
    operator.plane.deny(permission)
    refused = operator.run("mint", "enroll", names.OTHER_ORG)
    assert refused.exit_code == 1
    assert permission in refused.output
    assert f"--role={role}" in refused.output


def test_inference_is_provisioned_shown_and_taken_away(operator: Operator) -> None:
    operator.done("inference", "provision", "octo-org/app", "--as-spelled")
    shown = operator.done("inference", "status", "octo-org/app", "--format", "env")
    assert f"FULLSEND_GCP_PROJECT_ID={names.PROJECT_ID}" in shown.stdout
    operator.done("inference", "provision", names.OTHER_ORG)

    operator.done("inference", "deprovision", "octo-org/app", "--yes")

    shown = operator.run("inference", "status", "octo-org/app")
    assert shown.exit_code == 3
    assert f"fullsend inference provision octo-org/app --project {names.PROJECT_ID}" in shown.stderr
    assert operator.run("inference", "status", names.OTHER_ORG).exit_code == 0
    cloud = operator.cloud()
    with cloud.session:
        (left,) = cloud.project.members("roles/aiplatform.user")
    assert left.endswith(f"/workloadIdentityPools/fullsend-inference/attribute.repository_owner/{names.OTHER_ORG}")


def test_of_two_spellings_of_a_name_the_last_one_provisioned_may_use_models(operator: Operator) -> None:
    operator.done("inference", "provision", "Octo-ORG/lib", "--as-spelled")
    operator.done("inference", "provision", "Octo-ORG", "--as-spelled")

    operator.done("inference", "provision", "octo-org", "--as-spelled")

    shown = json.loads(operator.done("inference", "status", "octo-org", "--json").stdout)
    assert shown["condition"] == "assertion.repository_owner == 'octo-org'"
    cloud = operator.cloud()
    with cloud.session:
        members = cloud.project.members("roles/aiplatform.user")
    assert sorted(member.partition("/attribute.")[2] for member in members) == [
        "repository/Octo-ORG/lib",
        "repository_owner/octo-org",
    ]
    again = operator.done("inference", "provision", "octo-org", "--as-spelled")
    assert "octo-org can use models already." in again.stderr


def test_a_binding_in_another_spelling_than_the_condition_is_not_healthy_and_goes_with_the_other(
    operator: Operator,
) -> None:
    operator.done("inference", "provision", "Octo-ORG", "--as-spelled")
    operator.done("inference", "provision", names.OTHER_ORG)
    cloud = operator.cloud()
    with cloud.session:
        (bound,) = (one for one in cloud.project.members("roles/aiplatform.user") if one.endswith("/Octo-ORG"))
        provider = cloud.location.provider(ours.INFERENCE_POOL, ours.PROVIDER)
        cloud.federation.set_condition(provider, "assertion.repository_owner in ['octo-org', 'other-org']")

        shown = operator.run("inference", "status", "octo-org", "--json")
        assert shown.exit_code == 3
        found = json.loads(shown.stdout)
        assert (found["granted"], found["admitted"]) == (True, False)

        cloud.project.grant("roles/aiplatform.user", bound.replace("Octo-ORG", "octo-org"))
        assert operator.run("inference", "status", "octo-org").exit_code == 0

        operator.done("inference", "deprovision", "OCTO-org", "--yes")

        (left,) = cloud.project.members("roles/aiplatform.user")
        found_provider = cloud.federation.provider(provider)
    assert left.endswith(f"/{names.OTHER_ORG}")
    assert found_provider is not None
    assert found_provider.spec.condition == f"assertion.repository_owner == '{names.OTHER_ORG}'"


@pytest.mark.parametrize("foreign", ["repository/not-a-repo", "repository_owner/no one", "repository/a/b/c"])
def test_a_binding_without_members_stops_no_inference_command(operator: Operator, foreign: str) -> None:
    operator.done("inference", "provision", names.ORG)
    pool = f"projects/{names.PROJECT_NUMBER}/locations/global/workloadIdentityPools/fullsend-inference"
    stranger = f"principalSet://iam.googleapis.com/{pool}/attribute.{foreign}"
    cloud = operator.cloud()
    with cloud.session:
        cloud.project.grant("roles/aiplatform.user", stranger)

        operator.done("inference", "status", names.ORG)
        operator.done("inference", "provision", names.OTHER_ORG)
        operator.done("inference", "deprovision", names.OTHER_ORG, "--yes")
        operator.done("inference", "deprovision", names.ORG, "--yes")

        assert cloud.project.members("roles/aiplatform.user") == {stranger}


def test_where_models_may_not_be_used_no_provider_is_named_for_a_shell(operator: Operator) -> None:
    for other in ("", "octo-org/app"):
        if other:
            operator.done("inference", "provision", other, "--as-spelled")
        shown = operator.run("inference", "status", names.OTHER_ORG, "--format", "env")
        assert (shown.exit_code, shown.stdout) == (3, f"FULLSEND_GCP_PROJECT_ID={names.PROJECT_ID}\n")


def test_a_provider_that_does_not_exist_has_no_name(operator: Operator) -> None:
    before = json.loads(operator.run("inference", "status", names.ORG, "--json").stdout)
    assert (before["provider"], before["wif_provider"]) == (False, "")
    operator.done("inference", "provision", names.ORG)
    after = json.loads(operator.done("inference", "status", names.ORG, "--format", "json", "--json").stdout)
    assert after["wif_provider"].endswith("/workloadIdentityPools/fullsend-inference/providers/github-oidc")


def test_two_formats_at_once_are_refused(operator: Operator) -> None:
    refused = operator.run("inference", "status", names.ORG, "--format", "env", "--json")
    assert refused.exit_code == 2
    assert "--json and --format env contradict each other" in refused.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("mint", "enroll", names.ORG), f"{names.ORG} is enrolled already."),
        (("mint", "unenroll", names.OTHER_ORG), f"{names.OTHER_ORG} is not enrolled."),
        (("mint", "remove-role", "nope"), "The mint has no role nope."),
        (("inference", "deprovision", names.ORG), f"{names.ORG} cannot use models."),
    ],
)
def test_nothing_to_do_is_said_with_its_reason_however_one_asks(
    operator: Operator, words: tuple[str, ...], why: str
) -> None:
    operator.deploy()
    said = f"Nothing to do in {names.PROJECT_ID}. {why}\n"
    assert operator.done(*words, "--dry-run").stdout == said
    assert operator.done(*words, "--emit", "gcloud").stdout == f"# {said}"
    assert operator.done(*words).stderr.endswith(f"\n{why}\n")


def test_a_removal_names_each_step_once(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", names.OTHER_ORG)
    asked = operator.run("mint", "unenroll", names.OTHER_ORG)
    assert asked.exit_code == 2
    assert "1. set on the Cloud Run service" in asked.stdout
    done = operator.done("mint", "unenroll", names.OTHER_ORG, "--yes")
    assert done.output.count("set on the Cloud Run service") == 1


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


def test_inference_is_not_admitted_before_it_is_provisioned(operator: Operator) -> None:
    shown = operator.run("inference", "status", "octo-org", "--json")
    assert shown.exit_code == 3
    assert json.loads(shown.stdout)["admitted"] is False


def test_the_status_lists_fix_and_the_permissions_of_each_level(operator: Operator) -> None:
    operator.deploy("--role", operator.role("coder"))
    shown = json.loads(operator.done("mint", "status", "--json").stdout)
    assert sorted(shown["permissions"]) == ["coder", "fix", "triage"]
    assert shown["permissions"]["triage"] == {
        "read": {"contents": "read", "issues": "read", "metadata": "read"},
        "write": {"contents": "read", "issues": "write", "metadata": "read"},
    }
    text = operator.done("mint", "status").stdout
    assert "issues:write" in text
    assert "role fix" in text


def test_a_name_that_another_account_took_over_is_shown(operator: Operator) -> None:
    operator.deploy()
    operator.world.github.rename_account(names.ORG, "new-name")
    operator.world.github.create_org(names.ORG)
    shown = operator.run("mint", "status", names.ORG)
    assert shown.exit_code == 3
    assert f"The name {names.ORG} now belongs to another account" in shown.stdout
    assert f"Fix: fullsend mint unenroll {names.ORG}" in shown.stdout
