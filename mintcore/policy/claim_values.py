"""Reads values out of a token's claims, whatever they hold."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_CLAIM = 1024


def is_plain(value: object) -> bool:
    """Return whether a value is a text, a whole number or a boolean of at most 1,024 characters."""
    return isinstance(value, str | int) and len(str(value)) <= MAX_CLAIM


def plain(value: str | int) -> str:
    """Return a claim as settings compare it: a boolean as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain_claims(unverified_claims: Mapping[str, Any]) -> Mapping[str, str]:
    """Return every claim that is plain, as text."""
    found: dict[str, str] = {}
    for name, value in unverified_claims.items():
        # Nearly all of the thirty claims of a token are texts, and this is done for each mint.
        if isinstance(value, str):
            if len(value) <= MAX_CLAIM:
                found[name] = value
        elif is_plain(value):
            found[name] = plain(value)
    return MappingProxyType(found)


def nested_claims(unverified_claims: Mapping[str, Any], claim: str) -> Mapping[str, str]:
    """Return the plain values within the object ``claim``, each under its path, such as ``claim/pod/name``.

    Two levels are read, which is as deep as any documented claim goes. A name with a ``/`` is left out: its path
    could be another claim's.
    """
    found: dict[str, str] = {}
    for name, value in _named(unverified_claims.get(claim)):
        if is_plain(value):
            found[f"{claim}/{name}"] = plain(value)
        found |= {f"{claim}/{name}/{key}": plain(one) for key, one in _named(value) if is_plain(one)}
    return MappingProxyType(found)


def require(claims: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise InvalidToken unless every claim is there and not empty; its detail names the missing ones."""
    missing = [name for name in names if not claims.get(name)]
    if missing:
        raise InvalidToken(detail=f"claims are missing: {', '.join(missing)}")


def _named(value: object) -> list[tuple[str, Any]]:
    return [(name, one) for name, one in value.items() if "/" not in name] if isinstance(value, dict) else []
