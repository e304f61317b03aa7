"""Check a token's claims locally, and return the workflow or job that they name.

:mod:`mintcore.policy.kinds` lists every claim that a system documents. Of GitHub's, ``iss aud exp nbf iat`` are
checked here. ``repository repository_owner job_workflow_ref`` and the two ids decide about trust. ``jti`` counts
the mints of a token. Ids, run and actor go to the audit event. The others, such as ``sub``, count only if
REQUIRED_CLAIMS names them: an organization can change the form of ``sub``.

These checks do not prove that the claims are genuine. :mod:`mintcore.verify` does, and only it makes
:class:`SignedClaims` and :class:`GenuineClaims`.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from mintcore.errors import InvalidToken
from mintcore.policy.caller import Run, WorkflowCaller
from mintcore.policy.claim_values import MAX_CLAIM, plain_claims
from mintcore.policy.names import Org, parse_repo
from mintcore.policy.workflow_ref import parse_workflow_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.caller import Claimant
    from mintcore.policy.issuers import Issuer

SKEW_SECONDS = 30.0
REQUIRED_CLAIMS = ("iss", "aud", "exp", "nbf", "iat", "repository", "repository_owner", "job_workflow_ref")
_JOB_CLAIMS = ("iss", "aud", "exp", "iat")
_CLAIM_OF = {
    "owner_id": "repository_owner_id",
    "event": "event_name",
    "top_workflow_ref": "workflow_ref",
    "workflow_sha": "job_workflow_sha",
}
_RUN_CLAIMS = tuple(_CLAIM_OF.get(name, name) for name in Run._fields)


class Proof(enum.Enum):
    """The authority that proved a token genuine; the audit log's verification path."""

    SIGNATURE = "jwks"
    STS = "sts"
    SIGNATURE_AND_STS = "jwks+sts"


@final
@dataclass(frozen=True, slots=True)
class UnprovenClaims:
    """Claims whose signature could not be checked; they may only choose the caller's provider."""

    unverified_caller: Claimant


@final
@dataclass(frozen=True, slots=True)
class SignedClaims:
    """Claims that the issuer signed. Only :mod:`mintcore.verify` makes them."""

    caller: Claimant


@final
@dataclass(frozen=True, slots=True)
class GenuineClaims:
    """Claims of a token that every authority of this mint has accepted. Only :mod:`mintcore.verify` makes them."""

    caller: Claimant
    proof: Proof


def check_token(unverified_claims: Mapping[str, Any], issuer: Issuer, now: float) -> Claimant:
    """Return the workflow or job that a token of ``issuer`` names; ``now`` is in seconds since the epoch.

    Raises InvalidToken, whose detail (for the log) names the claim (RFC 7519 §4.1).
    """
    job_of = issuer.kind.job
    if job_of is None:
        return check_claims(
            unverified_claims, issuer=issuer.url, audience=issuer.audience, now=now, name=issuer.name
        )
    _require(unverified_claims, _JOB_CLAIMS)
    _check_source(unverified_claims, issuer.url, issuer.audience, max_audiences=1)
    _check_times(unverified_claims, now)
    return job_of(unverified_claims, issuer.name)


def check_claims(
    unverified_claims: Mapping[str, Any], *, issuer: str, audience: str, now: float, name: str = ""
) -> WorkflowCaller:
    """Return the workflow that a token of GitHub Actions names; ``name`` is its issuer's in ISSUERS.

    Raises InvalidToken, as :func:`check_token` does (GitHub Actions: OpenID Connect reference).
    """
    _require(unverified_claims, REQUIRED_CLAIMS)
    _check_source(unverified_claims, issuer, audience)
    _check_times(unverified_claims, now)
    return _github_actions_caller(unverified_claims, name)


def _require(unverified_claims: Mapping[str, Any], names: tuple[str, ...]) -> None:
    missing = [name for name in names if unverified_claims.get(name) in (None, "")]
    if missing:
        raise InvalidToken(detail=f"claims are missing: {', '.join(missing)}")


def _check_source(
    unverified_claims: Mapping[str, Any], issuer: str, audience: str, *, max_audiences: int = MAX_CLAIM
) -> None:
    if unverified_claims["iss"] != issuer:
        raise InvalidToken(detail=f"issuer is {_shown(unverified_claims['iss'])}, not {issuer}")
    if not _names(unverified_claims["aud"], audience, max_audiences):
        raise InvalidToken(detail=f"audience is {_shown(unverified_claims['aud'])}, not {audience}")


def _names(claimed: object, audience: str, max_audiences: int) -> bool:
    if isinstance(claimed, list):
        # Attack: each service that gets a token for several audiences can use it at the others.
        return (
            len(claimed) <= max_audiences and all(isinstance(one, str) for one in claimed) and audience in claimed
        )
    return isinstance(claimed, str) and claimed == audience


def _check_times(unverified_claims: Mapping[str, Any], now: float) -> None:
    expires, issued = _time(unverified_claims, "exp"), _time(unverified_claims, "iat")
    # CircleCI sends no nbf (RFC 7519 §4.1.5 makes it optional). A GitHub token without it was refused above.
    not_before = _time(unverified_claims, "nbf") if "nbf" in unverified_claims else -math.inf
    if now >= expires + SKEW_SECONDS:
        raise InvalidToken(detail=f"expired {now - expires:.0f} s ago")
    if now < not_before - SKEW_SECONDS:
        raise InvalidToken(detail=f"not valid for another {not_before - now:.0f} s")
    if now < issued - SKEW_SECONDS:
        raise InvalidToken(detail=f"issued {issued - now:.0f} s in the future")


def _time(unverified_claims: Mapping[str, Any], name: str) -> float:
    value = unverified_claims[name]
    # bool is an int in Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(detail=f"{name} is not a time")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    # Python's JSON parser accepts Infinity, NaN and integers of any size.
    if not math.isfinite(seconds):
        raise InvalidToken(detail=f"{name} is not a time")
    return seconds


def _github_actions_caller(unverified_claims: Mapping[str, Any], issuer: str) -> WorkflowCaller:
    owner = _text(unverified_claims, "repository_owner")
    try:
        repository = parse_repo(_text(unverified_claims, "repository"))
        same = repository.owner == Org(owner)
    except ValueError as error:
        raise InvalidToken(detail=f"repository or repository_owner: {error}") from None
    if not same:
        raise InvalidToken(detail="repository does not belong to repository_owner")
    text = _text(unverified_claims, "job_workflow_ref")
    try:
        workflow, problem = parse_workflow_ref(text), ""
    except ValueError as error:
        workflow, problem = None, str(error)
    claims, run = plain_claims(unverified_claims), _run(unverified_claims)
    return WorkflowCaller(
        repository,
        text,
        workflow,
        problem,
        run,
        claims=claims,
        token_id=claims.get("jti", ""),
        expires_at=float(unverified_claims["exp"]),
        issuer=issuer,
        owner_id=run.owner_id,
    )


def _text(unverified_claims: Mapping[str, Any], name: str) -> str:
    value = unverified_claims[name]
    if not isinstance(value, str) or len(value) > MAX_CLAIM:
        raise InvalidToken(detail=f"{name} is not a string of at most {MAX_CLAIM} characters")
    return value


def _run(claims: Mapping[str, Any]) -> Run:
    values = [claims.get(name) for name in _RUN_CLAIMS]
    return Run(*[value[:MAX_CLAIM] if isinstance(value, str) else "" for value in values])


def _shown(value: object) -> str:
    return repr(value)[:120]
