"""Define the roles and their maximum permissions, as one value that is built at start and never changes.

A token has at most the permissions of its role's level, even if the App has more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from mintcore.policy.levels import Levels, Permissions, check_levels, check_permissions, two_levels
from mintcore.policy.names import Role, parse_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CODER = Role("coder")
FIX = Role("fix")


def _permissions(text: str) -> Permissions:
    return MappingProxyType(dict(pair.split(":") for pair in text.split()))


BUILT_IN: Mapping[Role, Permissions] = MappingProxyType(
    {
        Role("fullsend"): _permissions(
            "actions:write actions_variables:read contents:write pull_requests:write workflows:write metadata:read"
        ),
        Role("triage"): _permissions("contents:read issues:write metadata:read"),
        CODER: _permissions("contents:write pull_requests:write issues:write checks:read metadata:read"),
        Role("review"): _permissions("contents:read pull_requests:write issues:write checks:read metadata:read"),
        FIX: _permissions("contents:write pull_requests:write issues:write metadata:read"),
        Role("retro"): _permissions("contents:read pull_requests:write issues:write actions:read metadata:read"),
        Role("prioritize"): _permissions("contents:read issues:write organization_projects:write metadata:read"),
        Role("scribe"): _permissions("contents:read issues:write metadata:read"),
        Role("e2e"): _permissions(
            "actions:write actions_variables:write administration:write contents:write issues:write "
            "members:write metadata:read organization_actions_variables:write "
            "organization_administration:write pull_requests:write secrets:write workflows:write"
        ),
    }
)


class App(NamedTuple):
    """The GitHub App behind a role, and the role under whose name its key is stored."""

    app_id: str
    key_role: Role


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role's App, and the levels that a token of the role can have."""

    role: Role
    app: App
    levels: Levels

    @property
    def permissions(self) -> Permissions:
        """The widest level: the maximum permissions of a token of the role."""
        return widest(self.levels)


@dataclass(frozen=True, slots=True)
class RoleBook:
    """The roles this mint knows: those it ``serves``, and those it only ``holds`` an App for."""

    serves: Mapping[Role, RoleGrant]
    holds: frozenset[Role] = field(default=frozenset())
    _names: tuple[Role, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", tuple(sorted(self.serves)))

    @property
    def names(self) -> list[str]:
        """The served roles, sorted."""
        return list(self._names)

    @property
    def key_roles(self) -> list[Role]:
        """The roles under whose names the keys of the served roles are stored, sorted."""
        return sorted({grant.app.key_role for grant in self.serves.values()})


def widest(levels: Levels) -> Permissions:
    """Return the permissions of the last level, which contains all others."""
    return levels[next(reversed(levels))]


def key_role(role: Role) -> Role:
    """Return the role whose App and key ``role`` uses; only ``fix`` shares another role's."""
    return CODER if role == FIX else role


def check_custom_role(name: str, declared: Mapping[str, object]) -> tuple[Role, Levels]:
    """Return a custom role, or raise ``ValueError`` with the sentence for the operator.

    ``declared`` is a flat map of permissions, or ``{"levels": {level: permissions}}``.
    """
    try:
        role = parse_role(name)
    except ValueError as error:
        raise ValueError(f'registering custom role permissions: custom role "{name}": {error}') from None
    if role in BUILT_IN:
        raise ValueError(f'registering custom role permissions: custom role "{name}" collides with built-in role')
    try:
        return role, _declared_levels(declared)
    except ValueError as error:
        raise ValueError(f'registering custom role permissions: custom role "{name}": {error}') from None


def _declared_levels(declared: Mapping[str, object]) -> Levels:
    if "levels" not in declared:
        return two_levels(check_permissions(declared))
    levels = declared["levels"]
    if len(declared) > 1 or not isinstance(levels, dict):
        raise ValueError('"levels" is reserved: it must be the only key and hold an object of levels')
    return check_levels(levels)


def build_role_book(
    app_ids: Mapping[Role, str], custom: Mapping[Role, Levels], allowed: Iterable[Role] | None
) -> RoleBook:
    """Return the roles to serve.

    ``app_ids`` are the configured Apps; ``allowed`` is the operator's subset, ``None`` for all of them. A role
    that has an App and no permissions is neither served nor held.
    """
    levels = {role: two_levels(permissions) for role, permissions in BUILT_IN.items()} | dict(custom)
    grants = {
        role: RoleGrant(role, App(app_ids[key_role(role)], key_role(role)), levels[role])
        for role in sorted(levels)
        if key_role(role) in app_ids
    }
    wanted = set(grants) if allowed is None else set(allowed)
    serves = {role: grant for role, grant in grants.items() if role in wanted}
    return RoleBook(MappingProxyType(serves), frozenset(grants))
