"""Define the steps on the secrets with the App keys. A key is a `Secret`, so titles and errors never show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fullsend.operate.gcp.secret_manager import ACCESSOR, ENABLED
from fullsend.operate.model.names import secret_id
from fullsend.operate.operate_errors import GoogleFailed, MissingPermission, NotThere
from fullsend.operate.plan.steps.shell import RETRY, gcloud

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation
    from mintcore.policy.names import Role
    from mintcore.secret import Secret


@dataclass(frozen=True, slots=True)
class CreateSecret:
    """Create a role's secret, without a version."""

    role: Role

    def title(self) -> str:
        """Return the step's title."""
        return f"create the secret {secret_id(self.role)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = ("--project", location.project, "--replication-policy", "automatic")
        return [gcloud("secrets", "create", secret_id(self.role), *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.secrets.create(cloud.location.secret(self.role))


@dataclass(frozen=True, slots=True)
class AddKey:
    """Store an App key as the newest version, unless it already is the newest."""

    role: Role
    file: str
    key: Secret = field(repr=False, compare=False)

    def title(self) -> str:
        """Return the step's title."""
        return f"store the key of {self.file} in {secret_id(self.role)}, unless it already is the newest version"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands; the file is named by its whole path, so they run in any folder."""
        where = ("--project", location.project, "--data-file", str(Path(self.file).absolute()))
        return [gcloud("secrets", "versions", "add", secret_id(self.role), *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step. If the operator may not read keys, it can add a version with the same key."""
        name = cloud.location.secret(self.role)
        try:
            if cloud.secrets.value(name).reveal() == self.key.reveal():
                return
        except (NotThere, GoogleFailed, MissingPermission):
            pass  # no version exists, the newest is disabled, or the operator may not read it
        cloud.secrets.add_version(name, self.key)


@dataclass(frozen=True, slots=True)
class GrantSecret:
    """Let the mint read only a role's secret."""

    role: Role
    member: str

    def title(self) -> str:
        """Return the step's title."""
        return f"let {self.member} read {secret_id(self.role)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        member = ("--role", ACCESSOR, "--member", self.member, "--condition", "None")
        return [
            RETRY
            + gcloud(
                "secrets", "add-iam-policy-binding", secret_id(self.role), *member, "--project", location.project
            )
        ]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.secrets.grant(cloud.location.secret(self.role), self.member)


@dataclass(frozen=True, slots=True)
class RevokeSecret:
    """Remove the mint's permission to read a secret; the secret itself stays."""

    role: Role
    member: str

    def title(self) -> str:
        """Return the step's title."""
        return f"remove the permission of {self.member} to read {secret_id(self.role)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        member = ("--role", ACCESSOR, "--member", self.member, "--condition", "None")
        return [
            gcloud(
                "secrets", "remove-iam-policy-binding", secret_id(self.role), *member, "--project", location.project
            )
        ]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.secrets.revoke(cloud.location.secret(self.role), self.member)


@dataclass(frozen=True, slots=True)
class DisableOldKeys:
    """Disable every version except the newest; they can be enabled again."""

    role: Role

    def title(self) -> str:
        """Return the step's title."""
        return f"disable every version of {secret_id(self.role)} except the newest"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where, name = ("--project", location.project), secret_id(self.role)
        shown = ("--filter", "state=ENABLED", "--sort-by", "~createTime", "--format", "value(name)")
        listing = gcloud("secrets", "versions", "list", name, *where, *shown)
        disable = gcloud("secrets", "versions", "disable", "VERSION", "--secret", name, *where)
        return [f"{listing} | tail -n +2 | xargs -r -I VERSION {disable}"]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        name = cloud.location.secret(self.role)
        for version in (cloud.secrets.versions(name) or [])[1:]:
            if version.state == ENABLED:
                cloud.secrets.disable(name, version.number)


@dataclass(frozen=True, slots=True)
class DeleteSecret:
    """Delete a role's secret with every version of the key."""

    role: Role

    def title(self) -> str:
        """Return the step's title."""
        return f"delete the secret {secret_id(self.role)} with every version of the key"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [gcloud("secrets", "delete", secret_id(self.role), "--project", location.project)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.secrets.delete(cloud.location.secret(self.role))
