"""Rows of tokens that are not proven genuine. Every one of them gets the same sentence and costs nothing."""

from __future__ import annotations

import base64
import json
from time import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mintcore.policy.claims import REQUIRED_CLAIMS
from tests.contract.table import NOTHING, Row, Sent

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


def _row(name: str, token: Any, **more: Any) -> Row:
    return Row(name, lambda world: Sent(token(world)), 401, "invalid_token", calls=NOTHING, **more)


def _claims(**overrides: object) -> Any:
    return lambda world: world.issuer.token(world.job(), **overrides)


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(world: World) -> str:
    return f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(world.issuer.claims(world.job()))}."


def _public_key_as_secret(world: World) -> str:
    """Attack (algorithm confusion): HMAC with the issuer's public key as the secret."""
    kid, key = next(iter(world.issuer.published_keys().items()))
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{_segment({'alg': 'HS256', 'kid': kid})}.{_segment(world.issuer.claims(world.job()))}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head.encode(), pem)
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _other_payload(world: World) -> str:
    """A genuine header and signature around claims that were not signed."""
    head, _, signature = world.issuer.token(world.job()).split(".")
    claims = world.issuer.claims(world.job(repository="octo-org/docs"))
    return f"{head}.{_segment(claims)}.{signature}"


def _header(**header: object) -> Any:
    def token(world: World) -> str:
        _, payload, signature = world.issuer.token(world.job()).split(".")
        return f"{_segment(header)}.{payload}.{signature}"

    return token


ROWS = (
    _row("rubbish", lambda _w: "rubbish"),
    _row("two segments", lambda _w: "a.b"),
    _row("three empty segments", lambda _w: ".."),
    _row("segments that are no base64", lambda _w: "!.!.!"),
    _row("a token of 20,000 characters", lambda _w: "a" * 7_000 + "." + "b" * 1_000),
    _row("a header that is a list", lambda _w: f"{_segment([])}.{_segment({})}.x"),
    _row("a payload that is a list", lambda _w: f"{_segment({'alg': 'RS256', 'kid': 'a'})}.{_segment([])}.eA"),
    _row("forged, with a published key id", lambda w: w.issuer.forged_token(w.job())),
    _row("signed claims exchanged for others", _other_payload),
    _row("alg none", _unsigned),
    _row("HS256 with the public key as the secret", _public_key_as_secret),
    _row("unknown key id", _header(alg="RS256", kid="nobody")),
    _row("no key id", _header(alg="RS256")),
    _row("key id that is a path", _header(alg="RS256", kid="../../etc/passwd")),
    _row("alg of another family", _header(alg="ES256", kid="x")),
    _row("critical extension unknown", _header(alg="RS256", kid="x", crit=["exp"], exp=1)),
    _row("another issuer", _claims(iss="https://token.actions.githubusercontent.com.evil.example")),
    _row("another issuer's prefix", lambda w: w.issuer.token(w.job(), iss=w.issuer.url + "/enterprise")),
    _row("another audience", _claims(aud="another-mint")),
    _row("a list of other audiences", _claims(aud=["a", "b"])),
    _row("an audience in other case", _claims(aud="FULLSEND-MINT")),
    _row("expired for longer than the skew", _claims(exp=int(time()) - 40)),
    _row("not valid yet", _claims(nbf=int(time()) + 3600)),
    _row("issued in the future", _claims(iat=int(time()) + 3600)),
    _row("exp is text", _claims(exp="tomorrow")),
    _row("exp is true", _claims(exp=True)),
    _row("repository of another owner", _claims(repository_owner="other-org")),
    _row("repository whose owner only begins alike", _claims(repository="octo-org-evil/app")),
    _row("repository with a third part", _claims(repository="octo-org/app/x")),
    _row(
        "owner with a zero-width space", _claims(repository_owner="octo-org\u200b", repository="octo-org\u200b/app")
    ),
    _row("owner with a Kelvin sign", _claims(repository_owner="o\u212ato", repository="o\u212ato/app")),
    *(_row(f"without {claim}", _claims(**{claim: None})) for claim in REQUIRED_CLAIMS),
)
