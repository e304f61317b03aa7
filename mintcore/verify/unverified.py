"""Split a caller's token into its parts without trusting it.

This module parses the compact serialization (RFC 7515 §7.1), because PyJWT's parser takes four times as long as the
check of the signature. PyJWT still checks the signature (docs/adr/0001).
"""

from __future__ import annotations

import binascii
import json
import string
from typing import TYPE_CHECKING, Any, NamedTuple

from mintcore.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TOKEN = 16 * 1024
RS256_ONLY = frozenset({"RS256"})
_LETTERS = (string.ascii_letters + string.digits + "-_").encode()
_STANDARD = bytes.maketrans(b"-_", b"+/")
_PARTS = 3
# By the text's length modulo 4: the padding, and the allowed last characters, whose unused bits are zero.
_ENDS = (
    (b"", (b"",)),
    (b"", ()),
    (b"==", (b"A", b"Q", b"g", b"w")),
    (b"=", tuple(bytes([letter]) for letter in b"AEIMQUYcgkosw048")),
)


class UnverifiedToken(NamedTuple):
    """The unverified parts of a token.

    ``algorithm`` is one of the accepted algorithms (RFC 7518 §3.1). ``signature`` signs ``signing_input``, the
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
    parts = unverified_token.encode(errors="replace").split(b".")
    if len(parts) != _PARTS or not all(parts) or b"".join(parts).translate(None, _LETTERS):
        raise InvalidToken(detail="not a JWT: not three base64url texts with dots between them")
    header, claims = _json_object(parts[0]), _json_object(parts[1])
    # Attack: "alg": "none" needs no key, and HS256 would use a public key as the secret. So only these are
    # accepted.
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken(detail=f"the token is not signed with {' or '.join(sorted(algorithms, reverse=True))}")
    # Critical extensions (RFC 7515 §4.1.11), and b64, which changes the signed bytes (RFC 7797).
    if "crit" in header or "b64" in header:
        raise InvalidToken(detail="the token's header has an unsupported extension")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise InvalidToken(detail="the token names no key")
    return UnverifiedToken(claims, key_id, b".".join(parts[:2]), _decode(parts[2]), algorithm)


def _json_object(text: bytes) -> dict[str, Any]:
    decoded = _decode(text)
    try:
        value = json.loads(decoded.decode())
    # RecursionError: nested too deeply. ValueError: not JSON, not UTF-8, or a number that is too long.
    except (ValueError, RecursionError) as error:
        raise InvalidToken(detail=f"not a JWT: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise InvalidToken(detail="not a JWT: a part is not a JSON object")
    return value


def _decode(text: bytes) -> bytes:
    """Return the bytes of a base64url text. Rejects every form but the canonical one (RFC 4648 §3.5).

    The caller has checked that ``text`` has only the letters of base64url.
    """
    padding, last = _ENDS[len(text) % 4]
    if not text.endswith(last):
        raise InvalidToken(detail="not a JWT: base64url that is not canonical")
    return binascii.a2b_base64(text.translate(_STANDARD) + padding)
