"""What the doctor looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fullsend.operate.model import environment

if TYPE_CHECKING:
    from fullsend.client.mint_health import Health
    from fullsend.github.apps import AppFacts
    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.names import Role


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: a stable code, what it is, and the command or page that fixes it.

    `certain` is False for what could not be looked at.
    """

    code: str
    what: str
    mend: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class AppReport:
    """What came of asking GitHub with a role's stored key: the facts, or why there are none."""

    facts: AppFacts | None = None
    refused: str = ""
    """GitHub does not take the key."""
    unreadable: str = ""
    """The key could not be read, or GitHub not be asked."""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was gathered before any check; `spelling` is GitHub's case by lowercased name."""

    state: MintState
    apps: Mapping[Role, AppReport] = field(default_factory=dict)
    spelling: Mapping[str, str] = field(default_factory=dict)
    health: Health | None = None
    bundle_hash: str = ""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the revision that serves."""
        return self.state.serving_environment

    @property
    def flags(self) -> str:
        """The options that name the mint on our command line."""
        return self.state.location.flags()

    def command(self, words: str) -> str:
        """Return a command of ours for this mint."""
        return f"fullsend mint {words} {self.flags}"

    def is_public(self) -> bool:
        """Whether the mint is in public mode."""
        return environment.is_public(self.environment)


Check = Callable[[Snapshot], Iterator[Finding]]
