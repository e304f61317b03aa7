"""Emulate GitLab CI: `id_tokens` of a job, signed by the instance.

GitLab: "OpenID Connect (OIDC) authentication using ID tokens", token payload. Keys at `/oauth/discovery/keys`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fullsend_sandbox.ci.issuer import CIIssuer, CIJob
from fullsend_sandbox.job import SHA, stable_id


@dataclass(frozen=True, kw_only=True)
class GitLabJob(CIJob):
    """One job; `project` is the whole path, nested groups included.

    In a fork's merge request pipeline `project` is the fork, and `job_project` can be the target.
    """

    project: str = "acme/tools/app"
    project_id: str = "4711"
    namespace_id: str | None = None
    job_project: str | None = None
    job_project_id: str | None = None
    """The project where the job runs; by default its own."""
    ref: str = "main"
    """The short name, as GitLab's claim `ref` has it; `ref_path` is made from it."""
    ref_type: str = "branch"
    protected: bool = True
    pipeline_id: str = "574"
    pipeline_source: str = "push"
    job_id: str = "302"
    user: str = "sample-user"
    config: str = ".gitlab-ci.yml"
    environment: str | None = None
    environment_protected: bool = False
    sha: str = SHA
    host: str = "gitlab.example.com"
    """In `ci_config_ref_uri`."""

    def claims(self) -> dict[str, Any]:
        """Return every claim except the issuer's own; strings, except `runner_id`."""
        namespace, runs_in = self.project.rpartition("/")[0], self.job_project or self.project
        job_namespace = runs_in.rpartition("/")[0]
        ref_path = f"refs/{'tags' if self.ref_type == 'tag' else 'heads'}/{self.ref}"
        claims: dict[str, Any] = {
            "sub": f"project_path:{self.project}:ref_type:{self.ref_type}:ref:{self.ref}",
            "namespace_id": self.namespace_id or stable_id(namespace),
            "namespace_path": namespace,
            "project_id": self.project_id,
            "project_path": self.project,
            "project_visibility": "private",
            "job_project_id": self.job_project_id or self.project_id,
            "job_project_path": runs_in,
            "job_namespace_id": self.namespace_id or stable_id(job_namespace),
            "job_namespace_path": job_namespace,
            "user_id": stable_id(self.user),
            "user_login": self.user,
            "user_email": f"{self.user}@example.com",
            "user_access_level": "developer",
            "pipeline_id": self.pipeline_id,
            "pipeline_source": self.pipeline_source,
            "job_id": self.job_id,
            "ref": self.ref,
            "ref_type": self.ref_type,
            "ref_path": ref_path,
            "ref_protected": _text(self.protected),
            "runner_id": 1,
            "runner_environment": "self-hosted",
            "sha": self.sha,
            "ci_config_ref_uri": f"{self.host}/{self.project}//{self.config}@{ref_path}",
            "ci_config_sha": self.sha,
        }
        if self.environment is not None:
            claims |= {
                "environment": self.environment,
                "environment_protected": _text(self.environment_protected),
                "deployment_tier": "production",
                "environment_action": "start",
            }
        return claims


class GitLabIssuer(CIIssuer):
    """A GitLab instance. A token lives for the job's timeout, one hour by default."""

    kind: ClassVar[str] = "gitlab"
    keys_path: ClassVar[str] = "/oauth/discovery/keys"
    lifetime: ClassVar[int] = 3600
    subject: ClassVar[str] = "assertion.project_id + ':' + assertion.job_id"
    condition: ClassVar[str] = "assertion.project_id == '4711'"
    match: ClassVar[Mapping[str, str]] = {"project_id": "4711", "ref_protected": "true"}
    not_before: ClassVar[int | None] = 5

    def default_job(self) -> GitLabJob:
        """Return a job of `acme/tools/app` on its protected branch `main`."""
        return GitLabJob()


def _text(value: bool) -> str:  # noqa: FBT001 - the value itself
    return "true" if value else "false"
