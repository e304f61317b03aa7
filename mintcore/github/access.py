"""Leave out of a token request the permissions that GitHub does not have, such as ``workflows: read``.

Source: GitHub REST, schema ``app-permissions``.

The level ``read`` lowers every permission to ``read``. GitHub has ``workflows`` only with ``write``, and refuses
the whole request if it has ``workflows: read`` (docs/adr/0023).
"""

from __future__ import annotations

from types import MappingProxyType

from mintcore.errors import PermissionsNotGranted
from mintcore.request import Scope

_WRITE_ONLY = frozenset({"workflows", "profile"})


def requestable(scope: Scope) -> Scope:
    """Return ``scope`` without read access to permissions that GitHub has only with ``write``.

    Raises PermissionsNotGranted if no permission is left: GitHub reads a request without permissions as *all of the
    App's*.
    """
    lacking = left_out(scope)
    if not lacking:
        return scope
    kept = {name: access for name, access in scope.permissions.items() if name not in lacking}
    if not kept:
        raise PermissionsNotGranted(
            f"GitHub does not have {_listed(lacking, 'read')}, and the request has no other permission. Fix: "
            f"request {_listed(lacking, 'write')}, or another permission of the level."
        )
    return Scope(MappingProxyType(kept), scope.repos, scope.ids)


def left_out(scope: Scope) -> tuple[str, ...]:
    """Return the names of the permissions that :func:`requestable` leaves out."""
    return tuple(name for name, access in scope.permissions.items() if access == "read" and name in _WRITE_ONLY)


def warnings_of(scope: Scope) -> tuple[str, ...]:
    """Return a sentence for the caller if the token lacks a permission because GitHub does not have it."""
    lacking = left_out(scope)
    if not lacking:
        return ()
    sentence = f"GitHub does not have {_listed(lacking, 'read')}, so the token does not have it."
    return (f"{sentence} Fix: if the job needs it, request {_listed(lacking, 'write')}.",)


def _listed(names: tuple[str, ...], access: str) -> str:
    return ", ".join(f"{name}:{access}" for name in names)
