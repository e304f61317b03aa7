"""The results of the service: a token, or the status that a caller may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintcore.policy.decision import Decision
    from mintcore.request import InstallationToken


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, and ``warnings`` for the caller about ignored fields and rules that only report."""

    token: InstallationToken
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a genuine caller's own organization.

    ``decision`` is policy's decision on the request that the caller described, ``None`` if it described no request.
    """

    org: str
    roles: tuple[str, ...]
    workflow_allowed: bool
    decision: Decision | None = None
