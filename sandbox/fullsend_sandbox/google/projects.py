"""Emulate Cloud Resource Manager v1 and v3: the project's id and number, and its IAM policy."""

from typing import Any

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import aborted, permission_denied
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.policies import Policies
from fullsend_sandbox.google.project import Project

HOST = "cloudresourcemanager.googleapis.com"
BORN = "2025-01-01T00:00:00.000Z"


class Projects:
    """The one project."""

    def __init__(self, project: Project, policies: Policies, operations: Operations) -> None:
        self._project = project
        self._operations = operations
        self._policies = policies
        self._editable: dict[str, Any] = {"displayName": project.id}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        return {
            "v1/projects.list": Endpoint(self._list, None),
            "v3/projects.list": Endpoint(self._list_under_parent, None),
            "projects.search": Endpoint(self._list, None),
            "projects.get": Endpoint(self._get, "resourcemanager.projects.get"),
            "projects.patch": Endpoint(self._patch, "resourcemanager.projects.update"),
            "operations.get": Endpoint(self._operations.get, None),
            "projects.getIamPolicy": Endpoint(self._policy, "resourcemanager.projects.getIamPolicy"),
            "projects.setIamPolicy": Endpoint(self._set_policy, "resourcemanager.projects.setIamPolicy"),
        }

    def _list(self, call: Call) -> dict[str, Any]:
        return page(call, "projects", [self._get(call)])

    def _list_under_parent(self, call: Call) -> dict[str, Any]:
        # The project has no organization, and one that the caller cannot see is not told from none.
        raise permission_denied("resourcemanager.projects.list", HOST, call.query.get("parent", ""))

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
            "state": "ACTIVE",
            "createTime": BORN,
            "updateTime": BORN,
            **self._editable,
            "etag": self._etag(),
        }

    def _patch(self, call: Call) -> dict[str, Any]:
        given = call.body.get("etag")
        if given and given != self._etag():
            raise aborted("The etag provided in the request does not match the project's current etag.")
        changed = call.patched(self._editable)
        self._editable = {name: changed[name] for name in ("displayName", "labels") if name in changed}
        operation = self._operations.begin("", "google.cloud.resourcemanager.v3.UpdateProjectMetadata", {})
        operation.finish("google.cloud.resourcemanager.v3.Project", self._get(call))
        return self._operations.show(operation)

    def _etag(self) -> str:
        return f'W/"{crc32c(repr(self._editable).encode()):016x}"'

    def _policy(self, _call: Call) -> dict[str, Any]:
        return self._policies.get("project")

    def _set_policy(self, call: Call) -> dict[str, Any]:
        return self._policies.replace("project", call)
