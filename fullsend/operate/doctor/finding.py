"""Define the snapshot that the doctor checks, and the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from fullsend.operate.model import environment

if TYPE_CHECKING:
    from fullsend.client.issuer_discovery import Discovery
    from fullsend.client.mint_health import Health
    from fullsend.github.apps import AppFacts
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.model.provenance import Provenance
    from mintcore.policy.names import Role


class Kind(StrEnum):
    """The severity of a finding: only a problem makes the mint unhealthy."""

    PROBLEM = "problem"
    PROTECTION_OFF = "protection_off"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: a stable code, a description, and the command or page that fixes it."""

    code: str
    what: str
    fix: str
    kind: Kind = Kind.PROBLEM


@dataclass(frozen=True, slots=True)
class AppReport:
    """GitHub's answer about a role's stored key: the App's facts, or why they are unknown."""

    facts: AppFacts | None = None
    refused: str = ""
    """Why GitHub rejected the key."""
    unreadable: str = ""
    """Why the key could not be read, or GitHub could not be asked."""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class NameReport:
    """GitHub's answer about an enrolled name: its present spelling and id, or why they are unknown.

    `known_as` is the present name of the enrolled id, empty if unknown.
    """

    spelling: str = ""
    number: str = ""
    gone: bool = False
    """GitHub does not know the name, or knows it only as an old name."""
    known_as: str = ""


@dataclass(frozen=True, slots=True)
class BuilderReport:
    """The account that builds the function, empty if unknown, and whether it may build."""

    email: str = ""
    may_build: bool = True


@dataclass(frozen=True, slots=True)
class KmsReport:
    """A role's key version in Cloud KMS, or why it could not be read; an empty state is a missing version."""

    version: str
    state: str = ""
    algorithm: str = ""
    signers: frozenset[str] = frozenset()
    unreadable: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The input of all checks; `accounts` is by lowercased name of an organization or repository."""

    state: MintState
    apps: Mapping[Role, AppReport] = field(default_factory=dict)
    accounts: Mapping[str, NameReport] = field(default_factory=dict)
    kms: Mapping[Role, KmsReport] = field(default_factory=dict)
    issuers: Mapping[str, Discovery] = field(default_factory=dict)
    """The discovery documents, by issuer name, of the issuers whose keys Google fetches."""
    health: Health | None = None
    bundle_hash: str = ""
    builder: BuilderReport = field(default_factory=BuilderReport)
    provenance: Provenance | None = None
    """Given only if the operator named a file with published digests."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the revision that serves."""
        return self.state.serving_environment

    @property
    def flags(self) -> str:
        """The options that name the mint on our command line."""
        return self.state.location.flags()

    def spelling(self, name: str) -> str:
        """Return a name in GitHub's spelling; unchanged if GitHub was not asked."""
        report = self.accounts.get(name.lower(), NameReport())
        return report.spelling or name

    def command(self, words: str) -> str:
        """Return a `fullsend mint` command for this mint."""
        return f"fullsend mint {words} {self.flags}"

    def is_public(self) -> bool:
        """Whether the mint is in public mode."""
        return environment.is_public(self.environment)


Check = Callable[[Snapshot], Iterator[Finding]]
