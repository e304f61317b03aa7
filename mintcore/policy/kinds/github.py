"""Describe GitHub Actions as a kind of issuer. :func:`mintcore.policy.claims.check_claims` reads its tokens.

Source: GitHub Actions, "OpenID Connect reference". Its tokens name their repository, so an entry of CALLERS cannot
match them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mintcore.policy.issuers import Kind, Use

if TYPE_CHECKING:
    from collections.abc import Mapping

# The claims that are neither checked for every token nor audited are kept for REQUIRED_CLAIMS.
CLAIMS: Mapping[str, Use] = MappingProxyType(
    {
        **dict.fromkeys(("iss", "aud", "exp", "nbf", "iat"), Use.CHECKED),
        "jti": Use.COUNTED,
        **dict.fromkeys(("repository", "repository_owner", "job_workflow_ref"), Use.CHECKED | Use.AUDIT),
        **dict.fromkeys(("repository_id", "repository_owner_id"), Use.CHECKED | Use.AUDIT),
        **dict.fromkeys(("actor", "actor_id", "event_name", "ref", "run_attempt", "run_id", "sha"), Use.AUDIT),
        **dict.fromkeys(("job_workflow_sha", "workflow_ref"), Use.AUDIT),
        **dict.fromkeys(("base_ref", "environment", "head_ref", "ref_protected", "ref_type"), Use.KEPT),
        **dict.fromkeys(("repository_visibility", "run_number", "runner_environment", "sub"), Use.KEPT),
        **dict.fromkeys(("workflow", "workflow_sha"), Use.KEPT),
    }
)

GITHUB = Kind("github", frozenset({"RS256"}), CLAIMS)
