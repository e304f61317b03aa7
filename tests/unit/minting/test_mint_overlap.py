"""Work while the final authority is asked; no token of it remains valid after a refusal."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import (
    AppNotInstalled,
    GitHubUnavailable,
    Incident,
    InvalidToken,
    MintError,
    RateLimited,
    RoleKeyMissing,
    StsUnavailable,
)
from mintcore.minting.lookups import Lookups
from mintcore.observe.audit import event
from mintcore.policy.claims import GenuineClaims, Proof, SignedClaims, UnprovenClaims
from mintcore.policy.names import RepoName, Role
from mintcore.policy.token_request import TokenRequest
from mintcore.request import InstallationToken
from mintcore.secret import Secret
from mintcore.service import MintService
from mintcore.startup.helper_threads import HelperThreads
from tests.mint_doubles import FakeClock, caller, new_attempt, policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.policy.policy import TrustPolicy
    from mintcore.request import DecisionRecord

TIMEOUT = 10.0
ASKED = TokenRequest(Role("triage"), (RepoName("app"),))


class World:
    """Every port in memory; ``did`` has the calls in order. The authority answers when the test lets it."""

    def __init__(self, given: TrustPolicy | None = None, **changes: Any) -> None:
        self.did: list[str] = []
        self.overlaps = True
        self.answers_later = False
        self.sends = True
        self.refusal: MintError | None = None
        self.issuing: Exception | None = None
        self.key: MintError | None = None
        self.limit: MintError | None = None
        self.revokes = True
        self.signed = True
        self.token_requested = threading.Event()
        self.may_issue = threading.Event()
        self.may_issue.set()
        self.wait_for_request = False
        self.threads: list[threading.Thread] = []
        self.recorded: list[DecisionRecord] = []
        seams: dict[str, Any] = {"token_uses": None, "helpers": HelperThreads(2), "limiter": self} | changes
        self.service = MintService(
            policy=given or policy(), verifier=self, assertions=self, tokens=self,  # type: ignore[arg-type]
            lookups=Lookups(None, None), audit=self, **seams,
        )  # fmt: skip

    def check_locally(self, _token: str, _context: object) -> Any:
        return SignedClaims(caller()) if self.signed else UnprovenClaims(caller())

    def may_overlap(self, _checked: SignedClaims) -> bool:
        return self.overlaps

    def confirm(
        self, _token: str, checked: Any, _context: object, meanwhile: Callable[[], None] | None = None
    ) -> GenuineClaims:
        if meanwhile is not None and self.sends:
            meanwhile()
        if self.wait_for_request:
            assert self.token_requested.wait(TIMEOUT)
        self.did.append("confirmed" if self.refusal is None else "refused")
        self.may_issue.set()
        if self.refusal is not None:
            raise self.refusal
        found = checked.caller if isinstance(checked, SignedClaims) else checked.unverified_caller
        return GenuineClaims(found, Proof.SIGNATURE_AND_STS)

    def assertion(self, _app: object, _context: object) -> Secret:
        if self.key is not None:
            raise self.key
        return Secret("jwt")

    def check(self, _key: object) -> None:
        pass

    def spend(self, _key: object) -> None:
        self.did.append("spent")
        if self.limit is not None:
            raise self.limit

    def refund(self, _key: object) -> None:
        self.did.append("given back")

    def prepare(self, _app: object, _target: object, _scope: object, _context: object) -> None:
        self.did.append("prepared")
        self.token_requested.set()
        if self.issuing is not None:
            raise self.issuing

    def issue(self, _app: object, _target: object, scope: Any, _context: object) -> InstallationToken:
        self.did.append("requested")
        self.threads.append(threading.current_thread())
        self.token_requested.set()
        assert self.may_issue.wait(TIMEOUT)
        if self.issuing is not None:
            raise self.issuing
        return InstallationToken(
            Secret("ghs_token"), "2030-01-01T00:00:00Z", ("octo-org/app",), dict(scope.permissions), "selected", 7
        )

    def revoke(self, token: Secret, _context: object) -> bool:
        self.did.append(f"revoked {token.reveal()}")
        return self.revokes

    def record(self, record: DecisionRecord) -> None:
        self.recorded.append(record)

    def mint(self) -> str:
        return self.service.mint("token", ASKED, new_attempt(FakeClock())).token.token.reveal()

    def fail(self) -> MintError:
        with pytest.raises(MintError) as failed:
            self.mint()
        return failed.value


@pytest.fixture
def world() -> World:
    return World()


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
