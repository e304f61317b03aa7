"""Parse JSON Web Key Sets, and check a token's signature with a key of the set.

The mint accepts RS256 with keys of at least 2,048 bits and, from issuers that use it, ES256. PyJWT parses keys and
checks signatures.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.verify.unverified import RS256_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.request import RequestContext
    from mintcore.verify.unverified import UnverifiedToken

MIN_KEY_BITS = 2048

# Attack: a token's header must not choose how the token is checked, so the algorithms are fixed here.
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
_ES256 = ECAlgorithm(ECAlgorithm.SHA256)
_TYPES: Mapping[str, str] = MappingProxyType({"RSA": "RS256", "EC": "ES256"})

KeySet = MappingProxyType[str, RSAPublicKey | EllipticCurvePublicKey]
"""Key id → public key; never empty."""


class FixedKeys:
    """Keys from a file that was read at start, for an issuer that the mint cannot reach."""

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
    """Return the usable keys of a JSON Web Key Set (RFC 7517 §5). Raises IssuerUnavailable if no key is usable."""
    listed = document.get("keys")
    keys: dict[str, RSAPublicKey | EllipticCurvePublicKey] = {}
    unusable: list[str] = []
    for entry in listed if isinstance(listed, list) else []:
        usable = _usable_key(entry, algorithms)
        if isinstance(usable, str):
            unusable.append(usable)
        else:
            keys[entry["kid"]] = usable
    if not keys:
        why = "; ".join(dict.fromkeys(unusable)) or "it lists no keys"
        raise IssuerUnavailable(detail=f"the issuer's key set holds no usable key: {why}")
    return MappingProxyType(keys)


def _usable_key(entry: object, algorithms: frozenset[str]) -> RSAPublicKey | EllipticCurvePublicKey | str:
    """Return the key, or why it cannot be used."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return "a key has no kid"
    kind = entry.get("kty")
    algorithm = _TYPES.get(kind) if isinstance(kind, str) else None
    if entry.get("use", "sig") != "sig":
        return 'a key is not for signatures (its use is not "sig")'
    if algorithm not in algorithms or entry.get("alg", algorithm) != algorithm:
        return f"a key is not for {' or '.join(sorted(algorithms, reverse=True))}"
    try:
        key = jwt.PyJWK.from_dict(entry, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return "a key is damaged"
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= MIN_KEY_BITS else f"a key has fewer than {MIN_KEY_BITS} bits"
    # RFC 7518 §3.4: ES256 uses only the curve P-256.
    on_p256 = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return key if on_p256 else "a key is not on the curve P-256, or is a private key"
