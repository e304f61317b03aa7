"""Load an App's private key quickly, because a command loads the same key several times."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mintcore.keys.rsa import can_sign


def load_app_key(pem: bytes) -> RSAPrivateKey:
    """Return the RSA private key in PEM (PKCS#1 or PKCS#8).

    Raises ValueError for an encrypted, damaged or unreadable key, TypeError for a key of another algorithm. Neither
    includes key material.
    """
    try:
        # OpenSSL's own check takes 50 ms for 2048 bits and 300 ms for 4096. Signing and verifying once takes 1 ms
        # and rejects every damaged key that cannot sign.
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("not a private key in PEM without a password") from None  # the parser may quote the key
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("not an RSA key")
    if not can_sign(key):
        raise ValueError("a damaged key")
    return key
