"""Apply other operators' changes of the mint's environment again, after a build has overwritten them.

Pure. A function's update overwrites the environment with the values read before the build. So changes that others
made meanwhile are applied again, also removals, because a lost removal would let a removed caller mint again. If
both changed the same value, this deployment wins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.operate.model import environment as env
from fullsend.operate.model.issuer_list import CALLERS, ISSUERS
from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend.operate.model.edits import Edit

_EMPTY_DENIES = ("ALLOWED_ORGS", "ALLOWED_WORKFLOW_FILES", "PER_REPO_WIF_REPOS", env.REPO_ONLY)
_EMPTY_WIDENS = ("ALLOWED_ROLES", "WORKFLOW_HOST_REPOS")
"""If unset, these mean everything or a default. So they are merged item by item, but merging never empties them."""
_MAPS = ("ROLE_APP_IDS", "CUSTOM_ROLE_PERMISSIONS", env.IDS, env.REQUIRED)
_OURS = (env.SOURCE_HASH, "LOG_EXECUTION_ID")


@dataclass(frozen=True, slots=True)
class Replay:
    """The difference from `before` to `theirs`, followed by the deployment's own edit."""

    before: Mapping[str, str] = field(repr=False)
    theirs: Mapping[str, str] = field(repr=False)
    own: Edit = field(repr=False)

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with the difference. Raises BadInput."""
        merged = dict(environment)
        for name in sorted({*self.before, *self.theirs} - {*_OURS}):
            old, new, now = (one.get(name, "") for one in (self.before, self.theirs, environment))
            if old != new:
                self._put(merged, name, _merger(name)(old, new, now))
        return self.own.apply(merged)

    def is_applied(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment already has the difference."""
        return self.apply(environment) == dict(environment)

    def _put(self, merged: dict[str, str], name: str, value: str) -> None:
        if value or (name in merged and name in self.theirs):
            merged[name] = value
        else:
            merged.pop(name, None)


def _merger(name: str) -> Callable[[str, str, str], str]:
    if name in _EMPTY_DENIES:
        return _items
    if name in _EMPTY_WIDENS:
        return _items_never_none
    if name == CALLERS:
        return _entries
    if name == ISSUERS:
        return _members_or_none
    return _members if name in _MAPS else _whole


def _whole(old: str, new: str, now: str) -> str:
    return new if now == old else now


def _items(old: str, new: str, now: str) -> str:
    was, became, listed = (env.items({"": text}, "") for text in (old, new, now))
    added = [item for item in became if item not in was]
    touched = {item.lower() for item in (*added, *(item for item in was if item not in became))}
    wanted = [*(item for item in listed if item.lower() not in touched), *added]
    return now if sorted(wanted) == sorted(listed) else ",".join(wanted)


def _items_never_none(old: str, new: str, now: str) -> str:
    if not (old and new and now):
        return _whole(old, new, now)
    return _items(old, new, now) or now


def _members(old: str, new: str, now: str) -> str:
    try:
        was, became, there = (env.json_object({"": text}, "") for text in (old, new, now))
    except BadInput:
        return now  # another operator wrote invalid JSON; the new revision starts without it
    changed: dict[str, Any] = {key: value for key, value in became.items() if was.get(key) != value}
    wanted = {key: value for key, value in there.items() if key in became or key not in was} | changed
    return now if wanted == there or not wanted else json.dumps(wanted, sort_keys=True)


def _members_or_none(old: str, new: str, now: str) -> str:
    """Merge JSON objects; an empty object is the same as an unset variable."""
    return "" if not new.strip() and now == old else _members(old, new, now)


def _entries(old: str, new: str, now: str) -> str:
    """Merge the added and removed entries of JSON lists; a changed entry counts as both."""
    try:
        was, became, there = (_list(text) for text in (old, new, now))
        keys, left = [_key(one) for one in was], [_key(one) for one in became]
        kept = [one for one in there if _key(one) in left or _key(one) not in keys]
    except (ValueError, RecursionError):
        return now  # not JSON lists: keep the deployment's value
    listed = [_key(one) for one in kept]
    wanted = [*kept, *(one for one in became if _key(one) not in keys and _key(one) not in listed)]
    return now if wanted == there else json.dumps(wanted) if wanted else ""


def _list(text: str) -> list[Any]:
    found = json.loads(text or "[]")
    if not isinstance(found, list):
        raise ValueError("not a list")  # noqa: TRY004 - caught with what json raises
    return found


def _key(value: object) -> str:
    return json.dumps(value, sort_keys=True)
