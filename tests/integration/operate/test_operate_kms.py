"""`mint import-key`: a role's key moves into Cloud KMS, and is replaced there."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
import urllib3
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from fullsend.operate.gcp.kms import SIGNER
from fullsend_sandbox import names
from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.keys import new_key, pem
from tests.integration.operate.conftest import Operator

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World

KEY = "projects/octo-project/locations/us-central1/keyRings/fullsend-mint/cryptoKeys/fullsend-triage-app"
FIRST = f"{KEY}/cryptoKeyVersions/1"
MEMBER = "serviceAccount:fullsend-mint@octo-project.iam.gserviceaccount.com"


def import_words(operator: Operator, *words: str) -> tuple[str, ...]:
    return ("mint", "import-key", "triage", "--pem", str(operator.pem("triage")), *words)


def in_use(operator: Operator) -> dict[str, str]:
    found: dict[str, str] = json.loads(operator.state().serving_environment.get("ROLE_KMS_KEYS") or "{}")
    return found


def test_a_key_is_imported_granted_and_signed_with(world: World, operator: Operator) -> None:
    operator.deploy()
    said = operator.done(*import_words(operator)).output
    assert in_use(operator) == {"triage": FIRST}
    assert world.kms.versions[FIRST].public_pem() == _public(world)
    cloud = operator.cloud()
    with cloud.session:
        assert cloud.kms.signers(KEY) == {MEMBER}
    assert SIGNER == "roles/cloudkms.signer"
    assert "fullsend-triage-app-pem still has a copy of a key" in said
    assert "signs with this key in Cloud KMS already" in operator.done(*import_words(operator)).output
    assert len(world.kms.versions) == 1


def test_a_new_key_replaces_the_old_version_which_is_disabled(world: World, operator: Operator) -> None:
    operator.deploy()
    operator.done(*import_words(operator))
    operator.pem("triage").write_bytes(world.github.rotate_key(world.apps["triage"], keep_old=True))
    operator.done(*import_words(operator))
    assert in_use(operator) == {"triage": f"{KEY}/cryptoKeyVersions/2"}
    assert {name[-1]: version.state for name, version in world.kms.versions.items()} == {
        "1": "DISABLED",
        "2": "ENABLED",
    }


def test_the_secret_is_deleted_only_when_asked_for(world: World, operator: Operator) -> None:
    operator.deploy()
    refused = operator.run(*import_words(operator, "--delete-secret"))
    assert refused.exit_code != 0  # no terminal to confirm on
    assert world.kms.versions == {}
    operator.done(*import_words(operator, "--delete-secret", "--yes"))
    assert "fullsend-triage-app-pem" not in world.secret_manager.secrets()
    # A later deploy neither misses the secret nor undoes the move.
    operator.done("mint", "deploy", "--source", str(operator.source), "--org", names.OTHER_ORG)
    assert in_use(operator) == {"triage": FIRST}


def test_a_dry_run_and_an_emitted_plan_change_nothing_and_show_no_key(world: World, operator: Operator) -> None:
    operator.deploy()
    writes = operator.plane.writes
    shown = operator.done(*import_words(operator, "--dry-run")).output
    emitted = operator.done(*import_words(operator, "--emit", "gcloud")).output
    assert (operator.plane.writes, world.kms.versions) == (writes, {})
    assert "import it as version 1 of fullsend-triage-app" in shown
    assert "gcloud kms keys versions import" in emitted
    body = operator.pem("triage").read_text().splitlines()[1]
    assert body not in shown + emitted


@pytest.mark.parametrize("writes", range(1, 7))
def test_a_command_that_was_killed_goes_on(world: World, operator: Operator, writes: int) -> None:
    operator.deploy()
    operator.plane.fail_after(writes, lose_last_answer=True)
    operator.run(*import_words(operator))
    operator.plane.stop_failing()
    operator.done(*import_words(operator))
    [(role, version)] = in_use(operator).items()
    assert role == "triage"
    assert world.kms.versions[version].public_pem() == _public(world)


def test_a_key_of_another_app_and_an_unknown_role_are_refused(
    world: World, operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    (tmp_path / "other.pem").write_bytes(pem(new_key()))
    other = operator.run("mint", "import-key", "triage", "--pem", str(tmp_path / "other.pem"))
    assert other.exit_code == 1
    unknown = operator.run("mint", "import-key", "coder", "--pem", str(operator.pem("coder")))
    assert "The mint has no role coder" in unknown.output
    assert world.kms.versions == {}


def test_a_running_mint_is_moved_without_a_refused_request(world: World, mint_source: Path, tmp_path: Path) -> None:
    with ControlPlane(world) as plane:
        plane.new_project()
        operator = Operator(world, plane, mint_source, tmp_path)
        operator.deploy()
        url, statuses, done = plane.function_url(), [], threading.Event()

        def mint() -> None:
            with urllib3.PoolManager(retries=False, timeout=30) as http:
                while not done.is_set():
                    headers = {"Authorization": f"Bearer {world.issuer.token(world.job())}"}
                    answer = http.request("POST", f"{url}/v1/token", json={"role": "triage"}, headers=headers)
                    statuses.append(answer.status)

        caller = threading.Thread(target=mint)
        caller.start()
        try:
            operator.done(*import_words(operator, "--delete-secret", "--yes"))
            before = len(statuses)
            while len(statuses) < before + 5:
                assert caller.is_alive()
        finally:
            done.set()
            caller.join()
    assert set(statuses) == {200}
    assert world.kms.traffic.count() >= 1


def _public(world: World) -> str:
    key = load_pem_private_key(world.apps["triage"].private_key_pem, None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def moved(operator: Operator) -> Operator:
    operator.deploy()
    operator.done(*import_words(operator, "--delete-secret", "--yes"))
    return operator


def test_the_doctor_finds_nothing_wrong_with_a_key_in_kms(moved: Operator) -> None:
    checked = moved.doctor()
    assert checked.exit_code == 0, checked.output


def test_the_doctor_names_what_is_wrong_with_a_key_in_kms(world: World, moved: Operator) -> None:
    world.kms.set_state(FIRST, "DISABLED")
    disabled = moved.doctor()
    assert disabled.exit_code == 3
    assert f"gcloud kms keys versions enable {FIRST}" in disabled.output
    world.kms.set_state(FIRST, "DESTROY_SCHEDULED")
    assert "DESTROY_SCHEDULED" in moved.doctor().output
    world.kms.set_state(FIRST, "ENABLED")
    world.kms.versions[FIRST].key = new_key()
    other = moved.doctor()
    assert (other.exit_code, "cryptoKeyVersions/1 is not App" in other.output) == (3, True)
    world.kms.versions[FIRST].algorithm = "RSA_SIGN_PSS_2048_SHA256"
    assert "RSA_SIGN_PSS_2048_SHA256; GitHub needs RS256" in moved.doctor().output
    del world.kms.versions[FIRST]
    assert "is missing" in moved.doctor().output


def test_the_doctor_names_a_leftover_secret_and_a_missing_permission(operator: Operator) -> None:
    operator.deploy()
    operator.done(*import_words(operator))
    assert "gcloud secrets delete fullsend-triage-app-pem" in operator.doctor().output
    url = f"{operator.plane.endpoint('cloudkms')}v1/{KEY}:setIamPolicy"
    answer = urllib3.request("POST", url, json={"policy": {"bindings": []}}, headers=operator.plane.headers())
    assert answer.status == 200
    said = operator.doctor().output
    assert f"gcloud kms keys add-iam-policy-binding {KEY} --role {SIGNER} --member {MEMBER}" in said


def test_commands_for_secrets_point_to_import_key(moved: Operator) -> None:
    pem_file = ("--pem", str(moved.pem("triage")))
    rotated = moved.run("mint", "rotate-key", "triage", *pem_file)
    added = moved.run("mint", "add-role", "triage", "--app-id", str(moved.world.apps["triage"].id), *pem_file)
    for refused in (rotated, added):
        assert refused.exit_code == 2
        assert "fullsend mint import-key triage --pem" in refused.output


def test_a_removed_role_no_longer_signs(world: World, moved: Operator) -> None:
    app = str(world.apps["coder"].id)
    moved.done("mint", "add-role", "coder", "--app-id", app, "--pem", str(moved.pem("coder")))
    moved.done("mint", "remove-role", "triage", "--yes")
    assert in_use(moved) == {}
    assert world.kms.versions[FIRST].state == "DISABLED"
