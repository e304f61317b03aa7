"""Check that the account with which Cloud Build builds the function has the necessary role.

In newer projects the default account has no role. A build then fails minutes after the upload, without naming the
account or the role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import NotReady, OperateError, PreconditionFailed

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation

BUILDER = "roles/cloudbuild.builds.builder"
_BROADER = frozenset({"roles/editor", "roles/owner"})
_READS = frozenset({"roles/storage.objectViewer", "roles/storage.objectAdmin", "roles/storage.admin"})
_LOGS = frozenset({"roles/logging.logWriter"})
_PUSHES = frozenset({"roles/artifactregistry.writer", "roles/artifactregistry.admin"})
"""A build reads the source, writes its log and pushes the image:
https://cloud.google.com/functions/docs/securing/build-custom-sa"""
_BUILD_REFUSED = "missing permission on the build service account"


def unable_builder(cloud: Cloud) -> str:
    """Return the account if it has no role for builds; empty if it has one, or if that is unknown."""
    try:
        email = cloud.builds.default_account(cloud.location.region)
        roles = cloud.project.roles_of(f"serviceAccount:{email}") if email else {BUILDER}
    except OperateError:
        return ""  # the operator may not read it; the build itself will report it
    return "" if _suffices(roles) else email


def _suffices(roles: set[str]) -> bool:
    # A custom role may also have the permissions, so it counts without reading it.
    if roles & {BUILDER, *_BROADER} or any(not role.startswith("roles/") for role in roles):
        return True
    return all(roles & needed for needed in (_READS, _LOGS, _PUSHES))


def explain_build(cloud: Cloud, error: NotReady) -> NotReady:
    """Return the error, with the grant as its remedy if the account lacked a role for builds."""
    if _BUILD_REFUSED not in error.message:
        return error
    try:
        email = cloud.builds.default_account(cloud.location.region)
    except OperateError:
        email = ""
    show = f"gcloud builds get-default-service-account --project={cloud.location.project} --region="
    which = "" if email else f"\nACCOUNT is what this prints: {show}{cloud.location.region}"
    return NotReady(
        error.message,
        f"{grant_builder(cloud.location.project, email or 'ACCOUNT')}\n"
        f"It takes effect after about a minute. Then run the command again.{which}",
    )


@dataclass(frozen=True, slots=True)
class CheckBuilder:
    """Check before the upload that the source can be built."""

    def title(self) -> str:
        """Return the step's title."""
        return f"check that Cloud Build's account has {BUILDER} or more"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [f"# {self.title()}: fullsend mint doctor {location.flags()}"]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step. Raises PreconditionFailed when the build would fail."""
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
