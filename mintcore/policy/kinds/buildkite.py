"""Read a :class:`Job` from the claims of a Buildkite agent's OIDC token.

Source: Buildkite, "buildkite-agent oidc". One issuer serves every organization of Buildkite. A token has the ids of
organization and pipeline only if the job requests them with ``--claim``. When a tag is built, ``build_branch`` is
the tag's name; only ``sub`` and ``build_tag`` distinguish it from a branch. Tokens have no ``jti``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.caller import Job
from mintcore.policy.caller_entry import is_exact
from mintcore.policy.claim_values import plain_claims, require
from mintcore.policy.issuers import Kind, Use

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "buildkite"
_REQUIRED = ("organization_slug", "pipeline_slug")
# An agent chooses its own tags.
CLAIMS: Mapping[str, Use] = MappingProxyType(
    {
        **dict.fromkeys(("iss", "aud", "exp", "nbf", "iat"), Use.CHECKED),
        **dict.fromkeys(("organization_slug", "pipeline_slug", "pipeline_id"), Use.MATCH | Use.AUDIT),
        **dict.fromkeys(("build_branch", "build_tag", "step_key"), Use.MATCH | Use.AUDIT),
        "build_number": Use.AUDIT,
        **dict.fromkeys(
            ("sub", "organization_id", "build_commit", "build_source", "runner_environment"), Use.MATCH
        ),
        **dict.fromkeys(("cluster_id", "cluster_name", "queue_id", "queue_key"), Use.MATCH),
        **dict.fromkeys(("job_id", "agent_id", "build_id", "agent_tag:NAME"), Use.KEPT),
        "https://aws.amazon.com/tags": Use.KEPT,
    }
)


def buildkite_job(unverified_claims: Mapping[str, Any], issuer: str) -> Job:
    """Return the job that the claims name. Raises InvalidToken if they name no pipeline."""
    claims = plain_claims(unverified_claims)
    require(claims, _REQUIRED)
    branch, tag = claims.get("build_branch", ""), claims.get("build_tag", "")
    return Job(
        issuer,
        _NAME,
        f"{claims['organization_slug']}/{claims['pipeline_slug']}",
        claims.get("pipeline_id", ""),
        ref=f"refs/tags/{tag}" if tag else f"refs/heads/{branch}",
        pipeline=claims.get("step_key", ""),
        run_id=claims.get("build_number", ""),
        claims=claims,
        expires_at=float(unverified_claims["exp"]),
    )


def _advice(match: Mapping[str, str]) -> str:
    if "build_branch" not in match or not is_exact(match["build_branch"]):
        # Attack: a fork's branch is OWNER:BRANCH, so an owner named like the branch matches a prefix of `sub`.
        return (
            "does not match build_branch exactly: builds of every branch can mint, or with a prefix also of a "
            "fork whose owner is named like the branch. Fix: set build_branch to the whole name, without *"
        )
    if ":ref:refs/heads/" not in match.get("sub", ""):
        return (
            "matches only build_branch: a build of a tag with that name has it too. Fix: also match sub with "
            '"organization:ORG:pipeline:PIPELINE:ref:refs/heads/BRANCH:*"'
        )
    return ""


BUILDKITE = Kind(
    _NAME,
    frozenset({"RS256"}),
    CLAIMS,
    identities=(("pipeline_id",), ("organization_slug", "pipeline_slug")),
    job=buildkite_job,
    advice=_advice,
    has_token_id=False,
)
