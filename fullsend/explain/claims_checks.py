"""Run the mint's checks of the claims one by one.

Each claim is combined with valid values for all others, and checked by :func:`~mintcore.policy.claims.check_token`.
So one invalid claim does not hide the next.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fullsend.explain.checks import SHOWN, Check, Outcome, failed
from mintcore.errors import InvalidToken
from mintcore.policy.caller import Claimant, Job
from mintcore.policy.claims import check_token
from mintcore.policy.issuers import Issuer, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.explain.configuration import Configuration

_TIMES = ("exp", "nbf", "iat")
_WORKFLOW = ("repository", "repository_owner", "job_workflow_ref")
_FRESH = "Ask for a fresh token in the job: {} live for minutes."


class ClaimsChecks:
    """The local checks of the claims, each made by the mint's own code, for the issuer that the claims name."""

    def __init__(self, unverified_claims: Mapping[str, Any], configuration: Configuration, now: float) -> None:
        self._claims = unverified_claims
        self._issuers = configuration.settings.issuers
        self.issuer = self._named()
        self._now = now
        self._good = {
            "iss": self.issuer.url,
            "aud": self.issuer.audience,
            "exp": now + 60,
            "nbf": now,
            "iat": now,
            "repository": "o/r",
            "repository_owner": "o",
            "job_workflow_ref": "-",
        }

    def all(self) -> list[Check]:
        """Return every check."""
        listed = " or ".join(issuer.url for issuer in self._issuers)
        issuer = "Use a mint that is configured for this token's issuer (OIDC_ISSUER_URL, ISSUERS)."
        audience = f"Ask for the token with the audience {self.issuer.audience}."
        fresh = _FRESH.format("GitHub's" if self.issuer.kind.is_github else "they")
        return [
            self._check("issuer", ("iss",), f"it must be {listed}", issuer),
            self._check("audience", ("aud",), f"it must name {self.issuer.audience}", audience),
            self._check("times", _TIMES, "valid now, within 30 s", fresh),
            self._workflow() if self.issuer.kind.is_github else self._job(),
        ]

    def caller(self) -> Claimant | None:
        """Return the workflow or job in the claims, even if other claims are invalid; ``None`` without one."""
        try:
            if self.issuer.kind.is_github:
                return self._ask(*_WORKFLOW, others=True)
            return self._job_of()
        except InvalidToken:
            return None

    def _named(self) -> Issuer:
        """Return the issuer that the claims name, GitHub's if the mint has none of that name."""
        claimed = self._claims.get("iss")
        return next((issuer for issuer in self._issuers if issuer.url == claimed), self._issuers[0])

    def _workflow(self) -> Check:
        whose = "Use the token as GitHub Actions issued it."
        return self._check(
            "caller", _WORKFLOW, "a repository of its repository_owner, and a job_workflow_ref", whose
        )

    def _job(self) -> Check:
        expected = f"the project of a job, as {self.issuer.kind.name} documents its claims"
        try:
            job = self._job_of()
        except InvalidToken as failure:
            whose = f"Use the token as the {self.issuer.kind.name} job got it."
            return failed("caller", failure.detail, expected, failure, whose)
        number = f" ({job.project_id})" if job.project_id else ""
        return Check("caller", Outcome.PASSED, f"the project is {job.project}{number}"[:SHOWN], expected)

    def _job_of(self) -> Job:
        job = self.issuer.kind.job
        if job is None:
            raise InvalidToken(detail="the issuer is GitHub's")
        return job({**self._claims, "exp": self._good["exp"]}, self.issuer.name)

    def _check(self, name: str, claims: tuple[str, ...], expected: str, change: str) -> Check:
        try:
            self._ask(*claims)
        except InvalidToken as failure:
            return failed(name, failure.detail, expected, failure, change)
        found = ", ".join(f"{claim} is {_shown(claim, self._claims.get(claim))}" for claim in claims)
        return Check(name, Outcome.PASSED, found[:SHOWN], expected)

    def _ask(self, *claims: str, others: bool = False) -> Claimant:
        """Check only these claims; ``others`` also passes on the claims that no check reads."""
        rest = {name: value for name, value in self._claims.items() if name not in self._good} if others else {}
        own = {name: self._claims.get(name) for name in claims}
        if not self.issuer.kind.is_github and self._claims.get("nbf") is None:
            own.pop("nbf", None)  # optional for every other system
        kind = self.issuer.kind if self.issuer.kind.is_github else _ANY_JOB
        issuer = Issuer(self.issuer.name, kind, self.issuer.url, self.issuer.audience)
        return check_token(self._good | rest | own, issuer, self._now)


# These tokens name no project, so the earlier checks can run separately.
_ANY_JOB = Kind("any", frozenset(), {}, job=lambda _claims, name: Job(name, "any", ""))


def _shown(claim: str, value: Any) -> str:
    if claim not in _TIMES:
        return str(value)
    try:
        return datetime.fromtimestamp(value, tz=UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError, TypeError):
        return "a time out of range" if value is not None else "not there"
