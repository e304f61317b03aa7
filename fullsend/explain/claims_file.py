"""Read claims from a file: a JSON object, or the JWT that carries them.

A JWT is decoded without checking its signature. It is a credential, so no message quotes the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from fullsend.explain.input_errors import UnusableInputError
from fullsend.explain.text_file import read_text
from mintcore.errors import InvalidToken
from mintcore.policy.kinds.table import KINDS
from mintcore.verify.unverified import split_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_JWT_DOTS = 2
_ALGORITHMS = frozenset(name for kind in KINDS.values() for name in kind.algorithms)
_REMEDY = (
    "Give the claims as a JSON object (what the middle part of the token decodes to), or the token itself as the "
    "job got it."
)


@dataclass(frozen=True, slots=True)
class GivenClaims:
    """The file's claims. ``is_token`` tells a JWT from bare claims.

    ``problem`` is the reason why the mint would reject the JWT's form, empty if it would accept it. ``algorithm``
    is the JWT's algorithm, empty without a JWT.
    """

    unverified_claims: Mapping[str, Any]
    is_token: bool = False
    problem: str = ""
    algorithm: str = ""


def read_claims(path: Path) -> GivenClaims:
    """Return the claims in the file ``path``, ``-`` for stdin. Raises UnusableInputError."""
    return parse_claims(read_text(path), str(path))


def parse_claims(text: str, name: str) -> GivenClaims:
    """Return the claims in ``text``; messages call it ``name``. Raises UnusableInputError.

    It accepts a JSON object of claims, a JWT (RFC 7519) with or without ``Bearer`` before it, and the JSON
    that a GitHub Actions runner gives a job (``{"value": "<JWT>"}``).
    """
    text = text.strip()
    if not text:
        raise UnusableInputError(f"{name} is empty.", _REMEDY)
    if text.startswith("{"):
        fields = _json_object(text, name)
        token = fields.get("value")
        if "iss" in fields or not isinstance(token, str):
            return GivenClaims(fields)
        text = token
    scheme, _, rest = text.partition(" ")
    return _decoded(rest.strip() if scheme.lower() == "bearer" else text, name)


def _json_object(text: str, name: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UnusableInputError(f"{name} is not valid JSON{where}.", _REMEDY) from None
    if not isinstance(fields, dict):
        raise UnusableInputError(f"{name} is not a JSON object.", _REMEDY)
    return fields


def _decoded(unverified_token: str, name: str) -> GivenClaims:
    if unverified_token.count(".") != _JWT_DOTS:
        raise UnusableInputError(f"{name} holds neither a JSON object nor a JWT.", _REMEDY)
    try:
        claims = jwt.decode_complete(unverified_token, options={"verify_signature": False})["payload"]
    except (jwt.PyJWTError, RecursionError, ValueError, TypeError):
        raise UnusableInputError(f"{name} looks like a JWT and cannot be decoded as one.", _REMEDY) from None
    try:
        algorithm = split_token(unverified_token, _ALGORITHMS).algorithm
    except InvalidToken as refused:
        return GivenClaims(claims, is_token=True, problem=refused.detail)
    return GivenClaims(claims, is_token=True, algorithm=algorithm)
