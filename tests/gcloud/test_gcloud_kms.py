"""A key moves into Cloud KMS by the emitted gcloud commands as it does by the command itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gcloud_sdk import needs_gcloud

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.gcloud.gcloud_shell import Shell

pytestmark = [needs_gcloud, pytest.mark.gcloud]


def test_an_emitted_import_ends_in_the_same_state(world: World, shell: Shell) -> None:
    where = f"--project {shell.plane.project.id}"
    shell.done(f"fullsend mint deploy {where} --org octo-org --role {shell.role('triage')} --workflow-files t.yml")
    shell.done(f"fullsend mint import-key triage {where} --pem {shell.pem('triage')} --emit gcloud > plan.sh")
    shell.done("bash plan.sh")
    [version] = world.kms.versions
    again = shell.run(f"fullsend mint import-key triage {where} --pem {shell.pem('triage')} --dry-run")
    assert "Nothing to do" in again.stdout, again.stdout + again.stderr
    assert world.kms.versions[version].state == "ENABLED"
