"""A plan that is emitted for gcloud and run by bash ends in the same state as the command itself."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from fullsend_sandbox.world import World
from tests.conftest import ROOT
from tests.gcloud.gcloud_shell import Shell
from tests.gcloud_sdk import needs_gcloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [needs_gcloud, pytest.mark.gcloud, pytest.mark.timeout(900)]

OF_ONE_RUN = ("url", "revision", "traffic", "latest_ready_revision")
"""Names and addresses that differ between two mints with the same settings."""


@contextmanager
def operator(folder: Path) -> Iterator[Shell]:
    folder.mkdir()
    with World() as world, ControlPlane(world, runner=EmulatedRunner()) as plane:
        plane.new_project()
        yield Shell(world, plane, folder / "home")


def commands(shell: Shell) -> list[str]:
    where = f"--project {names.PROJECT_ID}"
    app = shell.world.apps["coder"].id
    given = f"--role {shell.role('triage')} --workflow-files triage.yml --source {ROOT}"
    return [
        f"mint deploy {where} --org {names.ORG} {given}",
        f"mint enroll {names.OTHER_ORG} {where}",
        f"mint enroll {names.ORG}/app {where} --as-spelled",
        f"mint add-role coder --app-id {app} --pem {shell.pem('coder')} {where}",
        f"mint remove-role coder {where} --yes",
        f"mint unenroll {names.ORG}/app {where} --yes",
        f"mint unenroll {names.OTHER_ORG} {where} --yes",
    ]


def state(shell: Shell) -> dict[str, Any]:
    done = shell.run(f"fullsend mint status --project {names.PROJECT_ID} --json")
    found: dict[str, Any] = json.loads(done.stdout)
    return {name: value for name, value in found.items() if name not in OF_ONE_RUN}


def test_an_emitted_plan_ends_in_the_state_of_the_command(tmp_path: Path) -> None:
    with operator(tmp_path / "ours") as ours, operator(tmp_path / "theirs") as theirs:
        for command, emitted in zip(commands(ours), commands(theirs), strict=True):
            ours.done(f"fullsend {command}")
            theirs.done(f"fullsend {emitted} --emit gcloud | bash")
            assert state(theirs) == state(ours), command
        where = f"--project {names.PROJECT_ID}"
        ours.done(f"fullsend mint delete {where} --yes")
        theirs.done(f"fullsend mint delete {where} --emit gcloud | bash")
        for shell in (ours, theirs):
            assert "Nothing to do" in shell.done(f"fullsend mint delete {where} --dry-run")
