"""Turn an unverified token into genuine claims: the checks of both modes, in order.

Hosted, the signature is a cheap filter and Google decides; without the issuer's keys Google alone decides.
Standalone, the signature decides and is never skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import InvalidToken, IssuerUnavailable, ProviderMisconfigured
from mintcore.policy.claims import Caller, GenuineClaims, Proof, SignedClaims, UnprovenClaims, check_claims
from mintcore.verify.acceptances import Acceptances
from mintcore.verify.sts import ProviderRefused
from mintcore.verify.unverified import split_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.ports import Clock
    from mintcore.request import RequestContext
    from mintcore.verify.jwks import IssuerKeys
    from mintcore.verify.sts import SecurityTokenService
    from mintcore.verify.unverified import UnverifiedToken

_LATEST = 1e11
"""Later than any time that is meant: the year 5138, in seconds."""


class _Examiner:
    """The checks that both modes make locally."""

    def __init__(self, keys: IssuerKeys, clock: Clock, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    def check_locally(
        self, unverified_token: str, context: RequestContext
    ) -> tuple[Caller, IssuerUnavailable | None]:
        """Return the caller that the claims name, and the failure if the signature could not be checked."""
        unverified = split_token(unverified_token)
        # Load the keys first: their answer carries the issuer's time, which the claims are checked against.
        unavailable = self._load_keys(context)
        issued = _issued_at(unverified)
        if unavailable is None and issued > self._clock.now():
            # The clock may have been turned back by an old Date. Only a genuine token may turn it forward again.
            self._keys.check_signature(unverified, context)
            self._clock.witness(issued)
        caller = check_claims(
            unverified.unverified_claims, issuer=self._issuer, audience=self._audience, now=self._clock.now()
        )
        if unavailable is None:
            try:
                self._keys.check_signature(unverified, context)
                self._clock.witness(issued)
            except IssuerUnavailable as error:
                unavailable = error
        return caller, unavailable

    def _load_keys(self, context: RequestContext) -> IssuerUnavailable | None:
        try:
            self._keys.load(context)
        except IssuerUnavailable as error:
            return error
        return None


def _issued_at(unverified: UnverifiedToken) -> float:
    """Return the claim ``iat``, 0.0 if it is not a time; :func:`check_claims` refuses such a token."""
    issued = unverified.unverified_claims.get("iat")
    if not isinstance(issued, int | float) or isinstance(issued, bool) or not 0 <= issued < _LATEST:
        return 0.0
    return float(issued)


class HostedVerifier:
    """Claims, signature if it can be checked, and the exchange at Google STS.

    ``provider_for`` names the workload identity provider for a caller's tokens. With ``overlap``, a token may be
    requested in parallel with the exchange.
    """

    def __init__(
        self,
        keys: IssuerKeys,
        sts: SecurityTokenService,
        clock: Clock,
        *,
        issuer: str,
        audience: str,
        provider_for: Callable[[Caller], str],
        overlap: bool = False,
    ) -> None:
        self._examiner = _Examiner(keys, clock, issuer=issuer, audience=audience)
        self._sts = sts
        self._acceptances = Acceptances(clock) if overlap else None
        self._provider_for = provider_for

    def check_locally(self, unverified_token: str, context: RequestContext) -> SignedClaims | UnprovenClaims:
        """Return signed claims, or unproven ones if the issuer's keys are not available. Raises InvalidToken."""
        caller, unavailable = self._examiner.check_locally(unverified_token, context)
        return SignedClaims(caller) if unavailable is None else UnprovenClaims(caller)

    def confirm(
        self, unverified_token: str, examined: SignedClaims | UnprovenClaims, context: RequestContext
    ) -> GenuineClaims:
        """Return genuine claims if Google accepts the token. Raises InvalidToken or StsUnavailable."""
        if isinstance(examined, SignedClaims):
            caller, proof = examined.caller, Proof.SIGNATURE_AND_STS
        else:
            caller, proof = examined.unverified_caller, Proof.STS
        provider_id = self._provider_for(caller)
        try:
            self._sts.exchange(unverified_token, provider_id, context)
        except BaseException as error:
            if self._acceptances is not None:
                self._acceptances.refused(provider_id, caller.repository)
            # Only a caller whose signature is proven may learn the reason, or cause an alert.
            if isinstance(error, ProviderRefused) and isinstance(examined, SignedClaims):
                raise ProviderMisconfigured(detail=error.detail, request_id=context.request_id) from None
            raise
        if self._acceptances is not None:
            self._acceptances.accepted(provider_id, caller.repository)
        return GenuineClaims(caller, proof)

    def may_overlap(self, examined: SignedClaims) -> bool:
        """Return whether the provider accepted the same repository in the last ten minutes; use that up."""
        if self._acceptances is None:
            return False
        return self._acceptances.use(self._provider_for(examined.caller), examined.caller.repository)


class StandaloneVerifier:
    """Claims and signature; without the issuer's keys every token is refused."""

    def __init__(self, keys: IssuerKeys, clock: Clock, *, issuer: str, audience: str) -> None:
        self._examiner = _Examiner(keys, clock, issuer=issuer, audience=audience)

    def check_locally(self, unverified_token: str, context: RequestContext) -> SignedClaims:
        """Return signed claims. Raises InvalidToken or IssuerUnavailable."""
        caller, unavailable = self._examiner.check_locally(unverified_token, context)
        if unavailable is not None:
            raise unavailable
        return SignedClaims(caller)

    def confirm(
        self, _unverified_token: str, examined: SignedClaims | UnprovenClaims, _context: RequestContext
    ) -> GenuineClaims:
        """Return genuine claims: the signature decides. Raises InvalidToken for unproven ones."""
        if not isinstance(examined, SignedClaims):
            raise InvalidToken(detail="the signature was not checked")
        return GenuineClaims(examined.caller, Proof.SIGNATURE)

    def may_overlap(self, _examined: SignedClaims) -> bool:
        """Return ``False``: there is no call to overlap with."""
        return False
