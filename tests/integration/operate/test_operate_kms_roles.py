"""`deploy --kms`, `add-role --kms` and `delete`: keys that are in Cloud KMS and never in a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model.kms_names import KMS_API
from fullsend_sandbox.keys import new_key, pem

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World
    from tests.integration.operate.conftest import Operator

RING = "projects/octo-project/locations/us-central1/keyRings/fullsend-mint"
TRIAGE = f"{RING}/cryptoKeys/fullsend-triage-app"
CODER = f"{RING}/cryptoKeys/fullsend-coder-app"
FIRST = f"{TRIAGE}/cryptoKeyVersions/1"


def in_use(operator: Operator) -> dict[str, str]:
    found: dict[str, str] = json.loads(operator.state().serving_environment.get("ROLE_KMS_KEYS") or "{}")
    return found


def add_words(operator: Operator, role: str, *words: str) -> tuple[str, ...]:
    return ("mint", "add-role", role, "--app-id", str(operator.world.apps[role].id), *words)


def states(world: World) -> dict[str, str]:
    return {name.partition("/cryptoKeys/")[2]: one.state for name, one in world.kms.versions.items()}


def test_a_new_mint_signs_with_cloud_kms_and_has_no_secret(world: World, operator: Operator) -> None:
    told = operator.deploy("--kms", "--role", operator.role("coder")).output
    assert in_use(operator) == {"triage": FIRST, "coder": f"{CODER}/cryptoKeyVersions/1"}
    assert list(world.secret_manager.secrets()) == []
    assert KMS_API in operator.state().apis
    cloud = operator.cloud()
    with cloud.session:
        assert {key: cloud.kms.signers(key) for key in (TRIAGE, CODER)} == {
            key: {operator.state().member} for key in (TRIAGE, CODER)
        }
    assert f"Delete {operator.pem('triage')}: the mint does not need it." in told
    checked = operator.doctor()
    assert checked.exit_code == 0, checked.output
    again = operator.run(*operator.deploy_words("--kms", "--dry-run")).output
    assert [line for line in again.splitlines() if line.startswith(("1.", "2."))] == [
        line for line in again.splitlines() if "/health" in line
    ]


def test_the_status_of_a_role_in_cloud_kms_is_healthy(operator: Operator) -> None:
    operator.deploy("--kms")
    shown = operator.done("mint", "status")
    assert "key in Cloud KMS" in shown.output
    assert json.loads(operator.done("mint", "status", "--json").stdout)["kms_keys"] == {"triage": FIRST}


def test_a_role_is_added_with_its_key_in_cloud_kms(world: World, operator: Operator) -> None:
    operator.deploy()
    operator.done(*add_words(operator, "coder", "--pem", str(operator.pem("coder")), "--kms"))
    assert in_use(operator) == {"coder": f"{CODER}/cryptoKeyVersions/1"}
    assert sorted(world.secret_manager.secrets()) == ["fullsend-triage-app-pem"]
    assert operator.doctor().exit_code == 0
    same = operator.done(*add_words(operator, "coder", "--pem", str(operator.pem("coder")), "--kms"))
    assert "serves the role coder already" in same.output


def test_a_plan_with_cloud_kms_changes_nothing_and_shows_no_key(world: World, operator: Operator) -> None:
    operator.deploy()
    writes = operator.plane.writes
    words = add_words(operator, "coder", "--pem", str(operator.pem("coder")), "--kms")
    shown = operator.done(*words, "--dry-run").output
    emitted = operator.done(*words, "--emit", "gcloud").output
    assert (operator.plane.writes, world.kms.versions) == (writes, {})
    titles = [line.partition(". ")[2].partition(" ")[0] for line in shown.splitlines() if line[0].isdigit()]
    assert titles == ["enable", "create", "create", "let", "wrap", "set"]
    assert operator.pem("coder").read_text().splitlines()[1] not in shown + emitted


def test_a_new_key_of_another_app_replaces_the_version(world: World, operator: Operator, tmp_path: Path) -> None:
    operator.deploy("--kms")
    other = world.github.create_app("other-triage", {"contents": "read", "issues": "write"}, owner="octo-org")
    (tmp_path / "other.pem").write_bytes(other.private_key_pem)
    words = ("mint", "add-role", "triage", "--app-id", str(other.id), "--pem", str(tmp_path / "other.pem"))
    refused = operator.run(*words)
    assert (refused.exit_code, "Add --kms to put the key there" in refused.output) == (2, True)
    operator.done(*words, "--kms")
    assert states(world) == {
        "fullsend-triage-app/cryptoKeyVersions/1": "DISABLED",
        "fullsend-triage-app/cryptoKeyVersions/2": "ENABLED",
    }
    assert in_use(operator) == {"triage": f"{TRIAGE}/cryptoKeyVersions/2"}


def test_a_key_that_is_in_cloud_kms_already_is_proven_by_a_signature(world: World, operator: Operator) -> None:
    operator.deploy("--kms")
    operator.done(*add_words(operator, "coder", "--pem", str(operator.pem("coder")), "--kms"))
    operator.done("mint", "remove-role", "triage", "--yes")
    assert operator.cloud().kms.signers(TRIAGE) == set()
    missing = operator.run(*add_words(operator, "triage", "--kms"))
    assert "has no enabled key for the role triage" in missing.output
    assert f"gcloud kms keys versions enable {FIRST}" in missing.output
    world.kms.set_state(FIRST, "ENABLED")
    operator.done(*add_words(operator, "triage", "--kms"))
    assert in_use(operator)["triage"] == FIRST
    assert operator.cloud().kms.signers(TRIAGE) == {operator.state().member}
    world.kms.versions[FIRST].key = new_key()
    stranger = operator.run(*add_words(operator, "triage", "--kms"))
    assert (stranger.exit_code, "does not accept the key" in stranger.output) == (1, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("mint", "deploy", "--kms"), "give at least one --role"),
        (("mint", "add-role", "coder", "--app-id", "7", "--kms", "--use-existing-secret"), "in Cloud KMS or in a"),
        (("mint", "add-role", "coder", "--app-id", "7"), "or --kms"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(operator: Operator, words: tuple[str, ...], sentence: str) -> None:
    refused = operator.run(*words)
    assert (refused.exit_code, sentence in refused.output) == (2, True)
    assert operator.plane.writes == 0


def test_a_key_of_another_app_is_refused_before_anything_is_written(
    world: World, operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    (tmp_path / "other.pem").write_bytes(pem(new_key()))
    writes = operator.plane.writes
    refused = operator.run(*add_words(operator, "coder", "--pem", str(tmp_path / "other.pem"), "--kms"))
    assert refused.exit_code == 1
    assert (operator.plane.writes, world.kms.versions) == (writes, {})


@pytest.mark.parametrize("writes", range(1, 8))
def test_adding_a_role_goes_on_where_it_was_killed(world: World, operator: Operator, writes: int) -> None:
    operator.deploy()
    words = add_words(operator, "coder", "--pem", str(operator.pem("coder")), "--kms")
    operator.plane.fail_after(writes, lose_last_answer=True)
    operator.run(*words)
    operator.plane.stop_failing()
    operator.done(*words)
    [version] = in_use(operator).values()
    assert world.kms.versions[version].state == "ENABLED"
    assert list(states(world).values()).count("ENABLED") == 1


def test_deleting_a_mint_disables_its_keys_and_destroys_none(world: World, operator: Operator) -> None:
    operator.deploy("--kms")
    kept = operator.done("mint", "delete", "--keep-keys", "--dry-run").output
    assert "disable version" not in kept
    assert "to sign with fullsend-triage-app" in kept
    asked = operator.done("mint", "delete", "--dry-run").output
    assert "disable version 1 of fullsend-triage-app" in asked
    told = operator.done("mint", "delete", "--yes").output
    assert states(world) == {"fullsend-triage-app/cryptoKeyVersions/1": "DISABLED"}
    # A binding of the account that is gone would stay for up to 60 days.
    assert operator.cloud().kms.signers(TRIAGE) == set()
    assert f"gcloud kms keys versions destroy {FIRST}" in told
    assert "Nothing to do" in operator.done("mint", "delete", "--dry-run").output
    operator.deploy("--kms")  # the old version stays disabled: the key comes from the file again
    assert in_use(operator) == {"triage": f"{TRIAGE}/cryptoKeyVersions/2"}


def test_a_mint_is_deployed_again_where_an_older_deletion_left_bindings_of_the_account(operator: Operator) -> None:
    operator.deploy("--kms")
    operator.done("mint", "delete", "--keep-keys", "--yes")
    cloud = operator.cloud()
    cloud.accounts.create(operator.state().location.service_account, "mint")
    cloud.kms.grant(TRIAGE, operator.state().member)
    cloud.accounts.delete(operator.state().location.service_account)
    [left] = cloud.kms.signers(TRIAGE)
    assert left.startswith("deleted:")
    operator.deploy("--kms")
    assert cloud.kms.signers(TRIAGE) == {operator.state().member}


@pytest.mark.parametrize("writes", range(1, 6))
def test_a_deletion_that_was_stopped_still_finds_the_keys(world: World, operator: Operator, writes: int) -> None:
    operator.deploy("--kms")
    operator.plane.fail_after(writes, lose_last_answer=True)
    operator.run("mint", "delete", "--yes")
    operator.plane.stop_failing()
    again = operator.done("mint", "delete", "--yes")
    # After the first write, the function with the mint's settings is gone, and the key is kept and named.
    assert set(states(world).values()) == ({"ENABLED"} if writes == 1 else {"DISABLED"})
    assert ("gcloud kms keys versions disable 1 --key fullsend-triage-app" in again.stderr) == (writes == 1)
    assert operator.cloud().kms.signers(TRIAGE) == set()


def test_the_doctor_offers_the_key_and_the_app_id_when_they_do_not_fit(world: World, operator: Operator) -> None:
    operator.deploy("--kms")
    world.kms.versions[FIRST].key = new_key()
    said = operator.doctor().output
    assert "fullsend mint import-key triage --pem FILE.pem" in said
    assert "add-role triage --app-id APP_ID --kms" in said
    assert "rotate-key" not in said
    # The first command it names works.
    operator.done("mint", "import-key", "triage", "--pem", str(operator.pem("triage")))
    assert operator.doctor().exit_code == 0


def test_the_doctor_of_a_secret_with_another_apps_key_names_commands_that_work(
    world: World, operator: Operator
) -> None:
    operator.deploy()
    world.secret_manager.add_version("fullsend-triage-app-pem", pem(new_key()))
    said = operator.doctor().output
    assert "fullsend mint rotate-key triage --pem FILE.pem" in said
    assert "add-role triage --app-id APP_ID --use-existing-secret" in said
    operator.done("mint", "rotate-key", "triage", "--pem", str(operator.pem("triage")))
    assert operator.doctor().exit_code == 0


def test_the_doctor_names_the_api_that_a_role_in_cloud_kms_needs(operator: Operator) -> None:
    operator.deploy("--kms")
    operator.plane.disable("cloudkms")
    assert f"gcloud services enable {KMS_API}" in operator.doctor().output
