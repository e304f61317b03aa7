"""Define GitHub's records: accounts, repositories, Apps and their installations.

`world.py` and `apps.py` find records, `views.py` shows them as JSON. Every change happens under the service's
one lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from fullsend_sandbox.github.history import Refs

LEVELS = ("read", "write", "admin")


@dataclass(eq=False)
class Account:
    """A user or an organization; `login` is in its canonical case."""

    id: int
    login: str
    type: str
    """`User` or `Organization`."""
    owners: list["Account"] = field(default_factory=list, repr=False)
    """The users who may do everything in an organization."""

    def is_run_by(self, user: "Account") -> bool:
        """Whether a user may do everything here."""
        return user is self or user in self.owners


@dataclass(eq=False)
class Repository:
    """A repository, with enough content to prove what a token may do."""

    id: int
    owner: Account
    name: str
    private: bool
    created_at: float
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    issues: list[str] = field(default_factory=list, repr=False)
    """Titles; the first issue is number 1."""
    refs: Refs = field(default_factory=Refs, repr=False)
    parent: "Repository | None" = field(default=None, repr=False)
    """The repository that this one is a fork of."""

    @property
    def full_name(self) -> str:
        """Its current `owner/name`."""
        return f"{self.owner.login}/{self.name}"


@dataclass(eq=False)
class App:
    """A GitHub App; `permissions` are those it asks for, which an installation need not have accepted."""

    id: int
    client_id: str
    slug: str
    owner: str
    permissions: dict[str, str]
    created_at: float
    private_key_pem: bytes = field(repr=False)
    """The newest private key; the real GitHub shows it once and does not keep it."""
    public_keys: list[rsa.RSAPublicKey] = field(repr=False)
    """The keys that App JWTs may be signed with, oldest first."""


@dataclass(eq=False)
class Installation:
    """An App on an account; `repository_ids`: None for all repositories."""

    id: int
    app: App
    account: Account
    permissions: dict[str, str]
    repository_ids: set[int] | None
    created_at: float
    suspended_at: float | None = None

    @property
    def selection(self) -> str:
        """`all` or `selected`."""
        return "all" if self.repository_ids is None else "selected"

    def covers(self, repository: Repository) -> bool:
        """Whether the App may use this repository."""
        if repository.owner is not self.account:
            return False
        return self.repository_ids is None or repository.id in self.repository_ids


def includes(granted: Mapping[str, str], name: str, level: str) -> bool:
    """Whether permission `name` is granted at `level` or above; admin includes write includes read."""
    have = granted.get(name)
    return have in LEVELS and level in LEVELS and LEVELS.index(have) >= LEVELS.index(level)
