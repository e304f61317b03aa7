"""Read the keys that an operator uploads with a provider, for an issuer that Google cannot reach.

It refuses the key sets that IAM refuses. Google: IAM REST v1, `WorkloadIdentityPoolProvider.Oidc.jwksJson`.
"""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from fullsend_sandbox.signing import ES256, RS256, PublicKey

COMMON = frozenset({"kty", "alg", "use", "kid"})
MEMBERS = {"RSA": COMMON | {"n", "e"}, "EC": COMMON | {"x", "y", "crv"}}
ALGORITHM = {"RSA": RS256, "EC": ES256}
MAX_KEYS = 8


class InvalidProviderError(ValueError):
    """Google would refuse to write this provider."""


def uploaded_keys(text: str) -> dict[str, PublicKey]:
    """Return the keys of a JWK set by key id. Raises InvalidProviderError."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InvalidProviderError("The JWKS is not valid JSON.") from problem
    keys = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise InvalidProviderError(f"The JWKS must have between 1 and {MAX_KEYS} keys.")
    return dict(_key(one) for one in keys)


def _key(jwk: Any) -> tuple[str, PublicKey]:
    texts = isinstance(jwk, Mapping) and all(isinstance(value, str) and value for value in jwk.values())
    members = MEMBERS.get(jwk.get("kty", "")) if texts else None
    if members is None or not members >= set(jwk) >= members - {"alg", "use"}:
        raise InvalidProviderError("The JWKS may have only RSA and EC keys with the documented fields.")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHM[jwk["kty"]]) != ALGORITHM[jwk["kty"]]:
        raise InvalidProviderError("The keys of the JWKS must be for signatures with RS256 or ES256.")
    try:
        key = RSAAlgorithm.from_jwk(dict(jwk)) if jwk["kty"] == "RSA" else ECAlgorithm.from_jwk(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError) as problem:
        raise InvalidProviderError("A key of the JWKS cannot be read.") from problem
    return jwk["kid"], key  # type: ignore[return-value] # without `d` it is a public key
