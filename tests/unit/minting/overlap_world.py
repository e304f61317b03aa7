"""Every port of the service in memory, with an authority that answers when the test lets it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import (
    MintError,
)
from mintcore.minting.lookups import Lookups
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
