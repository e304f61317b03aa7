"""Key sets as an issuer publishes them, and tokens signed with their keys."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from mintcore.outbound.channel import Outbound
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.unverified import split_token
from tests.mint_doubles import FakeClock, claims, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_jwt(header: object, payload: object, signature: bytes = b"x") -> str:
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(payload).encode()), b64(signature)])


def signed(key: rsa.RSAPrivateKey, kid: str = "k", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="RS256", headers={"kid": kid})


def jwk(key: Any, kid: str = "k", **changes: Any) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"} | changes


class Published:
    """An issuer that publishes exactly the given documents, and the mint's keys of it."""

    def __init__(self, clock: FakeClock, jwks: bytes, discovery: dict[str, Any] | None = None) -> None:
        self.clock = clock
        self.jwks = jwks
        self.discovery = discovery or {}
        self.peer = Peer(self._answer)
        self.keys = IssuerKeys(self.peer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)

    def _answer(self, number: int) -> list[bytes]:
        if b"openid-configuration" not in self.peer.requests[number].split(b"\r\n")[0]:
            return [answer(200, self.jwks)]
        standard = {"issuer": self.peer.url, "jwks_uri": f"{self.peer.url}/keys"}
        return [answer(200, json.dumps(standard | self.discovery).encode())]

    def check(self, token: str) -> None:
        with self.peer:
            self.keys.check_signature(split_token(token), new_attempt(self.clock))


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()
