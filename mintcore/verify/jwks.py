"""The issuer's keys, and the check of a token's signature against them.

Accepts RS256 and keys of at least 2,048 bits only. PyJWT parses keys and checks signatures. Its client is not used
to fetch them: it asks again for every unknown key id, so an attacker would choose how often.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from mintcore.cache import ExpiringCache
from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.outbound.answer import OutboundError
from mintcore.request import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.helpers import Helpers
    from mintcore.outbound.channel import Outbound
    from mintcore.ports import Clock
    from mintcore.request import RequestContext
    from mintcore.verify.unverified import UnverifiedToken

FRESH_SECONDS = 3600.0
STALE_SECONDS = 24 * 3600.0
UNKNOWN_KEY_SECONDS = 30.0
# Long enough to spare an issuer that is down, short enough to notice soon that it is back.
HOLD_FAILURE_SECONDS = 5.0
MIN_KEY_BITS = 2048

_OK = 200

# The one algorithm, fixed here: no token's header chooses how it is checked.
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)

KeySet = MappingProxyType[str, RSAPublicKey]
"""Key id → public key; never empty."""


class IssuerKeys:
    """The keys the issuer signs with.

    ``patience_seconds`` bounds one fetch, within the request's own deadline. Keys up to ``renewed_seconds`` old are
    served while a thread of ``helpers`` fetches new ones.
    """

    def __init__(
        self,
        issuer: str,
        outbound: Outbound,
        clock: Clock,
        *,
        patience_seconds: float,
        renewed_seconds: float = 0.0,
        helpers: Helpers | None = None,
    ) -> None:
        parts = urlsplit(issuer)
        self._issuer = issuer
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._discovery_path = parts.path.rstrip("/") + "/.well-known/openid-configuration"
        self._channel = outbound.channel("issuer", self._origin)
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._keys = ExpiringCache[str, KeySet](
            "jwks",
            clock=clock,
            fresh_for=lambda _keys: FRESH_SECONDS,
            renew_for=lambda _keys: max(0.0, renewed_seconds - FRESH_SECONDS),
            stale_seconds=STALE_SECONDS,
            hold_failure_seconds=HOLD_FAILURE_SECONDS,
            most=1,
            slow=lambda: IssuerUnavailable(detail="waited for the issuer's keys until the time ran out"),
            helpers=helpers,
        )

    def load(self, context: RequestContext) -> KeySet:
        """Return the keys, fetched if they are not here. Raises IssuerUnavailable."""
        return self._keys.get(self._issuer, lambda: self._fetch(context), context, renew=self._fetch)

    def check_signature(self, unverified: UnverifiedToken, context: RequestContext) -> None:
        """Raise InvalidToken unless the issuer signed the token, IssuerUnavailable if that cannot be checked.

        An unknown key id fetches the keys again, at most once in 30 s for all callers together: a rotated key is
        found at once, and invented key ids cost nothing.
        """
        key = self.load(context).get(unverified.key_id)
        if key is None:
            keys = self._keys.renew(
                self._issuer, lambda: self._fetch(context), context, at_most_every=UNKNOWN_KEY_SECONDS
            )
            key = keys.get(unverified.key_id)
        if key is None:
            raise InvalidToken(detail="the issuer has no key of the token's key id")
        if not _RS256.verify(unverified.signing_input, key, unverified.signature):
            raise InvalidToken(detail="the signature is not the issuer's")

    def _fetch(self, context: RequestContext) -> KeySet:
        deadline = Deadline(self._clock, min(self._patience_seconds, context.deadline.remaining()))
        hurried = replace(context, deadline=deadline)
        try:
            document = self._get(self._discovery_path, hurried)
            if document.get("issuer") != self._issuer:
                raise IssuerUnavailable(detail="the discovery document is of another issuer")
            return parse_key_set(self._get(self._jwks_path(document.get("jwks_uri")), hurried))
        except OutboundError as error:
            raise IssuerUnavailable(detail=str(error)) from None

    def _get(self, path: str, context: RequestContext) -> dict[str, Any]:
        answer = self._channel.send("GET", path, headers={"Accept": "application/json"}, context=context)
        if answer.status != _OK:
            raise IssuerUnavailable(detail=f"{self._channel.service}: status {answer.status} for {path}")
        self._clock.observe(answer.headers.get("date", ""), answer.headers.get("age", ""), cacheable=True)
        return answer.json_object()

    def _jwks_path(self, jwks_uri: object) -> str:
        """Return the key set's path at the issuer. Reject a cross-origin ``jwks_uri``."""
        if isinstance(jwks_uri, str) and jwks_uri.startswith(f"{self._origin}/"):
            return jwks_uri.removeprefix(self._origin)
        shown = jwks_uri[:200] if isinstance(jwks_uri, str) else type(jwks_uri).__name__
        raise IssuerUnavailable(detail=f"jwks_uri is not on the issuer's origin {self._origin}: {shown}")


def parse_key_set(document: Mapping[str, Any]) -> KeySet:
    """Return the usable keys of a JSON Web Key Set (RFC 7517 §5). Raises IssuerUnavailable if there are none."""
    listed = document.get("keys")
    keys: dict[str, RSAPublicKey] = {}
    for entry in listed if isinstance(listed, list) else []:
        usable = _usable_key(entry)
        if usable is not None:
            keys[entry["kid"]] = usable
    if not keys:
        raise IssuerUnavailable(detail="the issuer's key set holds no usable key")
    return MappingProxyType(keys)


def _usable_key(entry: object) -> RSAPublicKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return None
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = jwt.PyJWK.from_dict(entry, algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS else None
