"""Read a :class:`Job` from the claims of a GitLab CI job's ID token.

Source: GitLab, "OpenID Connect (OIDC) authentication using ID tokens". In a merge request pipeline, ``project_*``
and ``namespace_*`` describe the source project, so a fork never has the target's values. ``job_project_*``
describes the project where the job runs. For a fork's merge request that can be the target, so these claims cannot
pin a project.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.caller import Job
from mintcore.policy.claim_values import plain_claims, require
from mintcore.policy.issuers import Kind, Use

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "gitlab"
_NUMBERS = ("project_id", "namespace_id", "job_project_id", "job_namespace_id", "user_id")
_REQUIRED = ("project_id", "project_path", "namespace_id")
# `sub` has a form that each project can change, and a user can change its own login and email.
CLAIMS: Mapping[str, Use] = MappingProxyType(
    {
        **dict.fromkeys(("iss", "aud", "exp", "nbf", "iat"), Use.CHECKED),
        "jti": Use.COUNTED,
        **dict.fromkeys(("project_id", "project_path"), Use.MATCH | Use.AUDIT),
        **dict.fromkeys(("ref_path", "ref_protected", "ci_config_ref_uri"), Use.MATCH | Use.AUDIT),
        **dict.fromkeys(("user_login", "pipeline_id"), Use.AUDIT),
        **dict.fromkeys(("namespace_id", "namespace_path"), Use.MATCH),
        **dict.fromkeys(("job_project_id", "job_project_path"), Use.MATCH),
        **dict.fromkeys(("job_namespace_id", "job_namespace_path"), Use.MATCH),
        **dict.fromkeys(("ref", "ref_type", "sha", "ci_config_sha"), Use.MATCH),
        **dict.fromkeys(("environment", "environment_protected", "deployment_tier"), Use.MATCH),
        **dict.fromkeys(("pipeline_source", "job_source", "environment_action"), Use.MATCH),
        **dict.fromkeys(("runner_id", "runner_environment", "project_visibility"), Use.MATCH),
        **dict.fromkeys(("user_id", "user_access_level"), Use.MATCH),
        **dict.fromkeys(
            ("sub", "job_id", "user_email", "user_identities", "groups_direct", "job_config"), Use.KEPT
        ),
    }
)


def gitlab_job(unverified_claims: Mapping[str, Any], issuer: str) -> Job:
    """Return the job that the claims name. Raises InvalidToken if they name no project."""
    claims = plain_claims(unverified_claims)
    require(claims, _REQUIRED)
    return Job(
        issuer,
        _NAME,
        claims["project_path"],
        claims["project_id"],
        ref=claims.get("ref_path", ""),
        ref_protected=claims.get("ref_protected", ""),
        pipeline=claims.get("ci_config_ref_uri", ""),
        run_id=claims.get("pipeline_id", ""),
        actor=claims.get("user_login", ""),
        claims=claims,
        token_id=claims.get("jti", ""),
        expires_at=float(unverified_claims["exp"]),
    )


def _advice(match: Mapping[str, str]) -> str:
    for claim in _NUMBERS:
        if not re.fullmatch(r"[0-9]+\*?", match.get(claim, "0")):
            return f"can never match: {claim} is a number. Fix: set {claim} to the number that GitLab shows"
    ref = match.get("ref_path", "refs/")
    if not (ref.startswith("refs/") or (ref.endswith("*") and "refs/".startswith(ref[:-1]))):
        return f'can never match: ref_path begins with refs/. Fix: write "ref_path": "refs/heads/{ref}"'
    if match.get("ref_protected") != "true":
        return (
            'does not match ref_protected "true": everybody who can push to the project can mint. Fix: add '
            '"ref_protected": "true"'
        )
    if "ref" in match and "ref_type" not in match:
        return "matches ref without ref_type: a tag can have a branch's name. Fix: match ref_path"
    return ""


GITLAB = Kind(
    _NAME,
    frozenset({"RS256"}),
    CLAIMS,
    identities=(("project_id",), ("namespace_id",)),
    # `ref` is the bare name, and `ref_path` the same with refs/ before it.
    aliases=MappingProxyType({("ref", "refs/"): "ref_path"}),
    job=gitlab_job,
    advice=_advice,
)
