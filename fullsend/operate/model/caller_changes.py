"""Describe in plans how an edit changes the entries of CALLERS, one sentence per entry.

Pure. An entry is compared with the one that has the same issuer, match and repository.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.issuer_list import raw_callers
from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

READ = "read"
GREW = " (more access)"


def entry_changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence per added, changed or removed entry; empty if a list cannot be read."""
    try:
        old, new = _by_key(raw_callers(before)), _by_key(raw_callers(after))
    except BadInput:
        return ()
    sentences: list[str] = []
    for key in {**old, **new}:
        was, now = old.get(key, []), new.get(key, [])
        shared = min(len(was), len(now))
        sentences += [_changed(one, other) for one, other in zip(was, now, strict=False) if one != other]
        sentences += [f"remove {_named(one)}: {_access(one)}" for one in was[shared:]]
        sentences += [f"add {_named(one)}: {_access(one)}" for one in now[shared:]]
    return tuple(sentences)


def _by_key(entries: list[Any]) -> dict[str, list[Any]]:
    """Return entries by the fields other than roles and level; several entries can have the same key."""
    found: dict[str, list[Any]] = {}
    for entry in entries:
        kept = entry
        if isinstance(entry, dict):
            kept = [entry.get("issuer"), entry.get("match"), str(entry.get("as")).lower()]
        found.setdefault(json.dumps(kept, sort_keys=True), []).append(entry)
    return found


def _changed(old: Any, new: Any) -> str:
    grew = set(_roles(new)) - set(_roles(old)) or (
        old.get("level") != new.get("level") != READ and old.get("level")
    )
    return f"change {_named(new)}: {_access(old)} -> {_access(new)}{GREW if grew else ''}"


def _named(entry: Any) -> str:
    if not isinstance(entry, dict):
        return json.dumps(entry)
    match = entry.get("match")
    shown = ", ".join(f"{claim}={value}" for claim, value in match.items()) if isinstance(match, dict) else match
    text = f"{entry.get('issuer')} {shown} as {entry.get('as')}"
    return text if text.isprintable() else ascii(text)


def _access(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "not an entry"
    level = ascii(entry["level"]).strip("'") if entry.get("level") else ""
    return f"{', '.join(_roles(entry)) or 'no role'} at {f'most {level}' if level else 'any level'}"


def _roles(entry: Any) -> list[str]:
    roles = entry.get("roles") if isinstance(entry, dict) else None
    return [ascii(role).strip("'") for role in roles] if isinstance(roles, list) else []
