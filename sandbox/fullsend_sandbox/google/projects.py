"""Cloud Resource Manager v1 and v3: the project's id and number, and its IAM policy."""

from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.policies import Policies
from fullsend_sandbox.google.project import Project

BORN = "2025-01-01T00:00:00.000Z"


class Projects:
    """The one project."""

    def __init__(self, project: Project, policies: Policies) -> None:
        self._project = project
        self._policies = policies

    def endpoints(self) -> Endpoints:
        """Return what it answers."""
        return {
            "projects.get": Endpoint(self._get, "resourcemanager.projects.get"),
            "projects.getIamPolicy": Endpoint(self._policy, "resourcemanager.projects.getIamPolicy"),
            "projects.setIamPolicy": Endpoint(self._set_policy, "resourcemanager.projects.setIamPolicy"),
        }

    def _get(self, call: Call) -> dict[str, Any]:
        if call.method.version == "v1":
            return {
                "projectNumber": self._project.number,
                "projectId": self._project.id,
                "lifecycleState": "ACTIVE",
                "name": self._project.id,
                "createTime": BORN,
            }
        return {
            "name": f"projects/{self._project.number}",
            "projectId": self._project.id,
            "displayName": self._project.id,
            "state": "ACTIVE",
            "createTime": BORN,
            "updateTime": BORN,
            "etag": 'W/"7a1f0c3b9e8d"',
        }

    def _policy(self, _call: Call) -> dict[str, Any]:
        return self._policies.get("project")

    def _set_policy(self, call: Call) -> dict[str, Any]:
        return self._policies.replace("project", call)
