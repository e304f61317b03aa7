"""From an issuer's claims to a :class:`Caller`: the cheap, local checks.

Every claim GitHub sends is accounted for: ``iss aud exp nbf iat`` are checked here; ``repository
repository_owner job_workflow_ref`` and the two ids decide about trust; ``jti`` counts the mints of a token; ids,
run and actor go to the audit event. The others are kept for REQUIRED_CLAIMS alone: without it they decide nothing
(``sub`` above all, whose form an organization can change).

Nothing here proves who sent the claims. That is the work of :mod:`mintcore.verify`, the only place that makes
:class:`SignedClaims` and :class:`GenuineClaims`.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

from mintcore.errors import InvalidToken
from mintcore.policy.names import Org, Repo, parse_repo
from mintcore.policy.workflow_ref import WorkflowRef, parse_workflow_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

SKEW_SECONDS = 30.0
REQUIRED_CLAIMS = ("iss", "aud", "exp", "nbf", "iat", "repository", "repository_owner", "job_workflow_ref")
_MAX_CLAIM = 1024


@dataclass(frozen=True, slots=True)
class Run:
    """What the audit log records about the job besides its repository; a field is empty if its claim is missing."""

    repository_id: str = ""
    owner_id: str = ""
    run_id: str = ""
    run_attempt: str = ""
    actor: str = ""
    actor_id: str = ""
    event: str = ""
    ref: str = ""
    sha: str = ""
    top_workflow_ref: str = ""
    workflow_sha: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """The job that asks, whatever issuer vouches for it.

    ``workflow`` is ``None`` where ``workflow_text`` is not a workflow reference; ``workflow_problem`` says why.
    ``claims`` holds every claim that is a text, a number or a boolean, as text. ``token_id`` is the ``jti``, empty
    where the token has none; ``expires_at`` is in seconds since the epoch.
    """

    repository: Repo
    workflow_text: str
    workflow: WorkflowRef | None
    workflow_problem: str
    run: Run
    claims: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, hash=False)
    token_id: str = ""
    expires_at: float = 0.0

    @property
    def org(self) -> Org:
        """The owner of the calling repository."""
        return self.repository.owner


class Proof(enum.Enum):
    """How a token was shown to be genuine; the audit log's verification path."""

    SIGNATURE = "jwks"
    STS = "sts"
    SIGNATURE_AND_STS = "jwks+sts"


@final
@dataclass(frozen=True, slots=True)
class UnprovenClaims:
    """Claims whose signature could not be checked; they may choose the caller's provider and nothing else."""

    unverified_caller: Caller


@final
@dataclass(frozen=True, slots=True)
class SignedClaims:
    """Claims whose signature is the issuer's. Made in :mod:`mintcore.verify` alone."""

    caller: Caller


@final
@dataclass(frozen=True, slots=True)
class GenuineClaims:
    """Claims of a token that every authority of this mint has accepted. Made in :mod:`mintcore.verify` alone."""

    caller: Caller
    proof: Proof


def check_claims(unverified_claims: Mapping[str, Any], *, issuer: str, audience: str, now: float) -> Caller:
    """Return who the claims say is calling; ``now`` is in seconds since the epoch.

    Raises InvalidToken, whose detail (for the log) names the claim (RFC 7519 §4.1; GitHub Actions: OpenID
    Connect reference).
    """
    missing = [name for name in REQUIRED_CLAIMS if unverified_claims.get(name) in (None, "")]
    if missing:
        raise InvalidToken(detail=f"claims are missing: {', '.join(missing)}")
    if unverified_claims["iss"] != issuer:
        raise InvalidToken(detail=f"issuer is {_shown(unverified_claims['iss'])}, not {issuer}")
    if not _names(unverified_claims["aud"], audience):
        raise InvalidToken(detail=f"audience is {_shown(unverified_claims['aud'])}, not {audience}")
    _check_times(unverified_claims, now)
    return _github_actions_caller(unverified_claims)


def _names(claimed: object, audience: str) -> bool:
    if isinstance(claimed, list):
        return all(isinstance(one, str) for one in claimed) and audience in claimed
    return isinstance(claimed, str) and claimed == audience


def _check_times(unverified_claims: Mapping[str, Any], now: float) -> None:
    expires, not_before, issued = (_time(unverified_claims, name) for name in ("exp", "nbf", "iat"))
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
    # JSON as Python reads it has Infinity, NaN and integers of any size.
    if not math.isfinite(seconds):
        raise InvalidToken(detail=f"{name} is not a time")
    return seconds


def _github_actions_caller(unverified_claims: Mapping[str, Any]) -> Caller:
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
    return Caller(
        repository,
        text,
        workflow,
        problem,
        _run(unverified_claims),
        MappingProxyType({name: _plain(value) for name, value in unverified_claims.items() if _is_plain(value)}),
        token_id=_plain(unverified_claims.get("jti", "")) if _is_plain(unverified_claims.get("jti")) else "",
        expires_at=float(unverified_claims["exp"]),
    )


def _text(unverified_claims: Mapping[str, Any], name: str) -> str:
    value = unverified_claims[name]
    if not isinstance(value, str) or len(value) > _MAX_CLAIM:
        raise InvalidToken(detail=f"{name} is not a text of at most {_MAX_CLAIM} characters")
    return value


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and len(str(value)) <= _MAX_CLAIM


def _plain(value: str | int) -> str:
    """Return a claim as REQUIRED_CLAIMS compares it: a boolean as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _run(claims: Mapping[str, Any]) -> Run:
    def text(name: str) -> str:
        value = claims.get(name)
        return value[:_MAX_CLAIM] if isinstance(value, str) else ""

    return Run(
        repository_id=text("repository_id"),
        owner_id=text("repository_owner_id"),
        run_id=text("run_id"),
        run_attempt=text("run_attempt"),
        actor=text("actor"),
        actor_id=text("actor_id"),
        event=text("event_name"),
        ref=text("ref"),
        sha=text("sha"),
        top_workflow_ref=text("workflow_ref"),
        workflow_sha=text("job_workflow_sha"),
    )


def _shown(value: object) -> str:
    return repr(value)[:120]
