"""An issuer's keys, and the check of a token's signature against them. Each issuer's keys are kept apart.

The mint accepts RS256 with keys of at least 2,048 bits and, from issuers that sign so, ES256. PyJWT parses keys and
checks signatures. Its client is not used to fetch them: it asks again for every unknown key id, so an attacker
would choose how often.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from mintcore.cache import ExpiringCache
from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.outbound.answer import OutboundError
from mintcore.request import Deadline
from mintcore.verify.unverified import RS256_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.helpers import Helpers
    from mintcore.outbound.channel import Outbound
    from mintcore.ports import Clock
    from mintcore.request import RequestContext
    from mintcore.verify.unverified import UnverifiedToken

FRESH_SECONDS = 3600.0
STALE_SECONDS = 24 * 3600.0
UNKNOWN_KEY_SECONDS = 30.0
# Long enough to spare an issuer that is down, short enough to notice soon that it is back.
HOLD_FAILURE_SECONDS = 5.0
MIN_KEY_BITS = 2048

_OK = 200

# The algorithms, fixed here: no token's header chooses how it is checked.
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
_ES256 = ECAlgorithm(ECAlgorithm.SHA256)
_TYPES: Mapping[str, str] = MappingProxyType({"RSA": "RS256", "EC": "ES256"})

KeySet = MappingProxyType[str, RSAPublicKey | EllipticCurvePublicKey]
"""Key id → public key; never empty."""


class IssuerKeys:
    """The keys the issuer signs with.

    ``patience_seconds`` bounds one fetch, within the request's own deadline. Keys up to ``renewed_seconds`` old are
    served while a thread of ``helpers`` fetches new ones. ``sets_clock`` is whether its ``Date`` corrects the
    clock.
    """

    def __init__(
        self,
        issuer: str,
        outbound: Outbound,
        clock: Clock,
        *,
        patience_seconds: float,
        renewed_seconds: float = 0.0,
        helpers: Helpers | None = None,
        algorithms: frozenset[str] = RS256_ONLY,
        sets_clock: bool = True,
    ) -> None:
        parts = urlsplit(issuer)
        self._issuer = issuer
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._discovery_path = parts.path.rstrip("/") + "/.well-known/openid-configuration"
        self._channel = outbound.channel("issuer", self._origin)
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._algorithms = algorithms
        self._sets_clock = sets_clock
        self._keys = ExpiringCache[str, KeySet](
            "jwks",
            clock=clock,
            fresh_for=lambda _keys: FRESH_SECONDS,
            renew_for=lambda _keys: max(0.0, renewed_seconds - FRESH_SECONDS),
            stale_seconds=STALE_SECONDS,
            hold_failure_seconds=HOLD_FAILURE_SECONDS,
            most=1,
            slow=lambda: IssuerUnavailable(detail="waited for the issuer's keys until the time ran out"),
            helpers=helpers,
        )

    def load(self, context: RequestContext) -> KeySet:
        """Return the keys, fetched if they are not here. Raises IssuerUnavailable."""
        return self._keys.get(self._issuer, lambda: self._fetch(context), context, renew=self._fetch)

    def check_signature(self, unverified: UnverifiedToken, context: RequestContext) -> None:
        """Raise InvalidToken unless the issuer signed the token, IssuerUnavailable if that cannot be checked.

        An unknown key id fetches the keys again, at most once in 30 s for all callers together: a rotated key is
        found at once, and invented key ids cost nothing.
        """
        key = self.load(context).get(unverified.key_id)
        if key is None:
            keys = self._keys.renew(
                self._issuer, lambda: self._fetch(context), context, at_most_every=UNKNOWN_KEY_SECONDS
            )
            key = keys.get(unverified.key_id)
        require_signature(unverified, key)

    def _fetch(self, context: RequestContext) -> KeySet:
        deadline = Deadline(self._clock, min(self._patience_seconds, context.deadline.remaining()))
        hurried = replace(context, deadline=deadline)
        try:
            document = self._get(self._discovery_path, hurried)
            if document.get("issuer") != self._issuer:
                raise IssuerUnavailable(detail="the discovery document is of another issuer")
            return parse_key_set(self._get(self._jwks_path(document.get("jwks_uri")), hurried), self._algorithms)
        except OutboundError as error:
            raise IssuerUnavailable(detail=str(error)) from None

    def _get(self, path: str, context: RequestContext) -> dict[str, Any]:
        answer = self._channel.send("GET", path, headers={"Accept": "application/json"}, context=context)
        if answer.status != _OK:
            raise IssuerUnavailable(detail=f"{self._channel.service}: status {answer.status} for {path}")
        if self._sets_clock:
            self._clock.observe(answer.headers.get("date", ""), answer.headers.get("age", ""), cacheable=True)
        return answer.json_object()

    def _jwks_path(self, jwks_uri: object) -> str:
        """Return the key set's path at the issuer. Reject a cross-origin ``jwks_uri``."""
        if isinstance(jwks_uri, str) and jwks_uri.startswith(f"{self._origin}/"):
            return jwks_uri.removeprefix(self._origin)
        shown = jwks_uri[:200] if isinstance(jwks_uri, str) else type(jwks_uri).__name__
        raise IssuerUnavailable(detail=f"jwks_uri is not on the issuer's origin {self._origin}: {shown}")


class FixedKeys:
    """The keys of an issuer that the mint cannot reach, from a file that was read at start."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def load(self, _context: RequestContext) -> KeySet:
        """Return the keys."""
        return self._keys

    def check_signature(self, unverified: UnverifiedToken, _context: RequestContext) -> None:
        """Raise InvalidToken unless the issuer signed the token."""
        require_signature(unverified, self._keys.get(unverified.key_id))


def require_signature(unverified: UnverifiedToken, key: RSAPublicKey | EllipticCurvePublicKey | None) -> None:
    """Raise InvalidToken unless ``key`` made the token's signature, with the algorithm that belongs to the key."""
    if key is None:
        raise InvalidToken(detail="the issuer has no key of the token's key id")
    if isinstance(key, RSAPublicKey):
        genuine = unverified.algorithm == "RS256" and _RS256.verify(
            unverified.signing_input, key, unverified.signature
        )
    else:
        genuine = unverified.algorithm == "ES256" and _ES256.verify(
            unverified.signing_input, key, unverified.signature
        )
    if not genuine:
        raise InvalidToken(detail="the signature is not the issuer's")


def parse_key_set(document: Mapping[str, Any], algorithms: frozenset[str] = RS256_ONLY) -> KeySet:
    """Return the usable keys of a JSON Web Key Set (RFC 7517 §5). Raises IssuerUnavailable if there are none."""
    listed = document.get("keys")
    keys: dict[str, RSAPublicKey | EllipticCurvePublicKey] = {}
    for entry in listed if isinstance(listed, list) else []:
        usable = _usable_key(entry, algorithms)
        if usable is not None:
            keys[entry["kid"]] = usable
    if not keys:
        raise IssuerUnavailable(detail="the issuer's key set holds no usable key")
    return MappingProxyType(keys)


def _usable_key(entry: object, algorithms: frozenset[str]) -> RSAPublicKey | EllipticCurvePublicKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return None
    kind = entry.get("kty")
    algorithm = _TYPES.get(kind) if isinstance(kind, str) else None
    if algorithm not in algorithms or entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK.from_dict(entry, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= MIN_KEY_BITS else None
    # RFC 7518 §3.4: ES256 is P-256 and no other curve.
    return key if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1) else None
