"""Check whether an account may build a function: read the source, write the log, and push the image.

The roles on the project and above it count. Projects made since July 2024 give the default account no role.
"""

from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.errors import invalid
from fullsend_sandbox.google.policies import SERVICE_ACCOUNT, Policies
from fullsend_sandbox.google.project import Project

BUILDS = frozenset({"roles/cloudbuild.builds.builder", "roles/editor", "roles/owner"})
READS = frozenset({"roles/storage.objectViewer", "roles/storage.objectAdmin", "roles/storage.admin"})
LOGS = frozenset({"roles/logging.logWriter"})
PUSHES = frozenset({"roles/artifactregistry.writer", "roles/artifactregistry.admin"})
MISSING = (
    "Build failed with status: FAILURE. Could not build the function due to a missing permission on the build "
    "service account. If you didn't revoke that permission explicitly, this could be caused by a change in the "
    "organization policies. Please refer to the following documentation for more details and resolution: "
    "https://cloud.google.com/functions/docs/troubleshooting#build-service-account"
)
"""Google's sentence: https://cloud.google.com/functions/docs/troubleshooting"""


class BuildAccounts:
    """The accounts that Cloud Build runs as."""

    def __init__(self, project: Project, policies: Policies) -> None:
        self._project = project
        self._policies = policies
        self.inherited: dict[str, set[str]] = {}
        """Roles of a member on the folder or the organization, which the project's policy does not show."""

    def check(self, build: Mapping[str, Any]) -> None:
        """Check that the account of a `buildConfig` may build. Raises RefusedError."""
        email = str(build.get("serviceAccount", "")).rpartition("/")[2] or self._project.default_account
        if not self._may_build(SERVICE_ACCOUNT + email):
            raise invalid(MISSING)

    def _may_build(self, member: str) -> bool:
        roles = self._policies.roles_of("project", member) | self.inherited.get(member, set())
        if roles & BUILDS or any(not role.startswith("roles/") for role in roles):
            return True  # what a custom role permits is not modeled
        return all(roles & needed for needed in (READS, LOGS, PUSHES))
