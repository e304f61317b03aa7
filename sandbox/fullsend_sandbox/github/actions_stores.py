"""Hold the Actions variables and secrets of accounts and repositories, with the keys that open the secrets.

GitHub: "Variables reference", "Secrets reference". It also returns the values that a repository's job sees, and
opens sealed boxes, so a test can check a written value. Not thread-safe by itself.
"""

import base64
import binascii
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nacl.encoding import Base64Encoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from fullsend_sandbox.github.state import Account, Repository

VISIBILITIES = ("all", "private", "selected")


@dataclass(eq=False)
class Entry:
    """One variable or secret; only an organization's has a `visibility`."""

    name: str
    value: str = field(repr=False)
    created_at: float
    updated_at: float
    visibility: str = "all"
    repository_ids: set[int] = field(default_factory=set)

    def reaches(self, repository: Repository) -> bool:
        """Whether a repository of the organization receives it."""
        if self.visibility == "selected":
            return repository.id in self.repository_ids
        return self.visibility == "all" or repository.private


class ActionsStore:
    """The variables and secrets of one account or repository, by upper-case name."""

    def __init__(self) -> None:
        self.variables: dict[str, Entry] = {}
        self.secrets: dict[str, Entry] = {}
        self._key = PrivateKey.generate()
        self.key_id = str(secrets.randbelow(9 * 10**17) + 10**17)

    @property
    def public_key(self) -> str:
        """The key to seal secrets for, in base64."""
        return self._key.public_key.encode(Base64Encoder).decode()

    def open(self, sealed: str) -> str:
        """Open a sealed box in base64. Raises ValueError if it was not sealed for this store."""
        try:
            return SealedBox(self._key).decrypt(base64.b64decode(sealed, validate=True)).decode()
        except (CryptoError, binascii.Error, ValueError) as problem:
            raise ValueError("this box was not sealed for this key") from problem


class ActionsStores:
    """The store of each account and repository."""

    def __init__(self) -> None:
        self._stores: dict[int, ActionsStore] = {}

    def of(self, holder: Account | Repository) -> ActionsStore:
        """Return the store of an account or repository; their ids come from one sequence."""
        return self._stores.setdefault(holder.id, ActionsStore())

    def variables_seen_by(self, repository: Repository) -> dict[str, str]:
        """Return what `vars` holds in a job: the organization's variables, then the repository's own.

        A repository whose name begins with a dot receives none of its organization's variables.
        """
        from_org = {} if repository.name.startswith(".") else self.of(repository.owner).variables
        return _reaching(from_org, repository) | _values(self.of(repository).variables)

    def secrets_seen_by(self, repository: Repository) -> dict[str, str]:
        """Return what `secrets` holds in a job, decrypted."""
        from_org = self.of(repository.owner).secrets
        return _reaching(from_org, repository) | _values(self.of(repository).secrets)


def _reaching(entries: Mapping[str, Entry], repository: Repository) -> dict[str, str]:
    return _values({name: entry for name, entry in entries.items() if entry.reaches(repository)})


def _values(entries: Mapping[str, Entry]) -> dict[str, str]:
    return {name: entry.value for name, entry in entries.items()}


def select(entry: Entry, visibility: str, repository_ids: Collection[int]) -> None:
    """Set who receives an organization's entry."""
    entry.visibility = visibility
    entry.repository_ids = set(repository_ids) if visibility == "selected" else set()
