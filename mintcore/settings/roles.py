"""Read ``ROLE_APP_IDS``, ``ALLOWED_ROLES`` and ``CUSTOM_ROLE_PERMISSIONS``, which must agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mintcore.policy.github_permissions import intended_permission
from mintcore.policy.names import Role, parse_role
from mintcore.policy.roles import BUILT_IN, FIX, RoleBook, build_role_book, check_custom_role, key_role, widest

if TYPE_CHECKING:
    from collections.abc import Collection

    from mintcore.policy.levels import Levels
    from mintcore.settings.reader import Reader

_APP_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """The configured roles; ``unhealthy`` is the reason why no role can be served, empty if some can."""

    book: RoleBook
    custom: tuple[str, ...]
    unhealthy: str


def read_roles(reader: Reader) -> RoleSettings:
    """Return the roles to serve, noting every problem and warning on ``reader``."""
    custom = _custom_permissions(reader)
    app_ids, legacy = _app_ids(reader)
    allowed = _allowed(reader, app_ids, custom)
    for role in sorted(app_ids):
        if role not in BUILT_IN and role not in custom:
            reader.warn(f"ROLE_APP_IDS has the role {role}, which has no permissions: it is not served")
    for role in sorted(custom):
        if role not in app_ids:
            reader.warn(
                f"CUSTOM_ROLE_PERMISSIONS has the role {role}, which has no App: it is not served. Fix: add its "
                "App ID to ROLE_APP_IDS"
            )
        _warn_of_misspelled(reader, role, custom[role])
    unhealthy = ""
    if legacy:
        reader.warn(f"ROLE_APP_IDS has legacy keys, which are ignored: {', '.join(legacy)}")
        if not app_ids:
            unhealthy = "ROLE_APP_IDS has only legacy keys with a '/'; name the roles without an organization"
    return RoleSettings(build_role_book(app_ids, custom, allowed), tuple(sorted(custom)), unhealthy)


def _custom_permissions(reader: Reader) -> dict[Role, Levels]:
    custom: dict[Role, Levels] = {}
    for name, permissions in reader.json_object("CUSTOM_ROLE_PERMISSIONS").items():
        if not isinstance(permissions, dict):
            reader.problem("CUSTOM_ROLE_PERMISSIONS", f'needs an object of permissions for "{name}"')
            continue
        try:
            role, checked = check_custom_role(name, permissions)
        except ValueError as error:
            reader.problem("CUSTOM_ROLE_PERMISSIONS", f"is invalid: {error}")
        else:
            custom[role] = checked
    return custom


def _warn_of_misspelled(reader: Reader, role: Role, levels: Levels) -> None:
    for name in widest(levels):
        intended = intended_permission(name)
        if intended:
            reader.warn(
                f"CUSTOM_ROLE_PERMISSIONS gives the role {role} the permission {name}, which GitHub does not "
                f"document; did you mean {intended}?"
            )


def _app_ids(reader: Reader) -> tuple[dict[Role, str], list[str]]:
    if not reader.required("ROLE_APP_IDS"):
        return {}, []
    listed = reader.json_object("ROLE_APP_IDS")
    legacy = sorted(key for key in listed if "/" in key)
    app_ids: dict[Role, str] = {}
    for key, value in listed.items():
        if key in legacy:
            continue
        app_id = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not _APP_ID.fullmatch(app_id):
            reader.problem("ROLE_APP_IDS", f'needs a number as the App ID of "{key}", not {ascii(value)[:60]}')
        for role in reader.parsed("ROLE_APP_IDS", [key], parse_role):
            app_ids[role] = app_id
    if app_ids.pop(FIX, None):
        reader.warn("ROLE_APP_IDS has an App for the role fix, which is ignored: fix uses coder's App")
    return app_ids, legacy


def _allowed(reader: Reader, app_ids: Collection[Role], custom: Collection[Role]) -> list[Role] | None:
    """Return the operator's subset of roles, ``None`` for all of them."""
    listed = reader.items("ALLOWED_ROLES")
    if not listed:
        return None
    roles = reader.parsed("ALLOWED_ROLES", listed, parse_role)
    for role in roles:
        if key_role(role) not in app_ids:
            wanted = f"the role {role}, whose App ID is not in ROLE_APP_IDS"
            reader.problem("ALLOWED_ROLES", f"has {wanted}")
        elif role not in BUILT_IN and role not in custom:
            wanted = f"the role {role}, which has no permissions in CUSTOM_ROLE_PERMISSIONS"
            reader.problem("ALLOWED_ROLES", f"has {wanted}")
    return roles
