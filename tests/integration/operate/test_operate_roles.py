"""Roles and keys: the state after the commands, and the requests that they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.plan.role_changes import fingerprint
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
    assert "The role fix does not have its own App: it uses coder's" in rotated.stderr
    assert f"fullsend mint rotate-key coder --pem FILE.pem --project {names.PROJECT_ID}" in rotated.stderr
    removed = operator.run("mint", "remove-role", "fix", "--dry-run")
    assert removed.exit_code == 2
    fix = f"mint deploy --project {names.PROJECT_ID} --env ALLOWED_ROLES=coder,triage"
    assert f"fullsend {fix} serves the others without fix." in removed.stderr
    assert operator.plane.writes == before

    operator.done(*fix.split(), "--source", str(operator.source))

    again = operator.done("mint", "remove-role", "fix", "--dry-run")
    assert (
        again.stdout
        == f"Nothing to do in {names.PROJECT_ID}. The mint has no role fix. It serves: coder, triage.\n"
    )


@pytest.mark.parametrize(("allowed", "role"), [("triage", "triage"), ("fix", "fix")])
def test_the_last_name_in_the_list_of_roles_to_serve_stays_since_without_one_all_are_served(
    operator: Operator, allowed: str, role: str
) -> None:
    operator.deploy("--role", operator.role("coder"))
    operator.done("mint", "deploy", "--source", str(operator.source), "--env", f"ALLOWED_ROLES={allowed}")
    before = operator.plane.writes

    refused = operator.run("mint", "remove-role", role, "--yes")

    assert refused.exit_code == 2
    assert "would serve every role with an App" in refused.stderr
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

    assert "is already the key in use" in again.output
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


def test_two_formats_at_once_are_refused(operator: Operator) -> None:
    refused = operator.run("inference", "status", names.ORG, "--format", "env", "--json")
    assert refused.exit_code == 2
    assert "--json and --format env contradict each other" in refused.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("mint", "enroll", names.ORG), f"{names.ORG} is enrolled already."),
        (("mint", "unenroll", names.OTHER_ORG), f"{names.OTHER_ORG} is not enrolled. Enrolled: {names.ORG}."),
        (("mint", "remove-role", "nope"), "The mint has no role nope. It serves: triage."),
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
    assert operator.done(*words).stderr.endswith(f"\n{said}")


def test_a_removal_names_each_step_once(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "enroll", names.OTHER_ORG)
    asked = operator.run("mint", "unenroll", names.OTHER_ORG)
    assert asked.exit_code == 2
    assert "1. set on the Cloud Run service" in asked.stdout
    done = operator.done("mint", "unenroll", names.OTHER_ORG, "--yes")
    assert done.output.count("set on the Cloud Run service") == 1


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


def test_adding_a_role_without_a_key_asks_where_the_key_is(operator: Operator) -> None:
    refused = operator.run("mint", "add-role", "coder", "--app-id", "1")
    assert refused.exit_code == 2
    assert "Say where the App's key is: --pem FILE, --use-existing-secret, or --kms" in refused.stderr


@pytest.mark.parametrize("command", ["status", "explain", "deploy"])
def test_the_help_names_the_variables_that_replace_the_project(operator: Operator, command: str) -> None:
    text = " ".join(operator.done("mint", command, "--help").stdout.split())
    assert "GOOGLE_CLOUD_PROJECT" in text
    assert "CLOUDSDK_CORE_PROJECT" in text
