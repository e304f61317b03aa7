"""Files of App keys, as the tests of the key folder write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mintcore.policy.names import Role

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from mintcore.keys.directory import DirectoryKeys
    from mintcore.request import RequestContext


TRIAGE = Role("triage")


def put(folder: Path, content: bytes, name: str = "triage.pem", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def signs_with(keys: DirectoryKeys, key: rsa.RSAPrivateKey, context: RequestContext) -> bool:
    signature = keys.signer(TRIAGE, context).sign(b"message")
    try:
        key.public_key().verify(signature, b"message", PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def pkcs8(key: rsa.RSAPrivateKey, passphrase: bytes = b"") -> bytes:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
