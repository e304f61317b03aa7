"""Read a :class:`Job` from the claims of a CircleCI job's OIDC token.

Source: CircleCI, "Using OpenID Connect tokens in jobs". Each organization has its issuer,
``https://oidc.circleci.com/org/ID``; with ``--root-issuer`` all share one. Tokens have neither ``nbf`` nor ``jti``.
``vcs-origin`` and ``vcs-ref`` are missing in pipelines of custom webhooks.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.caller import Job
from mintcore.policy.caller_entry import is_exact
from mintcore.policy.claim_values import plain_claims, require
from mintcore.policy.issuers import Kind, Use

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "circleci"
_PROJECT, _ORIGIN = "oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin"
_REF, _RUN = "oidc.circleci.com/vcs-ref", "oidc.circleci.com/pipeline-id"
_SSH = "oidc.circleci.com/ssh-rerun"
_DEFINITION = "oidc.circleci.com/pipeline-definition-id"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_USER = re.compile(rf"org/{_UUID}/project/{_UUID}/user/({_UUID})(?:/.*)?")
CLAIMS: Mapping[str, Use] = MappingProxyType(
    {
        **dict.fromkeys(("iss", "aud", "exp", "iat"), Use.CHECKED),
        **dict.fromkeys((_PROJECT, _ORIGIN, _REF, _DEFINITION, "sub"), Use.MATCH | Use.AUDIT),
        _RUN: Use.AUDIT,
        **dict.fromkeys(("oidc.circleci.com/org-id", _SSH), Use.MATCH),
        **dict.fromkeys(("oidc.circleci.com/workflow-id", "oidc.circleci.com/job-id"), Use.KEPT),
        "oidc.circleci.com/context-ids": Use.KEPT,
    }
)


def circleci_job(unverified_claims: Mapping[str, Any], issuer: str) -> Job:
    """Return the job that the claims name. Raises InvalidToken if they name no project."""
    claims = plain_claims(unverified_claims)
    require(claims, (_PROJECT,))
    user = _USER.fullmatch(claims.get("sub", ""))
    return Job(
        issuer,
        _NAME,
        claims.get(_ORIGIN, ""),
        claims[_PROJECT],
        ref=claims.get(_REF, ""),
        pipeline=claims.get(_DEFINITION, ""),
        run_id=claims.get(_RUN, ""),
        actor=user[1] if user else "",
        claims=claims,
        expires_at=float(unverified_claims["exp"]),
    )


def _advice(match: Mapping[str, str]) -> str:
    subject = match.get("sub", "")
    origin, ref = (is_exact(match.get(name, "*")) for name in (_ORIGIN, _REF))
    if not origin and not (is_exact(subject) and "/vcs-origin/" in subject):
        return (
            f"does not match {_ORIGIN} exactly: builds of forks can mint too if the project passes them secrets. "
            f"Fix: set {_ORIGIN} to the whole repository, without *"
        )
    if not ref and not (is_exact(subject) and "/vcs-ref/" in subject):
        return (
            f"does not match {_REF} exactly: builds of every branch and tag can mint. Fix: set {_REF} to the whole "
            "ref, such as refs/heads/main"
        )
    if match.get(_SSH) != "false":
        return (
            f'does not match {_SSH} "false": a person in the SSH session of a rerun can mint. Fix: add "{_SSH}": '
            '"false"'
        )
    return ""


CIRCLECI = Kind(
    _NAME,
    frozenset({"RS256"}),
    CLAIMS,
    identities=((_PROJECT,),),
    subject=rf"org/{_UUID}/project/{_UUID}/.+",
    job=circleci_job,
    advice=_advice,
    has_token_id=False,
)
