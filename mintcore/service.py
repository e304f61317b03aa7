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
from mintcore.request import DecisionRecord, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mintcore.policy.claims import Caller, GenuineClaims
    from mintcore.policy.token_request import TokenRequest
    from mintcore.policy.trust import Decision, TrustPolicy
    from mintcore.ports import AppAssertions, AuditLog, InstallationTokens, Limiter, Verifier
    from mintcore.request import InstallationToken, RequestContext


@dataclass(frozen=True, slots=True)
class Status:
    """What a genuine caller may know of its own organization's standing.

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
        tokens: InstallationTokens,
        limiter: Limiter | None,
        audit: AuditLog,
    ) -> None:
        self._policy = policy
        self._verifier = verifier
        self._assertions = assertions
        self._tokens = tokens
        self._limiter = limiter
        self._audit = audit

    def mint(self, unverified_token: str, request: TokenRequest, context: RequestContext) -> InstallationToken:
        """Return the token ``request`` asks for. Raises a MintError; either way one audit event is written."""
        record = DecisionRecord("mint", context, request)
        with self._audited(record):
            genuine = self._genuine(unverified_token, record, lambda caller: self._decide(caller, request))
            return self._issue(genuine, request, record)

    def status(self, unverified_token: str, request: TokenRequest | None, context: RequestContext) -> Status:
        """Return how the caller stands, asking for no more than that its organization is served.

        ``request`` is what it would like to have decided without minting.
        """
        record = DecisionRecord("status", context, request)
        with self._audited(record):
            genuine = self._genuine(
                unverified_token, record, lambda caller: trust.decide_status(self._policy, caller)
            )
            allowed = trust.workflow_allowed(self._policy, genuine.caller)
            status = Status(str(genuine.caller.org), tuple(self._policy.roles.names), allowed)
            if request is None:
                return status
            # What the caller would be granted is the answer here, and a no is no refusal.
            record.decision = self._decide(genuine.caller, request)
            return replace(status, decision=record.decision)

    @contextmanager
    def _audited(self, record: DecisionRecord) -> Iterator[None]:
        """Write one audit event, however what is done inside ends."""
        try:
            yield
        except MintError as failure:
            record.failure = failure
            raise
        except Exception as error:
            record.failure = InternalError(detail=f"unexpected {type(error).__name__}")
            raise
        finally:
            self._audit.record(record)

    def _genuine(
        self, unverified_token: str, record: DecisionRecord, judge: Callable[[Caller], Decision]
    ) -> GenuineClaims:
        """Return claims that are genuine and that ``judge`` allows.

        Policy is asked as soon as the signature is proven, so that a denied caller costs no upstream call. Hosted,
        the issuer's keys may be out of reach: then the signature is Google's alone to check, and policy is asked
        after that, because an unproven caller is never told what policy thinks of it.
        """
        context = record.context
        with context.step("examine"):
            examined = self._verifier.check_locally(unverified_token, context)
        if isinstance(examined, SignedClaims):
            _require(judge, examined, record)
        with context.step("confirm"):
            genuine = self._verifier.confirm(unverified_token, examined, context)
        record.proof = genuine.proof
        if not isinstance(examined, SignedClaims):
            _require(judge, genuine, record)
        return genuine

    def _decide(self, caller: Caller, request: TokenRequest) -> Decision:
        return trust.decide(self._policy, caller, request.role)

    def _issue(self, genuine: GenuineClaims, request: TokenRequest, record: DecisionRecord) -> InstallationToken:
        context, caller = record.context, genuine.caller
        grant = trust.grant_for(self._policy, request.role)
        context.served_role = grant.role
        record.app, record.scope = grant.app, Scope(grant.permissions, request.repos)
        # Made here for the calls of the last step, which take it out of its cache: that a key is missing is said
        # before the limit is spent and before GitHub is asked for anything.
        with context.step("key"):
            self._assertions.assertion(grant.app, context)
        if self._limiter is not None:
            self._limiter.spend(str(caller.repository).lower())
        with context.step("issue"):
            record.issued = self._tokens.issue(grant.app, caller.org, record.scope, context)
        return record.issued


def _require(
    judge: Callable[[Caller], Decision], claims: SignedClaims | GenuineClaims, record: DecisionRecord
) -> None:
    record.caller = claims.caller
    record.decision = judge(claims.caller)
    record.decision.require()
