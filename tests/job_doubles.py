"""A mint's settings with an issuer of each kind, and jobs that match an entry of CALLERS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fullsend_sandbox.ci.buildkite import BuildkiteJob
from fullsend_sandbox.ci.circleci import CircleCIJob
from fullsend_sandbox.ci.gitlab import GitLabJob
from fullsend_sandbox.ci.kubernetes import KubernetesPod
from mintcore.policy.caller import Job
from mintcore.policy.claims import check_token
from mintcore.settings.environment import read_standalone
from tests.mint_doubles import AUDIENCE, NOW

if TYPE_CHECKING:
    from fullsend_sandbox.ci.issuer import CIJob
    from mintcore.settings.environment import Settings

UUID = "0184990a-477b-4fa8-9968-496074483cee"
URLS = {
    "gitlab": "https://gitlab.test",
    "buildkite": "https://agent.buildkite.test",
    "circleci": "https://oidc.circleci.test/org/1",
    "kubernetes": "https://cluster.test",
}
ISSUERS = {kind: {"kind": kind, "url": url} for kind, url in URLS.items()}
JOBS: dict[str, CIJob] = {
    "gitlab": GitLabJob(),
    "buildkite": BuildkiteJob(),
    "circleci": CircleCIJob(),
    "kubernetes": KubernetesPod(),
}
MATCHES = {
    "gitlab": {"project_id": "4711", "ref_protected": "true", "ref_path": "refs/heads/main"},
    "buildkite": {
        "organization_slug": "acme-inc",
        "pipeline_slug": "app",
        "sub": "organization:acme-inc:pipeline:app:ref:refs/heads/main:*",
    },
    "circleci": {
        "oidc.circleci.com/project-id": CircleCIJob().project_id,
        "oidc.circleci.com/vcs-origin": "github.com/acme/app",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
    },
    "kubernetes": {
        "kubernetes.io/namespace": "builds",
        "kubernetes.io/serviceaccount/name": "minter",
        "kubernetes.io/serviceaccount/uid": KubernetesPod().service_account_uid,
    },
}
ENVIRONMENT = {
    "ALLOWED_ORGS": "acme",
    "ROLE_APP_IDS": '{"coder": "2", "triage": "1"}',
    "ALLOWED_WORKFLOW_FILES": "*",
    "PEM_DIR": "./pems",
}


def entry(kind: str = "gitlab", **changes: Any) -> dict[str, Any]:
    """Return an entry of CALLERS for the default job of a kind."""
    given = {"issuer": kind, "match": MATCHES[kind], "as": "acme/app", "roles": ["coder"]} | changes
    return {name: value for name, value in given.items() if value is not None}


def settings(*entries: dict[str, Any], **changes: str) -> Settings:
    """Return the settings of a mint with an issuer of each kind, and one entry for each without ``entries``."""
    callers = list(entries) or [entry(kind) for kind in URLS]
    given = {"ISSUERS": json.dumps(ISSUERS), "CALLERS": json.dumps(callers)}
    return read_standalone({name: text for name, text in (ENVIRONMENT | given | changes).items() if text}).common


def token_claims(kind: str, job: CIJob | None = None, **changes: Any) -> dict[str, Any]:
    """Return the claims of a token at NOW; a change of ``None`` leaves the claim out."""
    audience: Any = [AUDIENCE] if kind == "kubernetes" else AUDIENCE
    times = {"iat": int(NOW), "exp": int(NOW) + 300} | ({} if kind == "circleci" else {"nbf": int(NOW)})
    given = (job or JOBS[kind]).claims() | {"iss": URLS[kind], "aud": audience} | times | changes
    return {name: value for name, value in given.items() if value is not None}


def proven(kind: str, job: CIJob | None = None, **changes: Any) -> Job:
    """Return the job as the mint reads it from the claims."""
    issuer = next(one for one in settings().issuers if one.name == kind)
    found = check_token(token_claims(kind, job, **changes), issuer, NOW)
    assert isinstance(found, Job)
    return found
