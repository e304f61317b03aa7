"""Hold key versions of Cloud KMS: their states and algorithms, and signing as in `asymmetricSign`.

Source: Cloud KMS REST v1 `projects.locations.keyRings.cryptoKeys.cryptoKeyVersions`. The services that call this
decide who may sign.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google.errors import RefusedError, failed_precondition, invalid


@dataclass(frozen=True)
class Algorithm:
    """A signing algorithm: the key's size, the digest, and whether it is RSASSA-PSS."""

    bits: int
    digest: str = "sha256"
    is_pss: bool = False


ALGORITHMS: Mapping[str, Algorithm] = {
    "RSA_SIGN_PKCS1_2048_SHA256": Algorithm(2048),
    "RSA_SIGN_PKCS1_3072_SHA256": Algorithm(3072),
    "RSA_SIGN_PKCS1_4096_SHA256": Algorithm(4096),
    "RSA_SIGN_PKCS1_4096_SHA512": Algorithm(4096, "sha512"),
    "RSA_SIGN_PSS_2048_SHA256": Algorithm(2048, is_pss=True),
}
HASHES: Mapping[str, type[hashes.SHA256 | hashes.SHA512]] = {"sha256": hashes.SHA256, "sha512": hashes.SHA512}


@dataclass
class KeyVersion:
    """One version of a key; `key` is None until it is generated or imported, and once it is destroyed."""

    name: str
    algorithm: str
    state: str = "ENABLED"
    key: rsa.RSAPrivateKey | None = field(default=None, repr=False)
    fields: dict[str, Any] = field(default_factory=dict)
    """Times and the import job, as the API shows them."""

    def public_pem(self) -> str:
        """Return the public key. Raises RefusedError unless the version is enabled."""
        return (
            self._usable()
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def sign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `asymmetricSign`. Raises RefusedError."""
        key, algorithm = self._usable(), ALGORITHMS[self.algorithm]
        digest = _digest(request, algorithm.digest)
        given = request.get("digestCrc32c")
        if given is not None and str(given) != str(crc32c(digest)):
            raise invalid("The checksum in field digest_crc32c did not match the data in field digest.")
        kind = HASHES[algorithm.digest]()
        scheme = padding.PSS(padding.MGF1(kind), kind.digest_size) if algorithm.is_pss else padding.PKCS1v15()
        signature = key.sign(digest, scheme, Prehashed(kind))
        answer = {
            "signature": base64.b64encode(signature).decode(),
            "signatureCrc32c": str(crc32c(signature)),
            "name": self.name,
            "protectionLevel": "SOFTWARE",
        }
        return answer | ({"verifiedDigestCrc32c": True} if given is not None else {})

    def _usable(self) -> rsa.RSAPrivateKey:
        if self.state != "ENABLED" or self.key is None:
            raise failed_precondition(f"{self.name} is not enabled, current state is: {self.state}.")
        return self.key


def _digest(request: Mapping[str, Any], wanted: str) -> bytes:
    given = request.get("digest")
    value = given.get(wanted) if isinstance(given, dict) else None
    if not isinstance(value, str):
        raise invalid(f"The digest must be of the type that the key's algorithm takes: {wanted}.")
    try:
        digest = base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise RefusedError("INVALID_ARGUMENT", f"Invalid value at 'digest.{wanted}' (TYPE_BYTES)") from problem
    if len(digest) != HASHES[wanted]().digest_size:
        raise invalid(f"The {wanted} digest must have {HASHES[wanted]().digest_size} bytes.")
    return digest
