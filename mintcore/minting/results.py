"""What the service returns: a token, or what a caller may know without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintcore.policy.decision import Decision
    from mintcore.request import InstallationToken


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, and ``warnings`` for the caller: sentences about what was ignored or only reported."""

    token: InstallationToken
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """What a genuine caller may know about its own organization.

    ``decision`` is policy's answer to the request the caller asked about, ``None`` if it asked about none.
    """

    org: str
    roles: tuple[str, ...]
    workflow_allowed: bool
    decision: Decision | None = None
