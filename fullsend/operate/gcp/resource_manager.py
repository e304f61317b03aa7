"""Cloud Resource Manager v3: the project's number and its IAM policy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fullsend.operate.gcp import policies

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session


class ResourceManager:
    """The project itself."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _projects(self) -> Any:
        return self._session.service("cloudresourcemanager", "v3").projects()

    def number(self) -> str:
        """Return the project's number."""
        name = f"projects/{self._session.project}"
        project = self._session.call(self._projects.get(name=name), f"show the project {self._session.project}")
        return str(project["name"]).removeprefix("projects/")

    def members(self, role: str) -> set[str]:
        """Return who has a role on the project."""
        return policies.members(self._policy(), role)

    def grant(self, role: str, member: str) -> None:
        """Give a member a role on the project."""
        policies.change(self._policy, self._write, partial(policies.with_member, role=role, member=member))

    def revoke(self, role: str, member: str) -> None:
        """Take a role on the project away from a member."""
        policies.change(self._policy, self._write, partial(policies.without_member, role=role, member=member))

    def _policy(self) -> policies.Policy:
        # Version 3, or conditional bindings come without their conditions and would be written back so.
        body = {"options": {"requestedPolicyVersion": 3}}
        request = self._projects.getIamPolicy(resource=f"projects/{self._session.project}", body=body)
        return self._session.call(request, "show the project's IAM policy")

    def _write(self, policy: policies.Policy) -> None:
        body = {"policy": policy}
        request = self._projects.setIamPolicy(resource=f"projects/{self._session.project}", body=body)
        self._session.call(request, "change the project's IAM policy", guarded=True)
