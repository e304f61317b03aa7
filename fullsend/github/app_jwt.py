"""The JWT with which a GitHub App proves itself. GitHub: "Generating a JSON Web Token (JWT) for a GitHub App"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME_SECONDS = 540
"""GitHub refuses more than ten minutes, and clocks differ."""
BACKDATED_SECONDS = 60


def app_jwt(app_id: str, key: RSAPrivateKey | str, now: float) -> str:
    """Return an App JWT; `now` is in seconds since the epoch, `key` may be PEM.

    Raises ValueError for a key that is not an RSA private key.
    """
    claims = {"iss": app_id, "iat": int(now) - BACKDATED_SECONDS, "exp": int(now) + LIFETIME_SECONDS}
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ValueError("not an RSA private key in PEM form") from None  # the parser may quote the key
