"""Read values from a token's claims, which can hold any JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_CLAIM = 1024


def is_plain(value: object) -> bool:
    """Return whether a value is a string, an integer or a boolean of at most 1,024 characters."""
    return isinstance(value, str | int) and len(str(value)) <= MAX_CLAIM


def plain(value: str | int) -> str:
    """Return a claim as the text that settings compare: a boolean as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain_claims(unverified_claims: Mapping[str, Any]) -> Mapping[str, str]:
    """Return every plain claim, as text."""
    found: dict[str, str] = {}
    for name, value in unverified_claims.items():
        # Fast path: nearly all of a token's thirty claims are strings, and every mint runs this.
        if isinstance(value, str):
            if len(value) <= MAX_CLAIM:
                found[name] = value
        elif is_plain(value):
            found[name] = plain(value)
    return MappingProxyType(found)


def nested_claims(unverified_claims: Mapping[str, Any], claim: str) -> Mapping[str, str]:
    """Return the plain values in the object ``claim``, each under its path, such as ``claim/pod/name``.

    It reads two levels, because no documented claim is nested more deeply. It leaves out a name with a ``/``,
    because its path could be that of another claim.
    """
    found: dict[str, str] = {}
    for name, value in _named(unverified_claims.get(claim)):
        if is_plain(value):
            found[f"{claim}/{name}"] = plain(value)
        found |= {f"{claim}/{name}/{key}": plain(one) for key, one in _named(value) if is_plain(one)}
    return MappingProxyType(found)


def require(claims: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise InvalidToken, naming the missing claims, unless every claim is present and not empty."""
    missing = [name for name in names if not claims.get(name)]
    if missing:
        raise InvalidToken(detail=f"claims are missing: {', '.join(missing)}")


def _named(value: object) -> list[tuple[str, Any]]:
    return [(name, one) for name, one in value.items() if "/" not in name] if isinstance(value, dict) else []
