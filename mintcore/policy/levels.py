"""The levels of a role: named sets of permissions, each of which contains the one before it.

Every role has ``read`` and ``write``, unless the operator has declared other levels for a custom role.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Permissions = MappingProxyType[str, str]
"""Permission name → ``read``, ``write`` or ``admin``, as GitHub's REST API names them."""

Levels = MappingProxyType[str, Permissions]
"""Level name → its permissions, the narrowest level first."""

ACCESS = ("read", "write", "admin")
READ = "read"
WRITE = "write"

_LEVEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PERMISSION_NAME = re.compile(r"[a-z][a-z_]{0,63}")


def is_level_name(text: str) -> bool:
    """Return whether ``text`` can be the name of a level."""
    return _LEVEL_NAME.fullmatch(text) is not None


def is_permission(name: str, access: object) -> bool:
    """Return whether ``name`` and ``access`` have the form of a permission."""
    return _PERMISSION_NAME.fullmatch(name) is not None and isinstance(access, str) and access in ACCESS


def covers(granted: str | None, access: str) -> bool:
    """Return whether ``granted`` includes ``access``; ``None`` includes nothing."""
    return granted is not None and ACCESS.index(granted) >= ACCESS.index(access)


def missing_access(asked: Mapping[str, str], granted: Mapping[str, str]) -> tuple[str, ...]:
    """Return the permissions of ``asked`` that ``granted`` does not include, as ``name:access``, sorted."""
    return tuple(
        f"{name}:{access}" for name, access in sorted(asked.items()) if not covers(granted.get(name), access)
    )


def two_levels(permissions: Mapping[str, str]) -> Levels:
    """Return the levels of a role that is declared by one set of permissions.

    ``read`` has every permission, lowered to ``read``, even if GitHub does not have that access.
    """
    lowered: Permissions = MappingProxyType(dict.fromkeys(permissions, READ))
    return MappingProxyType({READ: lowered, WRITE: MappingProxyType(dict(permissions))})


def check_permissions(permissions: Mapping[str, object]) -> Permissions:
    """Return the permissions, or raise ``ValueError`` with what is wrong.

    An empty set is rejected: GitHub reads it as *everything the App has*.
    """
    if not permissions:
        raise ValueError("has no permission")
    for name, access in permissions.items():
        if not _PERMISSION_NAME.fullmatch(name):
            raise ValueError(f'"{name}" is not a permission name')
        if access not in ACCESS:
            raise ValueError(f"{name} must be one of {', '.join(ACCESS)}")
    return MappingProxyType({name: str(access) for name, access in permissions.items()})


def check_levels(levels: Mapping[str, object]) -> Levels:
    """Return the declared levels, or raise ``ValueError`` with what is wrong."""
    if not levels:
        raise ValueError("has no level")
    checked: dict[str, Permissions] = {}
    before = ""
    for name, permissions in levels.items():
        if not is_level_name(name):
            raise ValueError(f'"{name}" is not a level name')
        if not isinstance(permissions, dict):
            raise ValueError(f'the level "{name}" must be an object of permissions')  # noqa: TRY004 - as all others
        try:
            checked[name] = check_permissions(permissions)
        except ValueError as error:
            raise ValueError(f'the level "{name}": {error}') from None
        if before and (lost := missing_access(checked[before], checked[name])):
            raise ValueError(f'the level "{name}" must contain the level "{before}", and lacks {", ".join(lost)}')
        before = name
    return MappingProxyType(checked)
