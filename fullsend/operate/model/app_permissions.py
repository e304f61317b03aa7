"""Compare the permissions that a role needs with those that its App has. Pure."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mintcore.policy.levels import ACCESS
from mintcore.policy.roles import BUILT_IN, check_custom_role, key_role, widest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mintcore.policy.names import Role


def permissions_of(role: Role, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return a role's permissions, from the built-in table or CUSTOM_ROLE_PERMISSIONS; empty when unknown."""
    if role in BUILT_IN:
        return BUILT_IN[role]
    custom = custom_permissions(environment).get(role)
    if not isinstance(custom, dict):
        return {}
    try:
        return widest(check_custom_role(role, custom)[1])
    except ValueError:
        return {}


def custom_permissions(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return CUSTOM_ROLE_PERMISSIONS; empty when it is not an object."""
    try:
        parsed = json.loads(environment.get("CUSTOM_ROLE_PERMISSIONS", "") or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def served_with(role: Role, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the permissions that an App needs for every role that uses it: `fix` uses coder's App."""
    needed = dict(permissions_of(role, environment))
    for other in BUILT_IN:
        if key_role(other) == role:
            needed |= {name: _higher(level, needed.get(name)) for name, level in BUILT_IN[other].items()}
    return needed


def used_by(role: Role, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the App permissions that the mint uses: those of the roles, and with GRANTS=1 those to read grants."""
    needed = served_with(role, environment)
    if environment.get("GRANTS", "").strip() == "1":
        needed["actions_variables"] = _higher("read", needed.get("actions_variables"))
    return needed


def missing(needed: Mapping[str, str], granted: Mapping[str, str]) -> list[str]:
    """Return `permission:level` for each needed permission that is not granted at that level or above."""
    return [
        f"{name}:{level}"
        for name, level in sorted(needed.items())
        if granted.get(name) not in ACCESS or ACCESS.index(granted[name]) < ACCESS.index(level)
    ]


def closest_names(lacking: Iterable[str], granted: Mapping[str, str]) -> dict[str, str]:
    """Return the probable meaning of each `permission:level` with an unknown name; `granted` are an App's.

    Without a copy of GitHub's list, the known names are those of the App and the built-in roles.
    """
    known = {*granted, *(name for permissions in BUILT_IN.values() for name in permissions)}
    names = {pair.partition(":")[0] for pair in lacking} - known
    close = {name: get_close_matches(name, sorted(known), n=1) for name in sorted(names)}
    return {name: found[0] for name, found in close.items() if found}


def _higher(one: str, other: str | None) -> str:
    return one if other is None else max(one, other, key=ACCESS.index)
