"""From unverified text to genuine claims: who is asked, in which order.

Hosted, the signature is a cheap filter and Google has the last word; without the issuer's keys the filter is
skipped and Google's word stands alone. Standalone, the signature is the authority and there is no skipping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.policy.claims import Caller, GenuineClaims, Proof, SignedClaims, UnprovenClaims, check_claims
from mintcore.verify.unverified import take_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.ports import Clock
    from mintcore.request import Attempt
    from mintcore.verify.jwks import IssuerKeys
    from mintcore.verify.sts import SecurityTokenService


class _Examiner:
    """The checks that both modes make here."""

    def __init__(self, keys: IssuerKeys, clock: Clock, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    def examine(self, unverified_token: str, attempt: Attempt) -> tuple[Caller, IssuerUnavailable | None]:
        """Return whom the claims name, and why the signature could not be checked, if it could not."""
        unverified = take_apart(unverified_token)
        # The keys come first because with them comes the issuer's time, by which the claims are judged.
        unavailable = self._load_keys(attempt)
        caller = check_claims(
            unverified.unverified_claims, issuer=self._issuer, audience=self._audience, now=self._clock.now()
        )
        if unavailable is None:
            try:
                self._keys.check_signature(unverified, attempt)
            except IssuerUnavailable as error:
                unavailable = error
        return caller, unavailable

    def _load_keys(self, attempt: Attempt) -> IssuerUnavailable | None:
        try:
            self._keys.load(attempt)
        except IssuerUnavailable as error:
            return error
        return None


class HostedVerifier:
    """Claims, signature if it can be checked, and the exchange at Google STS.

    ``provider_for`` names the workload identity provider that judges a caller's tokens.
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
    ) -> None:
        self._examiner = _Examiner(keys, clock, issuer=issuer, audience=audience)
        self._sts = sts
        self._provider_for = provider_for

    def examine(self, unverified_token: str, attempt: Attempt) -> SignedClaims | UnprovenClaims:
        """Return signed claims, or unproven ones where the issuer's keys cannot be had. Raises InvalidToken."""
        caller, unavailable = self._examiner.examine(unverified_token, attempt)
        return SignedClaims(caller) if unavailable is None else UnprovenClaims(caller)

    def confirm(
        self, unverified_token: str, examined: SignedClaims | UnprovenClaims, attempt: Attempt
    ) -> GenuineClaims:
        """Return genuine claims if Google accepts the token. Raises InvalidToken or StsUnavailable."""
        if isinstance(examined, SignedClaims):
            caller, proof = examined.caller, Proof.SIGNATURE_AND_STS
        else:
            caller, proof = examined.unverified_caller, Proof.STS
        self._sts.exchange(unverified_token, self._provider_for(caller), attempt)
        return GenuineClaims(caller, proof)


class StandaloneVerifier:
    """Claims and signature; without the issuer's keys nobody is let in."""

    def __init__(self, keys: IssuerKeys, clock: Clock, *, issuer: str, audience: str) -> None:
        self._examiner = _Examiner(keys, clock, issuer=issuer, audience=audience)

    def examine(self, unverified_token: str, attempt: Attempt) -> SignedClaims:
        """Return signed claims. Raises InvalidToken or IssuerUnavailable."""
        caller, unavailable = self._examiner.examine(unverified_token, attempt)
        if unavailable is not None:
            raise unavailable
        return SignedClaims(caller)

    def confirm(
        self, _unverified_token: str, examined: SignedClaims | UnprovenClaims, _attempt: Attempt
    ) -> GenuineClaims:
        """Return genuine claims: the signature was the authority. Raises InvalidToken for unproven ones."""
        if not isinstance(examined, SignedClaims):
            raise InvalidToken(detail="the signature was not checked")
        return GenuineClaims(examined.caller, Proof.SIGNATURE)
