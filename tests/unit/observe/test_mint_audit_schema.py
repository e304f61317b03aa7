"""docs/audit-event.schema.json is strict: it takes what the mint writes and little else."""

from __future__ import annotations

from typing import Any

import pytest

from mintcore.errors import InternalError, InvalidToken, IssuerUnavailable, RoleNotAllowed
from mintcore.observe.audit import event
from mintcore.policy.claims import Proof
from mintcore.policy.names import RepoName, Role
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide, decide_status
from mintcore.request import DecisionRecord, InstallationToken, Scope
from mintcore.secret import Secret
from tests.audited_mint import schema_errors
from tests.mint_doubles import FakeClock, caller, new_attempt, policy

REQUEST = TokenRequest(Role("coder"), (RepoName("app"),))


def granted() -> dict[str, Any]:
    given, asks = policy(), caller(run_id="1", actor="octocat")
    grant = decide(given, asks, REQUEST).granted()
    token = InstallationToken(
        Secret("ghs_made_up"), "2030-01-01T00:00:00Z", ("octo-org/app",), dict(grant.permissions), "selected", 7
    )
    return event(
        DecisionRecord(
            "mint",
            new_attempt(FakeClock()),
            REQUEST,
            asks,
            Proof.SIGNATURE_AND_STS,
            decide(given, asks, REQUEST),
            grant,
            Scope(grant.permissions, REQUEST.repos),
            token,
        )
    )


def test_what_the_mint_writes_fits() -> None:
    context, asks = new_attempt(FakeClock()), caller()
    unproven = DecisionRecord("mint", context, REQUEST, failure=InvalidToken(detail="no JWT"))
    denied = DecisionRecord(
        "mint", context, REQUEST, asks, decision=decide(policy(), asks, TokenRequest(Role("x")))
    )
    denied.failure = RoleNotAllowed()
    silent = IssuerUnavailable(detail="no answer", issuer="gitlab")
    down = DecisionRecord("mint", context, REQUEST, failure=silent)
    assert event(down)["issuer"] == "gitlab"
    crashed = DecisionRecord("status", context, failure=InternalError(detail="unexpected KeyError"))
    status = DecisionRecord("status", context, None, asks, Proof.SIGNATURE, decide_status(policy(), asks))
    assert not schema_errors([granted(), *map(event, (unproven, denied, down, crashed, status))])


@pytest.mark.parametrize(
    "change",
    [
        {"token": "ghs_x"},
        {"outcome": "maybe"},
        {"time": "yesterday"},
        {"verified_by": None},
        {"code": "role_not_allowed"},
        {"rules": []},
        {"issuer": "GitLab"},
        {"step_ms": {"issue": -1}},
        {"request_id": "a b"},
    ],
)
def test_what_it_never_writes_does_not_fit(change: dict[str, Any]) -> None:
    assert schema_errors([granted() | change])


@pytest.mark.parametrize("field", ["time", "caller", "issued", "verified_by", "rules", "repos", "step_ms"])
def test_a_granted_mint_says_who_what_and_how(field: str) -> None:
    assert schema_errors([{name: value for name, value in granted().items() if name != field}])
