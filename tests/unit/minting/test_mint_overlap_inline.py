"""The token is requested in the serving thread, between the question to the authority and its answer."""

from __future__ import annotations

import threading

import pytest

from mintcore.errors import (
    AppNotInstalled,
    GitHubUnavailable,
    Incident,
    InvalidToken,
    MintError,
    StsUnavailable,
)
from mintcore.observe.audit import event
from mintcore.secret import Secret
from mintcore.startup.helper_threads import HelperThreads
from tests.unit.minting.overlap_world import World


@pytest.fixture
def here() -> World:
    """Give a world whose authority is asked over an open connection."""
    world = World(helpers=HelperThreads(0))
    world.answers_later = True
    return world


def test_an_authority_that_is_asked_at_once_needs_no_other_thread(here: World) -> None:
    assert here.mint() == "ghs_token"
    assert here.did == ["spent", "requested", "confirmed"]
    assert here.threads == [threading.current_thread()]
    assert here.recorded[0].issued is not None


@pytest.mark.parametrize("refusal", [InvalidToken(detail="refused"), StsUnavailable()])
@pytest.mark.parametrize("revokes", [True, False])
def test_a_token_of_this_thread_is_revoked_before_a_refusal_is_answered(
    here: World, refusal: MintError, revokes: bool
) -> None:
    here.refusal, here.revokes = refusal, revokes
    assert here.fail() is refusal
    assert here.did == ["spent", "requested", "refused", "revoked ghs_token"]
    found = event(here.recorded[0])
    assert found["speculative"] == ("revoked" if revokes else "revocation_failed")
    assert found["hashed_token"] == Secret("ghs_token").hashed()
    assert "issued" not in found


def test_the_authoritys_refusal_comes_before_githubs(here: World) -> None:
    here.refusal, here.issuing = InvalidToken(detail="no"), GitHubUnavailable()
    assert isinstance(here.fail(), InvalidToken)
    assert here.did == ["spent", "requested", "refused"]
    assert "speculative" not in event(here.recorded[0])


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("revoked", [True, False])
def test_a_token_that_was_withheld_is_noted_where_the_authority_refuses_too(
    here: World, *, inline: bool, revoked: bool
) -> None:
    """GitHub has created a token that is wider than requested; it was revoked at once, or could not be."""
    world = here if inline else World()
    incident = Incident(detail="too wide")
    incident.withdrawn = Secret("ghs_wide").hashed(), revoked
    world.refusal, world.issuing = InvalidToken(detail="no"), incident
    assert isinstance(world.fail(), InvalidToken)
    found = event(world.recorded[0])
    assert found["speculative"] == ("revoked" if revoked else "revocation_failed")
    assert found["hashed_token"] == Secret("ghs_wide").hashed()
    assert world.recorded[0].early_failure is incident


@pytest.mark.parametrize("failure", [AppNotInstalled(), RuntimeError("a defect")])
def test_a_failed_request_for_the_token_is_the_answer_where_the_authority_accepts(
    here: World, failure: Exception
) -> None:
    here.issuing = failure
    with pytest.raises(type(failure)):
        here.mint()
    assert here.did == ["spent", "requested", "confirmed"]


def test_where_the_authority_was_asked_twice_the_token_is_requested_after_the_answer(here: World) -> None:
    here.sends = False
    assert here.mint() == "ghs_token"
    assert here.did == ["spent", "confirmed", "requested"]
    here.did.clear()
    here.refusal = InvalidToken(detail="no")
    here.fail()
    assert here.did == ["spent", "refused"]
