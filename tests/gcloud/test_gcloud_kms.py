"""Keys get into Cloud KMS by the emitted gcloud commands as they do by the commands themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox import names
from tests.gcloud_sdk import needs_gcloud

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.gcloud.gcloud_shell import Shell

pytestmark = [needs_gcloud, pytest.mark.gcloud, pytest.mark.timeout(900)]


def test_an_emitted_import_ends_in_the_same_state(world: World, shell: Shell) -> None:
    where = f"--project {shell.plane.project.id}"
    shell.done(f"fullsend mint deploy {where} --org octo-org --role {shell.role('triage')} --workflow-files t.yml")
    script = shell.folder / "plan.sh"
    shell.done(f"fullsend mint import-key triage {where} --pem {shell.pem('triage')} --emit gcloud > {script}")
    shell.done(f"bash {script}")
    [version] = world.kms.versions
    again = shell.run(f"fullsend mint import-key triage {where} --pem {shell.pem('triage')} --dry-run")
    assert "Nothing to do" in again.stdout, again.stdout + again.stderr
    assert world.kms.versions[version].state == "ENABLED"


def test_a_mint_whose_keys_are_only_in_cloud_kms_is_deployed_extended_and_deleted(
    world: World, shell: Shell
) -> None:
    where = f"--project {names.PROJECT_ID}"
    org = f"--org {names.ORG} --as-spelled --workflow-files triage.yml"
    roles = f"--role {shell.role('triage')} --role {shell.role('coder')}"
    script = shell.folder / "plan.sh"

    def emitted(command: str) -> None:
        shell.done(f"fullsend mint {command} {where} --emit gcloud > {script} && bash {script}")

    emitted(f"deploy {org} {roles} --kms")
    emitted(f"add-role review --app-id {world.apps['review'].id} --pem {shell.pem('review')} --kms")
    assert list(world.secret_manager.secrets()) == []
    shown = json.loads(shell.run(f"fullsend mint status {where} --json").stdout)
    assert sorted(shown["kms_keys"]) == ["coder", "review", "triage"]
    for command in (
        f"deploy {org} {roles} --kms",
        f"add-role review --app-id {world.apps['review'].id} --kms",
    ):
        again = shell.done(f"fullsend mint {command} {where} --dry-run")
        assert "Cloud KMS" not in again
        assert "fullsend-triage-app" not in again
    checked = shell.run(f"fullsend mint doctor {where}")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    emitted("delete")
    assert {version.state for version in world.kms.versions.values()} == {"DISABLED"}
    assert "Nothing to do" in shell.done(f"fullsend mint delete {where} --dry-run")
