"""A mint that signs with Cloud KMS, hosted and standalone, as a process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Fail
from tests.contract.exchange import Got, send
from tests.contract.table import Sent
from tests.standalone import run, standalone
from tests.unit.sandbox.google.google_operator import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


@pytest.fixture(params=["hosted", "standalone"])
def mint(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[MintProcess]:
    """Run a mint whose only key of triage is in KMS."""
    environment = world.kms_environment("triage")
    if request.param == "hosted":
        world.secret_manager.delete_secret("fullsend-triage-app-pem")
        start = request.getfixturevalue("start_mint")
        yield start(**environment)
        return
    prepared = standalone(world, tmp_path, **environment)
    (tmp_path / "triage.pem").unlink()
    with prepared as running:
        yield running


def mint_one(mint: MintProcess, world: World, role: str = "triage") -> Got:
    return send(mint.url, Sent(world.issuer.token(world.job()), {"role": role}))


def test_a_role_in_kms_mints_and_one_signature_serves_many(world: World, mint: MintProcess) -> None:
    answers = [mint_one(mint, world) for _ in range(3)]
    assert [one.status for one in answers] == [200] * 3
    assert len(world.kms.traffic) == 1
    assert mint_one(mint, world, "coder").status == 200
    assert len(world.kms.traffic) == 1


@pytest.mark.parametrize(
    ("state", "expected"), [("DISABLED", (403, "role_key_missing")), ("DESTROYED", (403, "role_key_missing"))]
)
def test_a_key_version_that_cannot_sign_is_missing(
    world: World, mint: MintProcess, state: str, expected: tuple[int, str]
) -> None:
    [version] = world.kms.versions
    world.kms.set_state(version, state)
    got = mint_one(mint, world)
    assert (got.status, got.json["code"]) == expected
    assert eventually(lambda: any(state in line for line in mint.logs()) or None)


def test_a_kms_that_is_down_is_said_and_does_not_touch_other_roles(world: World, mint: MintProcess) -> None:
    world.kms.faults.add(Fail(503, "{}"))
    got = mint_one(mint, world)
    assert (got.status, got.json["code"]) == (502, "key_unavailable")
    assert mint_one(mint, world, "coder").status == 200


def test_an_unknown_role_and_an_invalid_version_stop_the_start(world: World, tmp_path: Path) -> None:
    good = json.loads(world.kms_environment("triage")["ROLE_KMS_KEYS"])["triage"]
    listed = {"scout": good, "fix": good, "coder": f"{good}/x", "review": 7}
    environment = world.standalone_environment(tmp_path, ROLE_KMS_KEYS=json.dumps(listed))
    done = run(environment, "--check")
    assert done.status == 1
    problems = [line for line in done.err.splitlines() if line.startswith("ROLE_KMS_KEYS")]
    assert len(problems) == 4
    assert "the role fix, which uses the key of coder" in done.err
    assert "the role scout, whose App ID is not in ROLE_APP_IDS" in done.err


def test_during_a_move_kms_signs_and_the_file_is_named_as_unused(world: World, tmp_path: Path) -> None:
    environment = world.standalone_environment(tmp_path, **world.kms_environment("triage"))
    done = run(environment, "--check")
    assert done.status == 0, done.err
    assert f"the role triage signs with Cloud KMS, and {tmp_path}/triage.pem is not read" in done.err
    assert "cryptoKeyVersions/1" in done.out
