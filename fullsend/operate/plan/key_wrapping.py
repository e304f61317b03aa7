"""Wrap an App key for a Cloud KMS import job, so only KMS can read it.

Source: Cloud KMS, "Wrapping a key": RSA-OAEP with SHA-256 over a one-time AES-256 key, which wraps the PKCS#8 DER
with AES-KWP (RFC 5649).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from fullsend.github.app_key import load_app_key
from fullsend.operate.model.kms_names import ALGORITHMS
from fullsend.operate.operate_errors import BadInput, NotReady
from mintcore.keys.pem import normalize

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mintcore.secret import Secret

_AES_BYTES = 32


def algorithm_of(key: Secret) -> tuple[int, str]:
    """Return a key's size in bits and the KMS algorithm for it. Raises BadInput."""
    bits = _load(key).key_size
    if bits not in ALGORITHMS:
        raise BadInput(
            f"The key has {bits} bits; Cloud KMS takes RSA keys of {', '.join(map(str, ALGORITHMS))} bits.",
            "Make a new private key on the App's page: GitHub makes them with 2048 bits.",
        )
    return bits, ALGORITHMS[bits]


def wrap(key: Secret, job_public_pem: str) -> bytes:
    """Return the key wrapped for an import job. Raises NotReady if the job's key is not RSA."""
    public = load_pem_public_key(job_public_pem.encode())
    if not isinstance(public, RSAPublicKey):
        raise NotReady("The import job's key is not an RSA key.", "Run the command again.")
    der = _load(key).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    aes = os.urandom(_AES_BYTES)
    wrapped = public.encrypt(aes, OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None))
    return wrapped + aes_key_wrap_with_padding(aes, der)


def has_public_key(key: Secret, public_pem: str) -> bool:
    """Return whether this is the key's public half."""
    ours = _load(key).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    theirs = load_pem_public_key(public_pem.encode())
    return ours == theirs.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _load(key: Secret) -> RSAPrivateKey:
    try:
        return load_app_key(normalize(key.reveal().encode()))
    except TypeError:
        raise BadInput("The key is not an RSA key.") from None
