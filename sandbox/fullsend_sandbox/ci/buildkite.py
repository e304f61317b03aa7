"""Emulate Buildkite: `buildkite-agent oidc request-token`, and the agent API behind it.

Buildkite: "buildkite-agent oidc", token contents and optional claims; agent source, `api/oidc.go`.
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import time
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.ci.issuer import CIIssuer, CIJob, json_answer
from fullsend_sandbox.job import SHA
from fullsend_sandbox.routes import Route

OPTIONAL_CLAIMS = frozenset({"organization_id", "pipeline_id"})
MAX_LIFETIME = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class BuildkiteJob(CIJob):
    """One job of a build; `extra` names the optional claims that it requested with `--claim`.

    The branch of a build that a tag started is the tag's name, as Buildkite writes it.
    """

    organization: str = "acme-inc"
    pipeline: str = "app"
    organization_id: str = "0184990a-477b-4fa8-9968-496074483c77"
    pipeline_id: str = "0184990a-4782-42b5-afc1-16715b10b1d0"
    build_number: int = 1
    branch: str | None = None
    """By default the tag, or else `main`."""
    tag: str | None = None
    commit: str = SHA
    step_key: str | None = "mint"
    job_id: str = "0184990a-477b-4fa8-9968-496074483cee"
    agent_id: str = "0184990a-4782-42b5-afc1-16715b10b8ff"
    build_source: str = "ui"
    extra: tuple[str, ...] = ()

    @property
    def build_branch(self) -> str:
        """The branch that the claim names."""
        return self.branch or self.tag or "main"

    def claims(self) -> dict[str, Any]:
        """Return every claim except the issuer's own; `build_number` is a number, `step_key` may be null."""
        branch = self.build_branch
        ref = f"refs/heads/{branch}" if self.tag is None else f"refs/tags/{self.tag}"
        ids = {"organization_id": self.organization_id, "pipeline_id": self.pipeline_id}
        return {
            "sub": f"organization:{self.organization}:pipeline:{self.pipeline}:ref:{ref}"
            f":commit:{self.commit}:step:{self.step_key or ''}",
            "organization_slug": self.organization,
            "pipeline_slug": self.pipeline,
            "build_number": self.build_number,
            "build_branch": branch,
            **({} if self.tag is None else {"build_tag": self.tag}),
            "build_commit": self.commit,
            "step_key": self.step_key,
            "job_id": self.job_id,
            "agent_id": self.agent_id,
            "build_source": self.build_source,
            "runner_environment": "self-hosted",
            **{name: ids[name] for name in self.extra},
        }


class BuildkiteIssuer(CIIssuer):
    """agent.buildkite.com: one issuer for every organization."""

    kind: ClassVar[str] = "buildkite"
    keys_path: ClassVar[str] = "/.well-known/jwks"
    lifetime: ClassVar[int] = 300
    subject: ClassVar[str] = "assertion.job_id"
    condition: ClassVar[str] = "assertion.organization_slug == 'acme-inc' && assertion.pipeline_slug == 'app'"
    match: ClassVar[Mapping[str, str]] = {
        "pipeline_id": BuildkiteJob.pipeline_id,
        "build_branch": "main",
        "sub": "organization:acme-inc:pipeline:app:ref:refs/heads/main:*",
    }
    has_jti: ClassVar[bool] = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"clock": time} | options)
        self._state = threading.Lock()
        self._jobs: dict[tuple[str, str], BuildkiteJob] = {}

    def routes(self) -> list[Route]:
        """Return the agent API that `buildkite-agent oidc request-token` calls."""
        return [("POST", "/v3/jobs/<job_id>/oidc/tokens", self._request_token)]

    def default_job(self) -> BuildkiteJob:
        """Return a job of the pipeline `acme-inc/app` on `main`, with the ids that the client requests."""
        return BuildkiteJob(extra=tuple(sorted(OPTIONAL_CLAIMS)))

    def job_environment(self, job: BuildkiteJob | None = None) -> dict[str, str]:
        """Return the variables that the agent gives a job; the access token is valid for this job."""
        job = job or self.default_job()
        access = secrets.token_urlsafe(24)
        with self._state:
            self._jobs[job.job_id, access] = job
        return {
            "BUILDKITE": "true",
            "BUILDKITE_AGENT_ENDPOINT": f"{self.url}/v3",
            "BUILDKITE_AGENT_ACCESS_TOKEN": access,
            "BUILDKITE_JOB_ID": job.job_id,
            "BUILDKITE_ORGANIZATION_SLUG": job.organization,
            "BUILDKITE_PIPELINE_SLUG": job.pipeline,
            "BUILDKITE_BRANCH": job.build_branch,
            "BUILDKITE_COMMIT": job.commit,
        }

    def _request_token(self, request: Request, job_id: str) -> Response:
        scheme, _, access = request.headers.get("Authorization", "").partition(" ")
        with self._state:
            job = self._jobs.get((job_id, access))
        if job is None or scheme != "Token":
            return json_answer({"message": "Authentication required. Invalid access token."}, 401)
        try:
            audience, asked, lifetime = self._wanted(request.get_json(silent=True), job)
        except ValueError as problem:
            return json_answer({"message": str(problem)}, 422)
        claims = self.claims(replace(job, extra=asked), audience, exp=int(self.clock()) + lifetime)
        return json_answer({"token": self.token_as_asked(claims, request.args)})

    def _wanted(self, body: Any, job: BuildkiteJob) -> tuple[str, tuple[str, ...], int]:
        """Return audience, optional claims and lifetime of a request. Raises ValueError with the refusal."""
        fields = body if isinstance(body, dict) else {}
        audience = fields.get("audience") or f"https://buildkite.com/{job.organization}"
        asked, lifetime = fields.get("claims") or [], fields.get("lifetime") or self.lifetime
        if not isinstance(audience, str):
            raise ValueError("Audience must be a string")  # noqa: TRY004 - one kind of refusal
        if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
            raise ValueError("Claims must be a list of strings")
        if not set(asked) <= OPTIONAL_CLAIMS:
            raise ValueError("Claims must be known optional claims")
        if isinstance(lifetime, bool) or not isinstance(lifetime, int) or not 0 < lifetime <= MAX_LIFETIME:
            raise ValueError("Lifetime is out of range")
        return audience, tuple(asked), lifetime
