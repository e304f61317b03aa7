"""A signer whose key is in this process's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mintcore.errors import InvalidRoleKey

if TYPE_CHECKING:
    from mintcore.policy.names import Role

MIN_KEY_BITS = 2048


class RsaSigner:
    """Signs RS256 with an RSA private key."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return the signature of ``message`` (RFC 7518 §3.3: RSASSA-PKCS1-v1_5 with SHA-256)."""
        return self._key.sign(message, PKCS1v15(), SHA256())

    def __repr__(self) -> str:
        return "RsaSigner(<secret>)"


def parse_signer(pem: bytes, role: Role) -> RsaSigner:
    """Return the signer for a private key in PEM (PKCS#1 or PKCS#8).

    Raises InvalidRoleKey, whose detail says what is wrong with the key and holds nothing of it. Checking a
    key costs tens of milliseconds, so that this is done once per key and not once per mint.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise InvalidRoleKey(detail=f"the key of role {role} is encrypted; store it without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidRoleKey(detail=f"the key of role {role} {_what_is_wrong(pem)}") from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidRoleKey(detail=f"the key of role {role} is no RSA key; GitHub App keys are")
    if key.key_size < MIN_KEY_BITS:
        raise InvalidRoleKey(detail=f"the key of role {role} has {key.key_size} bits, fewer than {MIN_KEY_BITS}")
    return RsaSigner(key)


def _what_is_wrong(pem: bytes) -> str:
    if not pem.strip():
        return "is empty"
    if b"PUBLIC KEY-----" in pem:
        return "is a public key; store the private key that GitHub offers for download"
    if b"CERTIFICATE-----" in pem:
        return "is a certificate; store the private key that GitHub offers for download"
    if b"-----BEGIN" not in pem:
        return "is not in PEM form ('-----BEGIN RSA PRIVATE KEY-----')"
    if b"-----END" not in pem:
        return "is cut off: it has no '-----END' line"
    return "cannot be read; it is damaged or of an unknown kind"
