"""The steps of minting, in the order of the contract.

This is the whole story: is the token genuine, may its caller have the role, is there a key, has it asked too
often, and what does the forge give. It knows no HTTP and no environment; what it needs comes through
:mod:`mintcore.ports`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mintcore.errors import InternalError, MintError
from mintcore.policy import trust
from mintcore.policy.claims import SignedClaims
from mintcore.ports import Decided, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.policy.claims import GenuineClaims
    from mintcore.policy.token_request import TokenRequest
    from mintcore.policy.trust import Decision, TrustPolicy
    from mintcore.ports import (
        AppAssertions,
        Attempt,
        AuditLog,
        InstallationToken,
        Limiter,
        TokenIssuer,
        Verifier,
    )


@dataclass(frozen=True, slots=True)
class Status:
    """What a genuine caller may know of its own organisation's standing.

    ``decision`` is what policy says to the request the caller asked about, ``None`` if it asked about none.
    """

    org: str
    roles: tuple[str, ...]
    workflow_allowed: bool
    decision: Decision | None = None


class MintService:
    """Turns a genuine, allowed request into a scoped installation token."""

    def __init__(
        self,
        *,
        policy: TrustPolicy,
        verifier: Verifier,
        assertions: AppAssertions,
        issuer: TokenIssuer,
        limiter: Limiter | None,
        audit: AuditLog,
    ) -> None:
        self._policy = policy
        self._verifier = verifier
        self._assertions = assertions
        self._issuer = issuer
        self._limiter = limiter
        self._audit = audit

    def mint(self, unverified_token: str, request: TokenRequest, attempt: Attempt) -> InstallationToken:
        """Return the token ``request`` asks for. Raises a MintError; either way one audit event is written."""
        decided = Decided("mint", attempt, request)
        with self._audited(decided):
            genuine = self._genuine(unverified_token, decided, request)
            return self._issue(genuine, request, decided)

    def status(self, unverified_token: str, request: TokenRequest | None, attempt: Attempt) -> Status:
        """Return how the caller stands, asking for no more than that its organisation is served.

        ``request`` is what it would like to have decided without minting.
        """
        decided = Decided("status", attempt, request)
        with self._audited(decided):
            genuine = self._genuine(unverified_token, decided, None)
            allowed = trust.workflow_allowed(self._policy, genuine.caller)
            status = Status(str(genuine.caller.org), tuple(self._policy.roles.names), allowed)
            if request is None:
                return status
            # Its organisation is served; what it would be granted is another question, and no refusal of this one.
            decided.decision = trust.decide(self._policy, genuine.caller, request.role)
            return replace(status, decision=decided.decision)

    @contextmanager
    def _audited(self, decided: Decided) -> Iterator[None]:
        """Write one audit event, however what is done inside ends."""
        try:
            yield
        except MintError as failure:
            decided.failure = failure
            raise
        except Exception as error:
            decided.failure = InternalError(detail=f"unexpected {type(error).__name__}")
            raise
        finally:
            self._audit.record(decided)

    def _genuine(self, unverified_token: str, decided: Decided, request: TokenRequest | None) -> GenuineClaims:
        """Return claims that are genuine and that policy allows; without a ``request`` the caller alone is judged.

        Policy is asked as soon as the signature is proven, so that a denied caller costs no outside call. Hosted,
        the issuer's keys may be out of reach: then the signature is Google's alone to check, and policy is asked
        after that, because an unproven caller is never told what policy thinks of it.
        """
        attempt = decided.attempt
        with attempt.step("examine"):
            examined = self._verifier.examine(unverified_token, attempt)
        if isinstance(examined, SignedClaims):
            self._decide(examined, request, decided)
        with attempt.step("confirm"):
            genuine = self._verifier.confirm(unverified_token, examined, attempt)
        decided.proof = genuine.proof
        if decided.decision is None:
            self._decide(genuine, request, decided)
        return genuine

    def _decide(self, claims: SignedClaims | GenuineClaims, request: TokenRequest | None, decided: Decided) -> None:
        decided.caller = claims.caller
        decided.decision = (
            trust.decide_status(self._policy, claims.caller)
            if request is None
            else trust.decide(self._policy, claims.caller, request.role)
        )
        decided.decision.require()

    def _issue(self, genuine: GenuineClaims, request: TokenRequest, decided: Decided) -> InstallationToken:
        attempt, caller = decided.attempt, genuine.caller
        grant = trust.grant_for(self._policy, request.role)
        attempt.served_role = grant.role
        decided.app, decided.scope = grant.app, Scope(grant.permissions, request.repos)
        # The App's JWT is made here and used by the issuer, out of its cache: a key that is missing is said before
        # the limit is spent, and GitHub is not asked for anything first.
        with attempt.step("key"):
            self._assertions.assertion(grant.app, attempt)
        if self._limiter is not None:
            self._limiter.spend(str(caller.repository).lower())
        with attempt.step("issue"):
            decided.issued = self._issuer.issue(grant.app, caller.org, decided.scope, attempt)
        return decided.issued
