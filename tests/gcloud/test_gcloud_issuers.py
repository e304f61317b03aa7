"""Emitted plans for issuers of other CI systems end in the state of the commands, key sets included."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.ci import KubernetesIssuer
from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from tests.gcloud.gcloud_shell import Shell
from tests.gcloud_sdk import needs_gcloud

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World

pytestmark = [needs_gcloud, pytest.mark.gcloud, pytest.mark.timeout(900)]
ENTRY = f"--as {names.ORG}/app --role triage"
ODD = """a 'b' "c" \\ | # ~ ; % $HOME `id` é"""
"""What a shell, gcloud's escaping or CEL could read as their own."""
PROJECT = "--match project_id=4711 --match ref_protected=true"
NAMESPACE = "--match kubernetes.io/namespace=ci --match kubernetes.io/serviceaccount/name=mint"


def steps(keys: Path) -> list[str]:
    """Return the commands, in an order in which each finds what it needs."""
    odd = shlex.quote(
        json.dumps({"match": {"project_id": "1", "environment": ODD}, "as": "a/b", "roles": ["triage"]})
    )
    cluster = "cluster --kind kubernetes --url https://cluster.example"
    return [
        f"issuer add gitlab --kind gitlab --url https://gitlab.example {PROJECT} {ENTRY} --level read",
        f"issuer add gitlab --caller {odd} --audience https://mint.example/",
        f"issuer add {cluster} {NAMESPACE} {ENTRY} --jwks-file {keys}",
        f"issuer add cluster {NAMESPACE} --as {names.ORG}/web --role triage",
        "issuer add cluster --no-jwks-file",
        f"issuer add cluster --jwks-file {keys}",
        "issuer remove gitlab --match project_id=1 --yes",
        "issuer remove cluster --yes",
        f"issuer add {cluster} {NAMESPACE} {ENTRY}",
        "issuer remove gitlab --yes",
        "delete --yes",
    ]


def state(shell: Shell) -> dict[str, Any]:
    """Return the settings, and each provider as Google has it."""
    shown = shell.run(f"fullsend mint issuer list --project {names.PROJECT_ID} --json").stdout
    federation = shell.world.federation
    return {
        "listed": json.loads(shown) if shown.strip() else None,
        "providers": {
            name: {**vars(one), "jwks": json.loads(one.jwks or "null")}
            for pool in federation.pools()
            for name, one in federation.providers(pool).items()
        },
    }


def run_all(world: World, folder: Path, keys: Path, *, emitted: bool) -> list[dict[str, Any]]:
    world.reset()
    with ControlPlane(world, runner=EmulatedRunner()) as plane:
        plane.new_project()
        shell = Shell(world, plane, folder)
        where = f"--project {names.PROJECT_ID}"
        given = f"--org {names.ORG} --workflow-files triage.yml --role {shell.role('triage')}"
        shell.done(f"fullsend mint deploy {given} {where}")
        states = []
        for step in steps(keys):
            shell.mint(f"{step} {where}", emitted=emitted)
            states.append(state(shell))
        return states


def test_a_plan_for_issuers_that_is_emitted_ends_in_the_state_of_the_command(world: World, tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(KubernetesIssuer(issuer="https://cluster.example").jwks_text())
    ours = run_all(world, tmp_path / "ours", keys, emitted=False)
    theirs = run_all(world, tmp_path / "theirs", keys, emitted=True)
    listed = ours[1]["listed"]["issuers"][0]["callers"]
    assert [one["match"].get("environment") for one in listed] == [None, ODD]
    uploaded = [bool(one["providers"].get("ci-cluster", {}).get("jwks")) for one in ours]
    assert uploaded == [False, False, True, True, False, True, True, True, False, False, False]
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert other == one, f"after step {number + 1}"
