"""Which access GitHub has for a permission (GitHub REST, schema ``app-permissions``).

A role's level ``read`` lowers every permission to ``read``, also ``workflows``, which GitHub can only write. GitHub
refuses a token request with an access that does not exist as a whole, so this leaves it out (docs/adr/0023).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mintcore.errors import PermissionsNotGranted
from mintcore.policy.levels import ACCESS
from mintcore.request import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every other permission, also one that GitHub adds later, has read and write.
_OTHER = ("read", "write")
_EXCEPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "workflows": ("write",),
        "profile": ("write",),
        "organization_events": ("read",),
        "organization_plan": ("read",),
        "repository_projects": ACCESS,
        "organization_projects": ACCESS,
        "organization_custom_properties": ACCESS,
        "enterprise_custom_properties_for_organizations": ACCESS,
    }
)


def requestable(scope: Scope) -> Scope:
    """Return ``scope`` with the permissions that GitHub has.

    Raises PermissionsNotGranted if none is left: GitHub reads a request without permissions as *all of the App's*.
    """
    kept = {name: access for name, access in scope.permissions.items() if _exists(name, access)}
    if not kept:
        raise PermissionsNotGranted(
            f"GitHub does not have {', '.join(left_out(scope))}, and the request has no other permission. Fix: "
            f"request {_instead(scope)}, or another permission of the level."
        )
    return Scope(MappingProxyType(kept), scope.repos)


def left_out(scope: Scope) -> tuple[str, ...]:
    """Return what :func:`requestable` leaves out, as ``name:access``."""
    return tuple(f"{name}:{access}" for name, access in scope.permissions.items() if not _exists(name, access))


def warnings_of(scope: Scope) -> tuple[str, ...]:
    """Return a sentence for the caller if the token lacks a permission because GitHub does not have it."""
    lacking = left_out(scope)
    if not lacking:
        return ()
    sentence = f"GitHub does not have {', '.join(lacking)}, so the token does not have it."
    return (f"{sentence} Fix: if the job needs it, request {_instead(scope)}.",)


def _exists(name: str, access: str) -> bool:
    return access in _EXCEPTIONS.get(name, _OTHER)


def _instead(scope: Scope) -> str:
    lacking = [name for name, access in scope.permissions.items() if not _exists(name, access)]
    return " and ".join(f"{name}:{_EXCEPTIONS.get(name, _OTHER)[-1]}" for name in lacking)
