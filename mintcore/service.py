"""Run the steps of minting in order. The caller gets the error of the first step that fails.

1. ``_check``: check the OIDC token here, then let :mod:`~mintcore.policy.trust` decide.
2. ``_start``: check the limits. Steps 5 and 6 may begin now, beside step 3.
3. ``_confirm``: ask the final authority, Google STS. A standalone mint has none.
4. ``_final``: get the answers from GitHub that policy still needs.
5. ``_spend``: get the App JWT, then count the mint.
6. ``_request``: get the installation token. Every outside service is behind :mod:`mintcore.ports`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mintcore.errors import InternalError, KeyUnavailable, MintError, RoleKeyMissing, ServerError
from mintcore.minting.overlap import EarlyToken, InlineEarlyToken, NoOverlap, Overlap, PreparedRequest
from mintcore.minting.results import Minted, Status
from mintcore.policy import trust
from mintcore.policy.claims import Proof, SignedClaims
from mintcore.request import DecisionRecord, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mintcore.minting.lookups import Lookups
    from mintcore.policy.caller import Caller, Claimant
    from mintcore.policy.claims import GenuineClaims, UnprovenClaims
    from mintcore.policy.decision import Decision, Entitlement
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.token_request import TokenRequest
    from mintcore.ports import AppAssertions, AuditLog, Helpers, InstallationTokens, Limiter, TokenUses, Verifier
    from mintcore.request import InstallationToken, RequestContext


class MintService:
    """Turns a genuine, allowed request into a scoped installation token.

    ``lookups`` gets GitHub's answers to policy's questions. ``helpers`` are threads for work in parallel with the
    final authority's check; without them the steps run one after the other.
    """

    def __init__(
        self,
        *,
        policy: TrustPolicy,
        verifier: Verifier,
        assertions: AppAssertions,
        tokens: InstallationTokens,
        lookups: Lookups,
        limiter: Limiter | None,
        token_uses: TokenUses | None,
        audit: AuditLog,
        helpers: Helpers | None = None,
    ) -> None:
        self._policy = policy
        self._verifier = verifier
        self._assertions = assertions
        self._tokens = tokens
        self._lookups = lookups
        self._limiter = limiter
        self._token_uses = token_uses
        self._audit = audit
        self._helpers = helpers
        # With these settings, a token depends on answers that arrive only after the final authority's.
        self._overlaps = helpers is not None and token_uses is None and not policy.grants and not policy.report_only

    def mint(self, unverified_token: str, request: TokenRequest, context: RequestContext) -> Minted:
        """Return the requested token, or raise a MintError. Writes one audit event in both cases."""
        record = DecisionRecord("mint", context, request)

        def admit(claimant: Claimant) -> Decision:
            return trust.decide(self._policy, claimant, request, minting=True)

        with self._audited(record):
            checked = self._check(unverified_token, record, admit)
            if isinstance(checked, SignedClaims):
                decide = partial(trust.decide, self._policy, checked.caller, request, minting=True)
                self._lookups.deny_early(decide, record)
            meanwhile = self._start(checked, record)
            try:
                claimant = self._confirm(unverified_token, checked, record, admit, meanwhile.work).caller
            except BaseException:
                meanwhile.withdraw(record)
                raise
            decision = record.decision = self._final(claimant, request, record)
            issued = record.issued = meanwhile.finish(lambda: self._issue(decision, record))
            return Minted(issued, (*request.warnings, *decision.warnings, *issued.warnings))

    def status(self, unverified_token: str, request: TokenRequest | None, context: RequestContext) -> Status:
        """Return the caller's status. The only condition is that its organization or repository is enrolled.

        A job of another CI system must match an entry of CALLERS, which names its repository. ``request`` is a
        token request that policy decides without minting; ``None`` decides nothing.
        """
        record = DecisionRecord("status", context, request)

        def admit(claimant: Claimant) -> Decision:
            return trust.decide_status(self._policy, claimant, None if request is None else request.role)

        with self._audited(record):
            checked = self._check(unverified_token, record, admit)
            # An untrusted workflow gets no token even if Google accepts it, so Google is not asked.
            if isinstance(checked, SignedClaims) and not trust.workflow_allowed(self._policy, checked.caller):
                record.proof, claimant = Proof.SIGNATURE, checked.caller
            else:
                claimant = self._confirm(unverified_token, checked, record, admit).caller
            allowed = trust.workflow_allowed(self._policy, claimant)
            org = str(_decided(record).acting_caller().org)
            status = Status(org, trust.roles_of(self._policy, claimant), allowed)
            if request is None:
                return status
            # Here a denial is an answer, not a failure.
            record.decision = None
            record.decision = self._final(claimant, request, record)
            return replace(status, decision=record.decision)

    @contextmanager
    def _audited(self, record: DecisionRecord) -> Iterator[None]:
        """Write one audit event, also if the block fails."""
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

    def _check(
        self, unverified_token: str, record: DecisionRecord, admit: Callable[[Claimant], Decision]
    ) -> SignedClaims | UnprovenClaims:
        """Check the token here. Policy decides as soon as the signature is proven, so a denial costs no call."""
        with record.context.step("check"):
            checked = self._verifier.check_locally(unverified_token, record.context)
        if isinstance(checked, SignedClaims):
            _admit(admit, checked.caller, record)
        return checked

    def _confirm(
        self,
        unverified_token: str,
        checked: SignedClaims | UnprovenClaims,
        record: DecisionRecord,
        admit: Callable[[Claimant], Decision],
        meanwhile: Callable[[], None] | None = None,
    ) -> GenuineClaims:
        """Ask the final authority; ``meanwhile`` may be called while the authority works on its answer.

        If the hosted mint cannot get the issuer's keys, only Google checks the signature. Policy then decides
        afterwards, because an unproven caller never learns policy's answer.
        """
        with record.context.step("confirm"):
            genuine = self._verifier.confirm(unverified_token, checked, record.context, meanwhile)
        record.proof = genuine.proof
        if not isinstance(checked, SignedClaims):
            _admit(admit, genuine.caller, record)
        return genuine

    def _final(self, claimant: Claimant, request: TokenRequest, record: DecisionRecord) -> Decision:
        """Return policy's decision with every question answered; most decisions have no question."""
        if record.decision is not None and record.decision.question is None:
            return record.decision
        minting = record.kind == "mint"
        decide = partial(trust.decide, self._policy, claimant, request, minting=minting)
        return self._lookups.answer(decide, record.context, minting=minting)

    def _check_limits(self, caller: Caller) -> None:
        """Refuse a caller over a limit before Google is asked; nothing is counted yet."""
        if self._limiter is not None:
            self._limiter.check(_key(caller))
        if self._token_uses is not None:
            self._token_uses.check(caller)

    def _start(self, checked: SignedClaims | UnprovenClaims, record: DecisionRecord) -> Overlap:
        """Check limits, and begin the work that may overlap with ``_confirm``. Raises RateLimited or TokenSpent."""
        if not isinstance(checked, SignedClaims):
            return NoOverlap()
        decision = _decided(record)
        self._check_limits(decision.acting_caller())
        if self._helpers is None or decision.question is not None:
            return NoOverlap()
        entitled = decision.granted()
        if not (self._overlaps and self._verifier.may_overlap(checked)):
            return PreparedRequest(self._tokens, entitled, record.context, self._helpers)
        try:
            self._spend(decision.acting_caller(), entitled, record)
        except (RoleKeyMissing, KeyUnavailable, ServerError):
            return NoOverlap()  # if the final authority refuses, that error comes first
        if self._verifier.answers_later:
            return InlineEarlyToken(self._tokens, lambda: self._request(entitled, record))
        return EarlyToken(self._tokens, lambda: self._request(entitled, record), self._helpers)

    def _issue(self, decision: Decision, record: DecisionRecord) -> InstallationToken:
        caller, entitled = decision.acting_caller(), decision.granted()
        self._spend(caller, entitled, record)
        with self._counted(caller):
            return self._request(entitled, record)

    def _spend(self, caller: Caller, entitled: Entitlement, record: DecisionRecord) -> None:
        """Get the App JWT, then count the mint: a missing key must not use up the caller's rate limit."""
        context = record.context
        context.served_role = entitled.role
        record.entitlement = entitled
        record.scope = Scope(entitled.permissions, entitled.repos, entitled.ids)
        with context.step("key"):
            self._assertions.assertion(entitled.app, context)
        if self._limiter is not None:
            self._limiter.spend(_key(caller))

    def _request(self, entitled: Entitlement, record: DecisionRecord) -> InstallationToken:
        scope = Scope(entitled.permissions, entitled.repos, entitled.ids)
        with record.context.step("issue"):
            return self._tokens.issue(entitled.app, entitled.target, scope, record.context)

    @contextmanager
    def _counted(self, caller: Caller) -> Iterator[None]:
        """Count one mint of the caller's token, unless the mint fails."""
        if self._token_uses is None:
            yield
            return
        self._token_uses.spend(caller)
        try:
            yield
        except BaseException:
            self._token_uses.refund(caller)
            raise


def _key(caller: Caller) -> str:
    return str(caller.repository).lower()


def _admit(admit: Callable[[Claimant], Decision], claimant: Claimant, record: DecisionRecord) -> None:
    record.caller = claimant
    decision = record.decision = admit(claimant)
    record.caller = decision.caller or claimant
    decision.require()


def _decided(record: DecisionRecord) -> Decision:
    """Return the decision from :func:`_admit`. Raises InternalError without one."""
    if record.decision is None:
        raise InternalError(detail="policy has not decided")
    return record.decision
