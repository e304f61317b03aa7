from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.demo import DEMO_ISSUERS, STEPS, Actor, Answer, Outcome, mask, play

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint


def failed(outcomes: list[Outcome]) -> list[str]:
    return [outcome.step.title for outcome in outcomes if not outcome.passed]


@pytest.fixture
def settings(world: World) -> dict[str, str]:
    """Add the demo's other CI systems, and give the settings of its mint."""
    for kind in DEMO_ISSUERS:
        world.ci.add(kind)
    return world.protections() | world.ci.mint_environment()


def test_every_step_comes_out_as_it_should(world: World, start_mint: StartMint, settings: dict[str, str]) -> None:
    assert failed(list(play(world, start_mint(**settings).url))) == []


def test_a_mint_that_allows_another_org_fails_that_step_alone(
    world: World, start_mint: StartMint, settings: dict[str, str]
) -> None:
    world.admit_orgs("octo-org", "other-org")
    outcomes = list(play(world, start_mint(**settings | {"ALLOWED_ORGS": "octo-org,other-org"}).url))
    assert failed(outcomes) == ["a job of an org that is not allowed"]


@pytest.mark.usefixtures("settings")
def test_without_a_mint_no_step_passes_by_accident(world: World) -> None:
    unused = world.sts.url
    world.sts.stop()
    assert len(failed(list(play(world, unused)))) == len(STEPS)


@pytest.mark.usefixtures("settings")
def test_an_answer_other_than_a_json_object_is_not_a_breakdown(world: World) -> None:
    outcomes = list(play(world, world.issuer.url))
    assert outcomes[0].answer.status == 404
    assert not outcomes[0].passed


@pytest.mark.usefixtures("settings")
def test_no_outcome_holds_a_whole_token(world: World, hosted_mint: MintProcess) -> None:
    minted: list[str] = []

    def remember(actor: Actor) -> Answer:
        minted.append(actor.token)
        return Answer(0)

    steps = (*STEPS, type(STEPS[0])("remember", remember, 0))
    outcomes = list(play(world, hosted_mint.url, steps))
    assert minted[0].startswith("ghs_")
    assert minted[0] not in repr(outcomes)
    assert minted[0] not in json.dumps([outcome.as_json() for outcome in outcomes])


def test_a_mask_shows_at_most_the_beginning() -> None:
    assert mask("ghs_" + "a" * 36) == "ghs_aaa…"
    assert mask("short") == "…"
