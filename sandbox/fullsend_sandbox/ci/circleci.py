"""Emulate CircleCI: `circleci run oidc get`, with one issuer for each organization.

CircleCI: "Using OpenID Connect tokens in jobs", format of the ID token; "OIDC tokens with custom claims".
Keys at `/org/ORGANIZATION/.well-known/jwks-pub.json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fullsend_sandbox.ci.issuer import CIIssuer, CIJob

ORGANIZATION = "c9035eb6-6eb2-4c85-8a81-d9ed6a1d1d1e"
NAMESPACE = "oidc.circleci.com"


@dataclass(frozen=True, kw_only=True)
class CircleCIJob(CIJob):
    """One job; a pipeline that a custom webhook triggered has neither `vcs_origin` nor `vcs_ref`."""

    organization_id: str = ORGANIZATION
    project_id: str = "3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5c"
    user_id: str = "5e6f7a8b-9c0d-4e1f-a2b3-c4d5e6f7a8b9"
    pipeline_definition_id: str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
    pipeline_id: str = "9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a"
    workflow_id: str = "2b3c4d5e-6f70-4812-9a3b-4c5d6e7f8091"
    job_id: str = "1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f9"
    context_ids: tuple[str, ...] = ("7b6a5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c5d",)
    vcs_origin: str | None = "github.com/acme/app"
    vcs_ref: str | None = "refs/heads/main"
    ssh_rerun: bool = False

    def claims(self) -> dict[str, Any]:
        """Return every claim except the issuer's own, with the `sub` of `$CIRCLE_OIDC_TOKEN_V2`."""
        subject = f"org/{self.organization_id}/project/{self.project_id}/user/{self.user_id}"
        vcs = {}
        if self.vcs_origin is not None and self.vcs_ref is not None:
            subject += f"/vcs-origin/{self.vcs_origin}/vcs-ref/{self.vcs_ref}"
            vcs = {f"{NAMESPACE}/vcs-origin": self.vcs_origin, f"{NAMESPACE}/vcs-ref": self.vcs_ref}
        return {
            "sub": subject,
            f"{NAMESPACE}/org-id": self.organization_id,
            f"{NAMESPACE}/project-id": self.project_id,
            f"{NAMESPACE}/pipeline-definition-id": self.pipeline_definition_id,
            f"{NAMESPACE}/pipeline-id": self.pipeline_id,
            f"{NAMESPACE}/workflow-id": self.workflow_id,
            f"{NAMESPACE}/job-id": self.job_id,
            f"{NAMESPACE}/context-ids": list(self.context_ids),
            f"{NAMESPACE}/ssh-rerun": self.ssh_rerun,
            **vcs,
        }


class CircleCIIssuer(CIIssuer):
    """oidc.circleci.com for the organization `ORGANIZATION`; its tokens have no `nbf` and no `jti`."""

    kind: ClassVar[str] = "circleci"
    base: ClassVar[str] = f"/org/{ORGANIZATION}"
    keys_path: ClassVar[str] = "/.well-known/jwks-pub.json"
    lifetime: ClassVar[int] = 3600
    subject: ClassVar[str] = "assertion['oidc.circleci.com/project-id']"
    condition: ClassVar[str] = "assertion['oidc.circleci.com/project-id'] == '3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5c'"
    match: ClassVar[Mapping[str, str]] = {
        f"{NAMESPACE}/project-id": "3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5c",
        f"{NAMESPACE}/vcs-origin": "github.com/acme/app",
        f"{NAMESPACE}/vcs-ref": "refs/heads/main",
        f"{NAMESPACE}/ssh-rerun": "false",
    }
    not_before: ClassVar[int | None] = None
    has_jti: ClassVar[bool] = False

    def default_job(self) -> CircleCIJob:
        """Return a job of the project on its branch `main`."""
        return CircleCIJob()
