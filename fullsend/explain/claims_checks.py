"""The mint's checks of the claims, one by one.

Each claim is put among claims that are otherwise good, and checked by
:func:`~mintcore.policy.claims.check_claims`. So one wrong claim does not hide the next.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fullsend.explain.checks import SHOWN, Check, Outcome, failed
from mintcore.errors import InvalidToken
from mintcore.policy.claims import check_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.explain.configuration import Configuration
    from mintcore.policy.caller import WorkflowCaller

_TIMES = ("exp", "nbf", "iat")
_FRESH = "Ask for a fresh token in the job: GitHub's live for minutes."


class ClaimsChecks:
    """The local checks of the claims, each made by the mint's own code."""

    def __init__(self, unverified_claims: Mapping[str, Any], configuration: Configuration, now: float) -> None:
        self._claims = unverified_claims
        self._issuer = configuration.settings.issuer_url
        self._audience = configuration.settings.audience
        self._now = now
        self._good = {
            "iss": self._issuer,
            "aud": self._audience,
            "exp": now + 60,
            "nbf": now,
            "iat": now,
            "repository": "o/r",
            "repository_owner": "o",
            "job_workflow_ref": "-",
        }

    def all(self) -> list[Check]:
        """Return every check."""
        issuer = "Use a mint that is configured for this token's issuer (OIDC_ISSUER_URL)."
        audience = f"Ask for the token with the audience {self._audience}."
        whose = "Use the token as GitHub Actions issued it."
        return [
            self._check("issuer", ("iss",), f"it must be {self._issuer}", issuer),
            self._check("audience", ("aud",), f"it must name {self._audience}", audience),
            self._check("times", _TIMES, "valid now, within 30 s", _FRESH),
            self._check(
                "caller",
                ("repository", "repository_owner", "job_workflow_ref"),
                "a repository of its repository_owner, and a job_workflow_ref",
                whose,
            ),
        ]

    def caller(self) -> WorkflowCaller | None:
        """Return who the claims name, whatever else is wrong with them; ``None`` if they name no caller."""
        try:
            return self._ask("repository", "repository_owner", "job_workflow_ref", others=True)
        except InvalidToken:
            return None

    def _check(self, name: str, claims: tuple[str, ...], expected: str, change: str) -> Check:
        try:
            self._ask(*claims)
        except InvalidToken as failure:
            return failed(name, failure.detail, expected, failure, change)
        found = ", ".join(f"{claim} is {_shown(claim, self._claims[claim])}" for claim in claims)
        return Check(name, Outcome.PASSED, found[:SHOWN], expected)

    def _ask(self, *claims: str, others: bool = False) -> WorkflowCaller:
        """Check only these claims; ``others`` also passes on the claims that no check reads."""
        rest = {name: value for name, value in self._claims.items() if name not in self._good} if others else {}
        own = {name: self._claims.get(name) for name in claims}
        return check_claims(self._good | rest | own, issuer=self._issuer, audience=self._audience, now=self._now)


def _shown(claim: str, value: Any) -> str:
    if claim not in _TIMES:
        return str(value)
    try:
        return datetime.fromtimestamp(value, tz=UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "a time out of range"
