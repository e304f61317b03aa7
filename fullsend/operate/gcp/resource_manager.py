"""Call Cloud Resource Manager v3 for the project's number and its IAM policy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fullsend.operate.gcp import policies

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session


class ResourceManager:
    """The project in Resource Manager."""

    def __init__(self, session: Session) -> None:
        self._api = session.api("cloudresourcemanager", "v3")
        self._name = f"projects/{session.project}"

    def number(self) -> str:
        """Return the project's number."""
        return str(self._api.get(self._name, f"show the project {self._name[9:]}")["name"]).removeprefix(
            "projects/"
        )

    def members(self, role: str) -> set[str]:
        """Return the members with a role on the project."""
        return policies.members(self._policy(), role)

    def roles_of(self, member: str) -> set[str]:
        """Return the roles that a member has on the project without a condition."""
        policy = self._policy()
        return {
            str(one["role"])
            for one in policy.get("bindings", ())
            if member in policies.members(policy, one["role"])
        }

    def grant(self, role: str, member: str) -> None:
        """Give a member a role on the project."""
        policies.change(self._policy, self._write, partial(policies.with_member, role=role, member=member))

    def revoke(self, role: str, member: str) -> None:
        """Remove a role on the project from a member."""
        policies.change(self._policy, self._write, partial(policies.without_member, role=role, member=member))

    def _policy(self) -> policies.Policy:
        # Version 3: older versions drop the conditions of bindings, and a write would then remove them.
        body = {"options": {"requestedPolicyVersion": 3}}
        return self._api.post(f"{self._name}:getIamPolicy", "show the project's IAM policy", body)

    def _write(self, policy: policies.Policy) -> None:
        what = "change the project's IAM policy"
        self._api.post(f"{self._name}:setIamPolicy", what, {"policy": policy}, guarded=True)
