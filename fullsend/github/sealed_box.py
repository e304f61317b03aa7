"""Encrypt a secret for GitHub as a libsodium sealed box. GitHub REST: "Encrypting secrets for the REST API"."""

from __future__ import annotations

from base64 import b64encode

from nacl.encoding import Base64Encoder
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox


def sealed(public_key: str, value: str) -> str:
    """Encrypt a value for a public key in base64. Raises ValueError for an invalid key."""
    try:
        key = PublicKey(public_key.encode(), Base64Encoder)
    except (CryptoError, TypeError) as error:
        raise ValueError("no public key") from error
    return b64encode(SealedBox(key).encrypt(value.encode())).decode()
