"""Parse GitHub's answers about variables and secrets; a field that is not as documented is an error.

GitHub REST: "List organization variables", "List repository secrets", "Get a repository public key". Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fullsend.github.slots import Kind, Slot, Stored


class UnreadableError(ValueError):
    """The answer does not have GitHub's form; the text names the field, never its content."""


class Page(NamedTuple):
    """Some of the entries, and the total number of entries."""

    entries: dict[Slot, Stored]
    total: int


def text(data: Any, name: str) -> str:
    """Return a field that is a string. Raises UnreadableError."""
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise UnreadableError(f"no {name}")
    return found


def page(data: Any, holder: str, kind: Kind) -> Page:
    """Return one page of a list of variables or secrets. Raises UnreadableError."""
    listed = data.get(f"{kind}s") if isinstance(data, dict) else None
    total = data.get("total_count") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not isinstance(total, int):
        raise UnreadableError(f"no list of {kind}s")
    return Page({Slot(holder, kind, text(each, "name")): _stored(each, kind) for each in listed}, total)


def _stored(entry: dict[str, Any], kind: Kind) -> Stored:
    value = text(entry, "value") if kind is Kind.VARIABLE else None
    visibility = text(entry, "visibility") if "visibility" in entry else None
    return Stored(value, visibility, text(entry, "updated_at"))
