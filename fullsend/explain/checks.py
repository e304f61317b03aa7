"""Define the result of `fullsend mint explain`: a list of checks with their results."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mintcore.errors import PermissionsNotGranted
from mintcore.github.access import requestable
from mintcore.request import Scope

if TYPE_CHECKING:
    from mintcore.errors import MintError
    from mintcore.policy.decision import Entitlement

SHOWN = 200
"""The maximum number of characters shown of a value."""


class Outcome(StrEnum):
    """The result of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"
    WOULD_DENY = "would deny"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: the compared values and the result; for a failure also the mint's answer and the remedy."""

    name: str
    outcome: Outcome
    found: str
    expected: str
    status: int = 0
    code: str = ""
    change: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        fields: dict[str, Any] = {
            "rule": self.name,
            "outcome": self.outcome.value,
            "found": self.found,
            "expected": self.expected,
        }
        if self.outcome in {Outcome.FAILED, Outcome.WOULD_DENY}:
            fields |= {"status": self.status, "code": self.code, "change": self.change}
        return fields


@dataclass(frozen=True, slots=True)
class Explanation:
    """All checks in the mint's order.

    ``grant`` describes the token, ``None`` if the caller, the role or its level is unknown. ``forwarded_to`` is the
    other mint that decides instead, empty if this mint decides.
    """

    checks: tuple[Check, ...]
    grant: Entitlement | None
    forwarded_to: str = ""

    @property
    def refusal(self) -> Check | None:
        """The first failed check, whose answer the caller would get."""
        return next((check for check in self.checks if check.outcome is Outcome.FAILED), None)

    @property
    def permissions(self) -> dict[str, str]:
        """The grant's permissions that GitHub has, and so the token would have."""
        if self.grant is None:
            return {}
        try:
            return dict(requestable(Scope(self.grant.permissions, self.grant.repos)).permissions)
        except PermissionsNotGranted:
            return {}


def failed(name: str, found: str, expected: str, failure: MintError, change: str) -> Check:
    """Return a failed check with the mint's ``failure``."""
    return Check(name, Outcome.FAILED, found, expected, failure.status, failure.code, change)
