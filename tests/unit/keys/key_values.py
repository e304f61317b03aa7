"""Keys as PEM text, the role they belong to, and Secret Manager as a store of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mintcore.keys.access_tokens import AccessTokens
from mintcore.keys.google_api import google_api
from mintcore.keys.secret_manager import SecretManagerKeys
from mintcore.outbound.channel import Outbound
from mintcore.policy.names import Role

if TYPE_CHECKING:
    from mintcore.ports import Helpers
    from mintcore.secret import Secret
    from tests.mint_doubles import FakeClock


CODER = Role("coder")
SECRET = "fullsend-coder-app-pem"


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pem(key: PrivateKey, *, pkcs8: bool = True) -> bytes:
    kind = PrivateFormat.PKCS8 if pkcs8 else PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, kind, NoEncryption())


def store(
    clock: FakeClock, url: str, *, helpers: Helpers | None = None, proxy_url: Secret | None = None
) -> SecretManagerKeys:
    outbound = Outbound(clock, connections=2, proxy_url=proxy_url, jitter=lambda: 0.0)
    api = google_api("secretmanager", url, outbound, AccessTokens(clock, proxy_url=proxy_url))
    return SecretManagerKeys(api, clock, project_number="123", helpers=helpers)
