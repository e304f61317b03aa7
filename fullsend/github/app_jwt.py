"""Make a GitHub App's JWT. GitHub: "Generating a JSON Web Token (JWT) for a GitHub App"."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import jwt

from fullsend.github.app_key import load_app_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME_SECONDS = 540
"""GitHub refuses more than ten minutes, and clocks differ."""
BACKDATED_SECONDS = 60


def unsigned_app_jwt(app_id: str, now: float) -> str:
    """Return header and claims, which a signer outside this process signs with RS256 (RFC 7515 §5.1)."""
    parts = ({"alg": "RS256", "typ": "JWT"}, _claims(app_id, now))
    texts = (json.dumps(part, separators=(",", ":")).encode() for part in parts)
    return ".".join(base64.urlsafe_b64encode(text).decode().rstrip("=") for text in texts)


def _claims(app_id: str, now: float) -> dict[str, str | int]:
    return {"iss": app_id, "iat": int(now) - BACKDATED_SECONDS, "exp": int(now) + LIFETIME_SECONDS}


def app_jwt(app_id: str, key: RSAPrivateKey | str, now: float) -> str:
    """Return an App JWT; `now` is in seconds since the epoch, `key` may be PEM.

    Raises ValueError for a key that is not an RSA private key.
    """
    try:
        private = load_app_key(key.encode()) if isinstance(key, str) else key
        return jwt.encode(_claims(app_id, now), private, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ValueError("not an RSA private key in PEM form") from None  # the parser may quote the key
