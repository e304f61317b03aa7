"""The account that Cloud Build builds the function with, and whether it may.

Newer projects give the default account no role; a build then fails minutes after the upload with an unclear error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import OperateError, PreconditionFailed

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation

BUILDER = "roles/cloudbuild.builds.builder"
_BROADER = ("roles/editor", "roles/owner", "roles/cloudbuild.builds.editor")


def unable_builder(cloud: Cloud) -> str:
    """Return the account if it has no role to build with; empty where it has one, or where that cannot be read."""
    try:
        email = cloud.builds.default_account(cloud.location.region)
        roles = cloud.project.roles_of(f"serviceAccount:{email}") if email else {BUILDER}
    except OperateError:
        return ""  # the operator may not read it; the build itself will tell
    # A custom role may have the permissions too: only an account without any role certainly lacks them.
    known = roles & {BUILDER, *_BROADER} or any(not role.startswith("roles/") for role in roles)
    return "" if known else email


@dataclass(frozen=True, slots=True)
class CheckBuilder:
    """Check, before anything is uploaded, that the source can be built."""

    def title(self) -> str:
        """Say what it does."""
        return f"check that Cloud Build's account has {BUILDER} or more"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        return [f"# {self.title()}: fullsend mint doctor {location.flags()}"]

    def apply(self, cloud: Cloud) -> None:
        """Do it. Raises PreconditionFailed when the build would fail."""
        email = unable_builder(cloud)
        if email:
            raise PreconditionFailed(
                f"Cloud Build's account {email} lacks {BUILDER} and could not build the function. "
                "Nothing was uploaded.",
                f"{grant_builder(cloud.location.project, email)}\n"
                "If the role is granted on the folder or the organization, add --skip-build-check.",
            )


def grant_builder(project: str, email: str) -> str:
    """Return the command that lets the account build."""
    return (
        f"gcloud projects add-iam-policy-binding {project} --member=serviceAccount:{email} --role={BUILDER} "
        "--condition=None"
    )
