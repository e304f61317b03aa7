"""Hold the keys with which an issuer signs, RS256 and ES256, and publish them (RFC 7517, RFC 7518 §3).

It rotates keys and forges signatures. The issuer decides what is signed, and where the keys are published.
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
RS256, ES256 = "RS256", "ES256"
COORDINATE = 32
"""Bytes of a P-256 coordinate."""


def new_ec_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key, the curve of ES256."""
    return ec.generate_private_key(ec.SECP256R1())


def algorithm_of(key: PrivateKey | PublicKey) -> str:
    """Return the one algorithm that a key is for."""
    return RS256 if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) else ES256


@dataclass(frozen=True)
class SigningKey:
    """A key pair and the id it is published under."""

    private: PrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        """The key id: derived from the public key, so the same key always has the same one."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            modulus = self.private.public_key().public_numbers().n
            raw = modulus.to_bytes(self.private.key_size // 8, "big")
        else:
            point = self.private.public_key().public_numbers()
            raw = point.x.to_bytes(COORDINATE, "big") + point.y.to_bytes(COORDINATE, "big")
        return hashlib.sha256(raw).hexdigest()[:40]

    def jwk(self) -> dict[str, str]:
        """Return the public half as a JWK (RFC 7517)."""
        common = {"use": "sig", "kid": self.kid, "alg": algorithm_of(self.private)}
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            return {"kty": "RSA", **common, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
        point = self.private.public_key().public_numbers()
        coordinates = {"x": _base64url(point.x, COORDINATE), "y": _base64url(point.y, COORDINATE)}
        return {"kty": "EC", **common, "crv": "P-256", **coordinates}

    def sign(self, claims: Mapping[str, object], kid: str = "") -> str:
        """Return a JWT of the claims; another `kid` than the key's own makes it look like that key's."""
        named = kid or self.kid
        headers = {"kid": named, "x5t": named} if algorithm_of(self.private) == RS256 else {"kid": named}
        return jwt.encode(dict(claims), self.private, algorithm=algorithm_of(self.private), headers=headers)


class KeyRing:
    """The key in use, the published ones, and a forger's; thread-safe."""

    def __init__(self, make_key: Callable[[], PrivateKey]) -> None:
        self._make_key = make_key
        self._lock = threading.Lock()
        self._signing = SigningKey(make_key())
        self._published = (self._signing,)
        self._forger: SigningKey | None = None

    @property
    def algorithm(self) -> str:
        """What it signs with."""
        return algorithm_of(self._signing.private)

    def rotate(self, *, publish: bool = True, retire: bool = False) -> None:
        """Sign with a new key from now on; optionally publish it, and optionally withdraw the older keys."""
        key = SigningKey(self._make_key())
        with self._lock:
            kept = () if retire else self._published
            self._published = (*kept, key) if publish else kept
            self._signing = key

    def published(self) -> Sequence[SigningKey]:
        """Return the published keys, oldest first."""
        with self._lock:
            return self._published

    def public_keys(self) -> dict[str, PublicKey]:
        """Return the published public keys by key id."""
        return {key.kid: key.private.public_key() for key in self.published()}

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the published keys as a JWK set (RFC 7517 §5)."""
        return {"keys": [key.jwk() for key in self.published()]}

    def sign(self, claims: Mapping[str, object]) -> str:
        """Sign with the key in use."""
        with self._lock:
            key = self._signing
        return key.sign(claims)

    def forge(self, claims: Mapping[str, object]) -> str:
        """Sign with a key that was never published, under the id of one that is."""
        with self._lock:
            if self._forger is None:
                self._forger = SigningKey(self._make_key())
            forger, kid = self._forger, self._published[-1].kid
        return forger.sign(claims, kid)


def _base64url(number: int, length: int = 0) -> str:
    raw = number.to_bytes(length or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
