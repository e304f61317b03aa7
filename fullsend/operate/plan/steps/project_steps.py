"""Define the steps on the project: its APIs, its service accounts, its IAM policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.plan.steps.shell import RETRY, gcloud

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation

DISPLAY_NAME = "fullsend token mint"


@dataclass(frozen=True, slots=True)
class EnableApis:
    """Enable APIs."""

    apis: tuple[str, ...]

    def title(self) -> str:
        """Return the step's title."""
        return f"enable the APIs {', '.join(api.removesuffix('.googleapis.com') for api in self.apis)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [gcloud("services", "enable", *self.apis, "--project", location.project)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.apis.enable(self.apis)


@dataclass(frozen=True, slots=True)
class CreateServiceAccount:
    """Create the mint's own identity."""

    email: str

    def title(self) -> str:
        """Return the step's title."""
        return f"create the service account {self.email}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        name, where = self.email.partition("@")[0], ("--project", location.project)
        account = ("iam", "service-accounts")
        return [
            gcloud(*account, "create", name, *where, "--display-name", DISPLAY_NAME),
            f"{RETRY}{gcloud(*account, 'describe', self.email, *where, '--format', 'value(email)')}",
        ]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.accounts.create(self.email, DISPLAY_NAME)


@dataclass(frozen=True, slots=True)
class DeleteServiceAccount:
    """Delete the mint's own identity."""

    email: str

    def title(self) -> str:
        """Return the step's title."""
        return f"delete the service account {self.email}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [gcloud("iam", "service-accounts", "delete", self.email, "--project", location.project)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.accounts.delete(self.email)


@dataclass(frozen=True, slots=True)
class GrantProjectRole:
    """Give a member a role on the project."""

    role: str
    member: str

    def title(self) -> str:
        """Return the step's title."""
        return f"grant {self.role} on the project to {self.member}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [_binding("add", location, self.role, self.member)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.project.grant(self.role, self.member)


@dataclass(frozen=True, slots=True)
class RevokeProjectRole:
    """Remove a member's role on the project."""

    role: str
    member: str

    def title(self) -> str:
        """Return the step's title."""
        return f"remove {self.role} on the project from {self.member}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [_binding("remove", location, self.role, self.member)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.project.revoke(self.role, self.member)


def _binding(verb: str, location: MintLocation, role: str, member: str) -> str:
    policy = ("--role", role, "--member", member, "--condition", "None")
    return gcloud("projects", f"{verb}-iam-policy-binding", location.project, *policy)
