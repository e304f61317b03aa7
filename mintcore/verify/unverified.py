"""Splits a caller's token without trusting it.

This module reads the compact serialization (RFC 7515 §7.1), because PyJWT's parser costs four times as much as the
check of the signature; PyJWT checks the signature (docs/adr/0001).
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mintcore.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TOKEN = 16 * 1024
RS256_ONLY = frozenset({"RS256"})
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """The parts of a token; nothing is verified.

    ``algorithm`` is one of those that were accepted (RFC 7518 §3.1). ``signature`` is over ``signing_input``, the
    token's text up to its last dot (RFC 7515 §5.1).
    """

    unverified_claims: Mapping[str, Any]
    key_id: str
    signing_input: bytes
    signature: bytes
    algorithm: str = "RS256"


def split_token(unverified_token: str, algorithms: frozenset[str] = RS256_ONLY) -> UnverifiedToken:
    """Return the token's parts, unverified. Raises InvalidToken if it is not a JWT of one of ``algorithms``."""
    if len(unverified_token) > MAX_TOKEN:
        raise InvalidToken(detail=f"the token has {len(unverified_token)} characters")
    parts = _COMPACT.fullmatch(unverified_token)
    if parts is None:
        raise InvalidToken(detail="not a JWT: not three base64url texts with dots between them")
    header, claims = _json_object(parts[1]), _json_object(parts[2])
    # Only these, whatever the header says: 'none' needs no key, and HS256 would use a public key as the secret.
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken(detail=f"the token is not signed with {' or '.join(sorted(algorithms, reverse=True))}")
    # Critical extensions (RFC 7515 §4.1.11), and the one that changes what is signed (RFC 7797).
    if "crit" in header or "b64" in header:
        raise InvalidToken(detail="the token's header has an unsupported extension")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise InvalidToken(detail="the token names no key")
    signing_input = unverified_token[: parts.end(2)].encode()
    return UnverifiedToken(claims, key_id, signing_input, _decode(parts[3]), algorithm)


def _json_object(text: str) -> dict[str, Any]:
    decoded = _decode(text)
    try:
        value = json.loads(decoded.decode())
    # RecursionError: nested too deeply. ValueError: not JSON, not UTF-8, or a number that is too long.
    except (ValueError, RecursionError) as error:
        raise InvalidToken(detail=f"not a JWT: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise InvalidToken(detail="not a JWT: a part is not a JSON object")
    return value


def _decode(text: str) -> bytes:
    """Return the bytes of a base64url text. Rejects every form but the canonical one (RFC 4648 §3.5)."""
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise InvalidToken(detail=f"not a JWT: {type(error).__name__}") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != text:
        raise InvalidToken(detail="not a JWT: base64url that is not canonical")
    return decoded
