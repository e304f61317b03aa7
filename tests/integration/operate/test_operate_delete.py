"""The resources that a deletion removes and keeps, and the deletions that are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fullsend_sandbox import names
from fullsend_sandbox.faults import Fail
from mintcore.policy.names import Role

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


def test_what_deploy_made_is_deleted_and_comes_back(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "delete", "--yes")
    state = operator.state()
    assert state.function is None
    assert state.pool is not None
    assert (state.account, state.pool.state) == (False, "DELETED")

    operator.deploy()

    assert operator.doctor().exit_code == 0


def test_deleting_leaves_the_keys_of_roles_that_the_mint_does_not_serve_and_names_them(operator: Operator) -> None:
    operator.deploy("--role", operator.role("coder"))
    operator.done("mint", "remove-role", "coder", "--keep-pem", "--yes")
    others = sorted(operator.world.secret_manager.secrets())
    others.remove("fullsend-triage-app-pem")
    assert "fullsend-coder-app-pem" in others

    shown = operator.done("mint", "delete", "--dry-run")
    assert "delete the secret fullsend-triage-app-pem" in shown.stdout
    assert "fullsend-coder-app-pem" not in shown.stdout
    assert "fullsend-coder-app-pem" in shown.stderr
    assert "with the keys of triage?" in operator.run("mint", "delete").stderr
    for _ in range(2):  # the second time, the mint and its resources are gone
        operator.done("mint", "delete", "--yes")
        assert sorted(operator.world.secret_manager.secrets()) == others


def test_a_second_run_deletes_no_key_that_the_first_run_kept(operator: Operator) -> None:
    operator.deploy()
    operator.plane.host("run").faults.add(Fail(403), method="PATCH", times=1)
    coder = ("--app-id", str(operator.world.apps["coder"].id), "--pem", str(operator.pem("coder")))
    assert operator.run("mint", "add-role", "coder", *coder).exit_code == 1
    command = f"gcloud secrets delete fullsend-coder-app-pem --project {names.PROJECT_ID}"
    operator.plane.host("secretmanager").faults.add(Fail(403), method="DELETE", times=1)
    stopped = operator.run("mint", "delete", "--yes")
    assert stopped.exit_code == 1
    assert operator.state().function is None
    assert "does not serve their roles" in stopped.stderr
    assert command in stopped.stderr
    before = sorted(operator.world.secret_manager.secrets())
    assert {"fullsend-coder-app-pem", "fullsend-triage-app-pem"} <= set(before)

    again = operator.done("mint", "delete", "--yes")

    assert sorted(operator.world.secret_manager.secrets()) == before
    assert "the mint's settings are gone" in again.stderr
    assert command in again.stderr
    assert command.replace("coder", "triage") in again.stderr
    state = operator.state()
    assert state.account is False
    assert not operator.cloud().secrets.readers(state.location.secret(Role("triage")))


def test_a_mint_in_another_region_is_not_robbed_of_its_keys_by_a_deletion_that_names_the_wrong_one(
    operator: Operator,
) -> None:
    operator.deploy("--region", "europe-west1")
    before = operator.plane.writes

    refused = operator.run("mint", "delete", "--yes")

    assert refused.exit_code == 2
    assert "The region us-central1 has no mint; one runs in the region europe-west1" in refused.stderr
    fix = f"mint delete --project {names.PROJECT_ID} --region europe-west1"
    assert f"fullsend {fix}" in refused.stderr
    assert operator.plane.writes == before
    operator.done(*fix.split(), "--yes")
    assert operator.state().account is False


def test_of_two_mints_in_one_project_neither_deletion_takes_what_both_need(operator: Operator) -> None:
    operator.deploy()
    operator.deploy("--region", "europe-west1")
    before = operator.plane.writes

    for region, other in (("us-central1", "europe-west1"), ("europe-west1", "us-central1")):
        refused = operator.run("mint", "delete", "--yes", "--region", region)
        assert refused.exit_code == 2
        assert f"Another mint runs in the region {other}" in refused.stderr
        assert "gcloud functions delete fullsend-mint --gen2" in refused.stderr
    assert operator.plane.writes == before


def test_a_deletion_does_not_go_on_while_a_region_cannot_be_looked_into(operator: Operator) -> None:
    operator.deploy("--region", "europe-west1")
    before = operator.plane.writes
    unseen = {"functions": [], "unreachable": [f"projects/{names.PROJECT_ID}/locations/europe-west1"]}
    operator.plane.host("cloudfunctions").faults.add(
        Fail(200, json.dumps(unseen)), f"/v2/projects/{names.PROJECT_ID}/locations/-/"
    )

    refused = operator.run("mint", "delete", "--yes")

    assert refused.exit_code == 1
    assert "these regions did not answer: europe-west1" in refused.stderr
    assert operator.plane.writes == before


def test_deleting_without_a_terminal_and_without_yes_is_refused(operator: Operator) -> None:
    operator.deploy()
    refused = operator.run("mint", "delete")
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert operator.state().function is not None
