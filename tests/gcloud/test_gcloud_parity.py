"""Emitted gcloud commands and the commands themselves end in the same state, step by step."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from tests.gcloud.gcloud_shell import Shell
from tests.gcloud_sdk import needs_gcloud

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World

pytestmark = [needs_gcloud, pytest.mark.gcloud, pytest.mark.timeout(900)]
VOLATILE = re.compile(
    r"https?://127\.0\.0\.1:\d+|fullsend-mint-\d{5}-[a-z]{3}|version_\d+|\d{4}-\d\d-\d\dT[\d:.]+Z"
)


def steps(shell: Shell) -> list[str]:
    """Return the commands, in an order in which each finds what it needs."""
    deploy = f"deploy --org {names.ORG} --workflow-files triage.yml --role {shell.role('triage')}"
    coder = f"--app-id {shell.world.apps['coder'].id} --pem {shell.pem('coder')}"
    return [
        deploy,
        f"enroll {names.OTHER_ORG}",
        f"enroll {names.ORG}/app",
        f"add-role coder {coder}",
        f"rotate-key triage --pem {shell.pem('new')}",
        f"unenroll {names.OTHER_ORG} --yes",
        "remove-role coder --yes",
        "delete --yes",
    ]


def state(shell: Shell) -> dict[str, Any]:
    """Return what an operator can see, without what differs from run to run."""
    secrets = shell.world.secret_manager
    shown = shell.run(f"fullsend mint status --project {names.PROJECT_ID} --json").stdout
    providers = shell.world.federation.providers("fullsend-pool") if "fullsend-pool" in pools(shell) else {}
    return {
        "status": json.loads(VOLATILE.sub("…", shown)) if shown.strip() else None,
        "secrets": {name: [one.state for one in secrets.versions(name)] for name in secrets.secrets()},
        "providers": {
            name: (one.attribute_condition, dict(one.attribute_mapping), one.allowed_audiences, one.deleted)
            for name, one in providers.items()
        },
    }


def pools(shell: Shell) -> dict[str, bool]:
    return shell.world.federation.pools()


def run_all(world: World, folder: Path, *, emitted: bool) -> list[dict[str, Any]]:
    world.reset()
    with ControlPlane(world, runner=EmulatedRunner()) as plane:
        plane.new_project()
        shell = Shell(world, plane, folder)
        world.github.create_user("mona")
        for org in (names.ORG, names.OTHER_ORG):
            world.github.people.make_owner("mona", org)
        shell.environment["GH_TOKEN"] = world.github.people.classic_token("mona", ("admin:org", "repo"))
        shell.pem("new").write_bytes(world.github.rotate_key(world.apps["triage"], keep_old=True))
        states = []
        for step in steps(shell):
            shell.mint(f"{step} --project {names.PROJECT_ID}", emitted=emitted)
            states.append(state(shell))
        return states


def test_every_command_and_its_emitted_plan_end_in_the_same_state(world: World, tmp_path: Path) -> None:
    ours = run_all(world, tmp_path / "ours", emitted=False)
    theirs = run_all(world, tmp_path / "theirs", emitted=True)
    assert ours[0]["status"]["roles"]
    assert ours[4]["secrets"]["fullsend-triage-app-pem"] == ["DISABLED", "ENABLED"]
    assert (ours[-1]["secrets"], len(ours[2]["providers"])) == ({}, 2)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert other == one, f"after step {number + 1}"
