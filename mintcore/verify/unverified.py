"""A caller's token, taken apart and not believed.

RFC 7515 §7.1's compact serialization, three base64url texts and two dots, is read here and not by PyJWT, whose
reading costs four times as much as checking the signature does; the signature is PyJWT's to check (docs/adr/0001).
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
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token that was taken apart and is not believed.

    ``signature`` is over ``signing_input``, the token's text up to its last dot (RFC 7515 §5.1).
    """

    unverified_claims: Mapping[str, Any]
    key_id: str
    signing_input: bytes
    signature: bytes


def split_token(unverified_token: str) -> UnverifiedToken:
    """Return the token's parts, unverified. Raises InvalidToken if it is not an RS256 JWT."""
    if len(unverified_token) > MAX_TOKEN:
        raise InvalidToken(detail=f"a token of {len(unverified_token)} characters")
    parts = _COMPACT.fullmatch(unverified_token)
    if parts is None:
        raise InvalidToken(detail="not a JWT: not three base64url texts with dots between them")
    header, claims = _json_object(parts[1]), _json_object(parts[2])
    # Only RS256, whatever the header says: 'none' needs no key, and HS256 would take a public key for a secret.
    if header.get("alg") != "RS256":
        raise InvalidToken(detail="the token is not signed with RS256")
    # An extension that must be understood (RFC 7515 §4.1.11), and one that changes what is signed (RFC 7797).
    if "crit" in header or "b64" in header:
        raise InvalidToken(detail="the token's header has an extension that is not understood")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise InvalidToken(detail="the token names no key")
    signing_input = unverified_token[: parts.end(2)].encode()
    return UnverifiedToken(claims, key_id, signing_input, _decode(parts[3]))


def _json_object(text: str) -> dict[str, Any]:
    decoded = _decode(text)
    try:
        value = json.loads(decoded.decode())
    # RecursionError: nested deeper than Python follows. ValueError: no JSON, no UTF-8, or a number too long.
    except (ValueError, RecursionError) as error:
        raise InvalidToken(detail=f"not a JWT: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise InvalidToken(detail="not a JWT: a part is not a JSON object")
    return value


def _decode(text: str) -> bytes:
    """Return the bytes of a base64url text. One byte string has one text (RFC 4648 §3.5), any other is refused."""
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise InvalidToken(detail=f"not a JWT: {type(error).__name__}") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != text:
        raise InvalidToken(detail="not a JWT: base64url with loose ends")
    return decoded
