"""Add members to IAM policies and remove them, guarded by the etag of the read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fullsend.operate.operate_errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTEMPTS = 10
Policy = dict[str, Any]


def members(policy: Mapping[str, Any], role: str) -> set[str]:
    """Return the members that have a role without a condition."""
    bindings = [one for one in policy.get("bindings", ()) if one["role"] == role and not one.get("condition")]
    return {member for binding in bindings for member in binding.get("members", ())}


def with_member(policy: Mapping[str, Any], role: str, member: str) -> Policy:
    """Return the policy with a member in a role, without deleted accounts of the same name.

    A binding of a deleted account grants nothing, also not to a new account of the same name (Google Cloud IAM,
    "Policies with deleted principals").
    """
    rest = _without_binding(policy, role)
    everyone = sorted(_others(members(policy, role), member) | {member})
    return {**policy, "bindings": [*rest, {"role": role, "members": everyone}]}


def without_member(policy: Mapping[str, Any], role: str, member: str) -> Policy:
    """Return the policy without a member in a role, and without deleted accounts of the same name."""
    rest = _without_binding(policy, role)
    left = sorted(_others(members(policy, role), member))
    return {**policy, "bindings": [*rest, {"role": role, "members": left}] if left else rest}


def _others(listed: set[str], member: str) -> set[str]:
    return {one for one in listed if one != member and not one.startswith(f"deleted:{member}?uid=")}


def _without_binding(policy: Mapping[str, Any], role: str) -> list[Any]:
    return [one for one in policy.get("bindings", ()) if one["role"] != role or one.get("condition")]


def change(read: Callable[[], Policy], write: Callable[[Policy], object], edit: Callable[[Policy], Policy]) -> None:
    """Read, edit and write a policy; repeat if another writer was faster. Raises OperateError."""
    for attempt in range(ATTEMPTS):
        before = read()
        after = edit(before)
        if after.get("bindings", []) == before.get("bindings", []):
            return
        try:
            write(after)
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return
