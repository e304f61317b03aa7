"""Describe a CI job, and make the claims that GitHub Actions puts in its tokens.

GitHub: "OpenID Connect reference", claims of the OIDC token. The issuer adds the times and signs.
"""

import zlib
from dataclasses import dataclass

SHA = "5f8c3a1de0b94e7f2a6c9d0b1e3f4a5b6c7d8e9f"


def stable_id(name: str) -> str:
    """Return the given number, or one derived from the name, which is the same in each run."""
    return str(10_000_000 + zlib.crc32(name.lower().encode()) % 900_000_000)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of one workflow run; `workflow` is the file that the token names as `job_workflow_ref`."""

    repository: str = "octo-org/app"
    workflow: str = "octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main"
    top_workflow: str | None = None
    """The workflow that started the run; by default a file in the job's repository."""
    ref: str = "refs/heads/main"
    sha: str = SHA
    event_name: str = "issues"
    actor: str = "octocat"
    run_id: str = "17000000001"
    run_number: str = "42"
    run_attempt: str = "1"
    visibility: str = "private"
    environment: str | None = None
    repository_id: str | None = None
    repository_owner_id: str | None = None

    @property
    def owner(self) -> str:
        """The repository's owner."""
        return self.repository.partition("/")[0]

    def claims(self) -> dict[str, str]:
        """Return every claim except the issuer's own (`iss aud iat nbf exp jti`), all of them strings."""
        owner, _, name = self.repository.partition("/")
        owner_id = self.repository_owner_id or stable_id(owner)
        repository_id = self.repository_id or stable_id(self.repository)
        top = self.top_workflow or f"{self.repository}/.github/workflows/agents.yml@{self.ref}"
        claims = {
            "sub": f"repo:{owner}@{owner_id}/{name}@{repository_id}:{self._context()}",
            "ref": self.ref,
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "ref_protected": "true",
            "sha": self.sha,
            "repository": self.repository,
            "repository_id": repository_id,
            "repository_owner": owner,
            "repository_owner_id": owner_id,
            "repository_visibility": self.visibility,
            "actor": self.actor,
            "actor_id": stable_id(self.actor),
            "workflow": "agents",
            "workflow_ref": top,
            "workflow_sha": self.sha,
            "job_workflow_ref": self.workflow,
            "job_workflow_sha": self.sha,
            "event_name": self.event_name,
            "head_ref": "",
            "base_ref": "",
            "run_id": self.run_id,
            "run_number": self.run_number,
            "run_attempt": self.run_attempt,
            "runner_environment": "github-hosted",
        }
        return claims if self.environment is None else claims | {"environment": self.environment}

    def _context(self) -> str:
        if self.environment is not None:
            return f"environment:{self.environment}"
        if self.event_name == "pull_request":
            return "pull_request"
        return f"ref:{self.ref}"
