"""With OVERLAP the hosted mint requests the token during the STS exchange, and revokes it if STS refuses."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Drop, Fail, Garbage, Slow
from fullsend_sandbox.github.tokens import hash_token
from tests.audited_mint import events
from tests.contract.exchange import send
from tests.contract.table import as_job

if TYPE_CHECKING:
    from fullsend_sandbox.faults import Fault
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

REFUSED = Fail(400, json.dumps({"error": "invalid_grant", "error_description": "is stale to sign-in."}))


def warm(start_mint: StartMint, world: World, **changes: str) -> MintProcess:
    mint = start_mint(**changes)
    assert send(mint.url, as_job()(world)).status == 200
    world.github.traffic.clear()
    return mint


def created(world: World) -> int:
    return world.github.traffic.count(path_prefix="/app/installations/")


def revoked(world: World) -> int:
    return world.github.traffic.count(path_prefix="/installation/token")


@pytest.mark.parametrize(
    ("fault", "status", "code"), [(REFUSED, 401, "invalid_token"), (Fail(503), 502, "sts_unavailable")]
)
def test_a_token_that_sts_refuses_afterwards_is_revoked_before_the_answer(
    world: World, start_mint: StartMint, fault: Fault, status: int, code: str
) -> None:
    mint, alive = warm(start_mint, world), len(world.github.live_tokens())
    world.sts.faults.add(fault)
    got = send(mint.url, as_job()(world))
    assert (got.status, got.json["code"]) == (status, code)
    assert (created(world), revoked(world)) == (1, 1)
    assert len(world.github.live_tokens()) == alive
    # Until STS accepts again, nothing is requested before its answer.
    assert send(mint.url, as_job()(world)).status == status
    assert created(world) == 1
    world.sts.faults.clear()
    assert send(mint.url, as_job()(world)).status == 200
    mint.stop()
    found = [event for event in events(mint.logs()) if "speculative" in event]
    assert [event["speculative"] for event in found] == ["revoked"]
    assert found[0]["code"] == code


def test_a_token_that_could_not_be_revoked_is_an_error_with_its_hash(world: World, start_mint: StartMint) -> None:
    mint = warm(start_mint, world)
    world.sts.faults.add(REFUSED)
    world.github.faults.add(Fail(403, json.dumps({"message": "no"})), "/installation/token")
    assert send(mint.url, as_job()(world)).json["code"] == "invalid_token"
    mint.stop()
    lines = [json.loads(line) for line in mint.logs() if '"speculative"' in line]
    assert [line["severity"] for line in lines] == ["ERROR"]
    assert lines[0]["audit"]["speculative"] == "revocation_failed"
    assert lines[0]["audit"]["hashed_token"] in {token.hashed for token in world.github.live_tokens()}


@pytest.mark.parametrize(
    "changes", [{"OVERLAP": "0"}, {"MINTS_PER_TOKEN": "5"}, {"GRANTS": "1"}, {"REPORT_ONLY": "ids"}], ids=str
)
def test_in_the_contracts_order_a_refusal_creates_nothing(
    world: World, start_mint: StartMint, changes: dict[str, str]
) -> None:
    mint = warm(start_mint, world, **changes)
    world.sts.faults.add(REFUSED)
    assert send(mint.url, as_job()(world)).status == 401
    assert (created(world), revoked(world)) == (0, 0)


STS_FAULTS = (None, None, REFUSED, Fail(503), Drop(), Slow(0.1), Garbage())
GITHUB_FAULTS = (None, None, Fail(502), Drop(), Slow(0.1), Fail(403, json.dumps({"message": "no"})))


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_fails_no_token_lives_but_those_that_callers_got(
    world: World, start_mint: StartMint, seed: int
) -> None:
    chance, mint = random.Random(seed), warm(start_mint, world)  # noqa: S311 - faults, not secrets
    got = {token.hashed for token in world.github.live_tokens()}
    with ThreadPoolExecutor(6) as pool:
        for _ in range(30):
            for service, faults in ((world.sts, STS_FAULTS), (world.github, GITHUB_FAULTS)):
                service.faults.clear()
                fault = chance.choice(faults)
                if fault is not None:
                    service.faults.add(fault, times=chance.choice([1, 3, None]))
            for answer in pool.map(lambda sent: send(mint.url, sent), [as_job()(world) for _ in range(6)]):
                if answer.status == 200:
                    got.add(hash_token(answer.json["token"]))
    mint.stop()
    unrevoked = {
        event["hashed_token"] for event in events(mint.logs()) if event.get("speculative") == "revocation_failed"
    }
    assert got <= {token.hashed for token in world.github.live_tokens()} <= got | unrevoked
