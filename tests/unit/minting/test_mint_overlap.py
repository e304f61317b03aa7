"""Work while the final authority is asked; no token of it remains valid after a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from mintcore.errors import (
    AppNotInstalled,
    GitHubUnavailable,
    InvalidToken,
    MintError,
    RateLimited,
    RoleKeyMissing,
    StsUnavailable,
)
from mintcore.observe.audit import event
from mintcore.secret import Secret
from mintcore.startup.helper_threads import HelperThreads
from tests.mint_doubles import policy
from tests.unit.minting.overlap_world import World


def test_the_token_is_requested_while_the_authority_is_asked(world: World) -> None:
    world.wait_for_request = True
    assert world.mint() == "ghs_token"
    assert world.did == ["spent", "requested", "confirmed"]
    assert world.recorded[0].issued is not None


@pytest.mark.parametrize("refusal", [InvalidToken(detail="refused"), StsUnavailable()])
def test_a_token_is_revoked_before_a_refusal_is_answered(world: World, refusal: MintError) -> None:
    world.wait_for_request, world.refusal = True, refusal
    world.may_issue.clear()
    assert world.fail() is refusal
    assert world.did == ["spent", "requested", "refused", "revoked ghs_token"]
    found = event(world.recorded[0])
    assert (found["speculative"], found["hashed_token"]) == ("revoked", Secret("ghs_token").hashed())
    assert "issued" not in found


def test_a_token_that_could_not_be_revoked_is_said_to_live(world: World) -> None:
    world.wait_for_request, world.refusal, world.revokes = True, InvalidToken(detail="refused"), False
    world.fail()
    assert event(world.recorded[0])["speculative"] == "revocation_failed"


def test_where_github_refuses_too_there_is_nothing_to_revoke(world: World) -> None:
    world.wait_for_request, world.refusal, world.issuing = True, InvalidToken(detail="no"), GitHubUnavailable()
    assert isinstance(world.fail(), InvalidToken)
    assert world.did == ["spent", "requested", "refused"]
    assert "speculative" not in event(world.recorded[0])


def test_githubs_refusal_is_the_answer_where_the_authority_accepts(world: World) -> None:
    world.issuing = AppNotInstalled()
    assert isinstance(world.fail(), AppNotInstalled)


def test_a_missing_key_is_told_after_the_authoritys_answer(world: World) -> None:
    world.key, world.refusal = RoleKeyMissing(), InvalidToken(detail="no")
    assert isinstance(world.fail(), InvalidToken)
    world.refusal = None
    assert isinstance(world.fail(), RoleKeyMissing)
    assert "spent" not in world.did


def test_a_mint_over_its_limit_requests_nothing(world: World) -> None:
    world.limit = RateLimited()
    assert isinstance(world.fail(), RateLimited)
    assert world.did == ["spent"]


def test_without_a_free_thread_the_token_is_requested_after_the_answer_and_counted_once() -> None:
    world = World(helpers=HelperThreads(0))
    assert world.mint() == "ghs_token"
    assert world.did == ["spent", "confirmed", "requested"]
    world.did.clear()
    world.refusal = InvalidToken(detail="no")
    world.fail()
    assert world.did == ["spent", "refused"]


def in_turn(world: World) -> bool:
    world.mint()
    return world.did.index("confirmed") < world.did.index("requested")


class Uses:
    def check(self, _caller: object) -> None:
        pass

    spend = refund = check


ORDERED: dict[str, Any] = {
    "mints per token": lambda: World(token_uses=Uses()),
    "grants": lambda: World(policy(grants=True)),
    "report only": lambda: World(policy(report_only=frozenset({"ids"}))),
    "no helpers": lambda: World(helpers=None),
}


@pytest.mark.parametrize("build", ORDERED.values(), ids=ORDERED)
def test_the_contracts_order_holds_where_more_than_the_authority_decides(build: Any) -> None:
    assert in_turn(build())


def test_an_unproven_caller_causes_nothing_before_the_authority_accepts(world: World) -> None:
    world.signed = False
    assert in_turn(world)
    assert "prepared" not in world.did


def test_a_caller_without_a_recent_acceptance_has_its_request_prepared(world: World) -> None:
    world.overlaps, world.wait_for_request = False, True
    assert world.mint() == "ghs_token"
    assert world.did == ["prepared", "confirmed", "spent", "requested"]


def test_a_failure_of_the_preparation_is_not_the_answer(world: World) -> None:
    world.overlaps, world.issuing, world.refusal = False, AppNotInstalled(), InvalidToken(detail="no")
    assert isinstance(world.fail(), InvalidToken)
    world.refusal = None
    assert isinstance(world.fail(), AppNotInstalled)
