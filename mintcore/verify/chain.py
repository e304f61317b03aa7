"""Turn an unverified token into genuine claims: the checks of both modes, in order.

In hosted mode the signature is a cheap filter and Google decides; without the issuer's keys only Google checks. In
standalone mode the signature decides and is never skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from mintcore.errors import InvalidToken, IssuerUnavailable, ProviderMisconfigured
from mintcore.policy.caller import WorkflowCaller
from mintcore.policy.claims import GenuineClaims, Proof, SignedClaims, UnprovenClaims, check_token
from mintcore.secret import one_line
from mintcore.verify.acceptances import Acceptances
from mintcore.verify.sts import ConditionRefused, ProviderRefused
from mintcore.verify.unverified import split_token

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from mintcore.clock import Clock
    from mintcore.policy.caller import Claimant
    from mintcore.policy.issuers import Issuer
    from mintcore.request import RequestContext
    from mintcore.verify.sts import SecurityTokenService
    from mintcore.verify.unverified import UnverifiedToken

_LATEST = 1e11
"""Later than any realistic time: the year 5138, in seconds."""


class Keys(Protocol):
    """An issuer's keys."""

    def load(self, context: RequestContext, /) -> object:
        """Fetch the keys if they are not cached. Raises IssuerUnavailable."""

    def check_signature(self, unverified: UnverifiedToken, context: RequestContext, /) -> None:
        """Raise InvalidToken unless the issuer signed the token, IssuerUnavailable if that cannot be checked."""


class TrustedIssuer(NamedTuple):
    """An issuer, and the keys that verify only its tokens."""

    issuer: Issuer
    keys: Keys


class _LocalChecks:
    """The checks that both modes make locally."""

    def __init__(self, trusted: Sequence[TrustedIssuer], clock: Clock) -> None:
        self._by_url = {one.issuer.url: one for one in trusted}
        self._only = trusted[0] if len(trusted) == 1 else None
        self._algorithms = frozenset().union(*(one.issuer.kind.algorithms for one in trusted))
        self._clock = clock

    def run(self, unverified_token: str, context: RequestContext) -> tuple[Claimant, IssuerUnavailable | None]:
        """Return the workflow or job in the claims, and the failure if the signature could not be checked."""
        unverified = split_token(unverified_token, self._algorithms)
        issuer, keys = self._only or self._issuer_of(unverified)
        if unverified.algorithm not in issuer.kind.algorithms:
            raise InvalidToken(
                detail=f"the token is signed with {unverified.algorithm}, and not as {issuer.url} does"
            )
        # Load the keys first: that answer carries the issuer's time, which the check of the claims needs.
        unavailable = _load(keys, context)
        # Attack: another issuer must not change the clock that checks GitHub's tokens, so only GitHub corrects it.
        issued = _issued_at(unverified) if issuer.kind.is_github else 0.0
        if unavailable is None and issued > self._clock.now():
            # An old Date may have turned the clock back. Only a genuine token may turn it forward again.
            keys.check_signature(unverified, context)
            self._clock.note_proven_time(issued)
        claimant = check_token(unverified.unverified_claims, issuer, self._clock.now())
        if unavailable is None:
            try:
                keys.check_signature(unverified, context)
            except IssuerUnavailable as error:
                return claimant, error
            if issued:
                self._clock.note_proven_time(issued)
        return claimant, unavailable

    def _issuer_of(self, unverified: UnverifiedToken) -> TrustedIssuer:
        """Return the issuer that the token names; the check with its keys decides whether that is true."""
        claimed = unverified.unverified_claims.get("iss")
        found = self._by_url.get(claimed) if isinstance(claimed, str) else None
        if found is None:
            # Attack: a token in the claim iss. The log's redaction does not find a token that was cut.
            shown = one_line(repr(claimed), 120)
            raise InvalidToken(detail=f"issuer is {shown}, not one of {', '.join(self._by_url)}")
        return found


def _load(keys: Keys, context: RequestContext) -> IssuerUnavailable | None:
    try:
        keys.load(context)
    except IssuerUnavailable as error:
        return error
    return None


def _issued_at(unverified: UnverifiedToken) -> float:
    """Return the claim ``iat``, 0.0 if it is not a time; :func:`check_claims` refuses such a token."""
    issued = unverified.unverified_claims.get("iat")
    if not isinstance(issued, int | float) or isinstance(issued, bool) or not 0 <= issued < _LATEST:
        return 0.0
    return float(issued)


def _asks(claimant: Claimant) -> Hashable:
    """Return the key of a provider's acceptance: the repository, or the project of a job."""
    return claimant.repository if isinstance(claimant, WorkflowCaller) else (claimant.project_id, claimant.project)


def _is_the_operators(error: InvalidToken, claimant: Claimant) -> bool:
    """Return whether only the operator can change Google's refusal of a signed token.

    If a provider's condition refuses a job that CALLERS admits, the operator has not updated the condition.
    """
    if isinstance(error, ConditionRefused):
        return not isinstance(claimant, WorkflowCaller)
    return isinstance(error, ProviderRefused)


class HostedVerifier:
    """Claims, signature if it can be checked, and the exchange at Google STS.

    ``provider_for`` names the workload identity provider for a caller's tokens. With ``overlap``, a token may be
    requested in parallel with the exchange.
    """

    def __init__(
        self,
        trusted: Sequence[TrustedIssuer],
        sts: SecurityTokenService,
        clock: Clock,
        *,
        provider_for: Callable[[Claimant], str],
        overlap: bool = False,
    ) -> None:
        self._local = _LocalChecks(trusted, clock)
        self._sts = sts
        self._acceptances = Acceptances(clock) if overlap else None
        self._provider_for = provider_for

    def check_locally(self, unverified_token: str, context: RequestContext) -> SignedClaims | UnprovenClaims:
        """Return signed claims, or unproven ones if the issuer's keys are not available. Raises InvalidToken."""
        caller, unavailable = self._local.run(unverified_token, context)
        return SignedClaims(caller) if unavailable is None else UnprovenClaims(caller)

    def confirm(
        self,
        unverified_token: str,
        checked: SignedClaims | UnprovenClaims,
        context: RequestContext,
        meanwhile: Callable[[], None] | None = None,
    ) -> GenuineClaims:
        """Return genuine claims if Google accepts the token. Raises InvalidToken or StsUnavailable."""
        if isinstance(checked, SignedClaims):
            caller, proof = checked.caller, Proof.SIGNATURE_AND_STS
        else:
            caller, proof = checked.unverified_caller, Proof.STS
        provider_id = self._provider_for(caller)
        try:
            self._sts.exchange(unverified_token, provider_id, context, meanwhile)
        except BaseException as error:
            if self._acceptances is not None:
                self._acceptances.refused(provider_id, _asks(caller))
            # Only a caller whose signature is proven may learn the reason, or cause an alert.
            signed = isinstance(checked, SignedClaims)
            if signed and isinstance(error, InvalidToken) and _is_the_operators(error, caller):
                raise ProviderMisconfigured(detail=error.detail, request_id=context.request_id) from None
            raise
        if self._acceptances is not None:
            self._acceptances.accepted(provider_id, _asks(caller))
        return GenuineClaims(caller, proof)

    def may_overlap(self, checked: SignedClaims) -> bool:
        """Return whether the provider accepted the same repository in the last ten minutes; use that up."""
        if self._acceptances is None:
            return False
        return self._acceptances.use(self._provider_for(checked.caller), _asks(checked.caller))

    @property
    def answers_later(self) -> bool:
        """Whether :meth:`confirm` can send its request immediately, and so call ``meanwhile``."""
        return self._sts.answers_later


class StandaloneVerifier:
    """Claims and signature; without the issuer's keys every token is refused."""

    def __init__(self, trusted: Sequence[TrustedIssuer], clock: Clock) -> None:
        self._local = _LocalChecks(trusted, clock)

    def check_locally(self, unverified_token: str, context: RequestContext) -> SignedClaims:
        """Return signed claims. Raises InvalidToken or IssuerUnavailable."""
        caller, unavailable = self._local.run(unverified_token, context)
        if unavailable is not None:
            raise unavailable
        return SignedClaims(caller)

    def confirm(
        self,
        _unverified_token: str,
        checked: SignedClaims | UnprovenClaims,
        _context: RequestContext,
        _meanwhile: Callable[[], None] | None = None,
    ) -> GenuineClaims:
        """Return genuine claims: the signature decides. Raises InvalidToken for unproven ones."""
        if not isinstance(checked, SignedClaims):
            raise InvalidToken(detail="the signature was not checked")
        return GenuineClaims(checked.caller, Proof.SIGNATURE)

    def may_overlap(self, _checked: SignedClaims) -> bool:
        """Return ``False``: this verifier makes no call that a request could overlap with."""
        return False

    @property
    def answers_later(self) -> bool:
        """``False``: :meth:`confirm` sends no request."""
        return False
