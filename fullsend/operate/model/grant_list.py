"""Read and write a grant variable: the callers that get a role's tokens for a target. Pure.

An entry is `owner/repo` or `owner`. The mint ignores any other entry. Such an entry stays in the variable, so its
author can correct it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fullsend.operate.model import names
from mintcore.policy.names import Org, Repo, parse_repo

Caller = Org | Repo
_VARIABLE = re.compile(r"FULLSEND_FOREIGN_(?P<role>[A-Z0-9_]+)_REPOS")


def lock_name(variable: str) -> str:
    """Return the lock, a variable that exists while a command changes `variable`. No role uses this name."""
    return f"{variable}_LOCK"


def role_of(variable: str) -> str | None:
    """Return the role of a grant variable in lowercase; None for any other variable. A `_` may be a `-`."""
    found = _VARIABLE.fullmatch(variable)
    return None if found is None else found["role"].lower()


def caller(text: str) -> Caller:
    """Return the repository or owner that `OWNER/REPO` or `OWNER` names. Raises BadInput."""
    return names.any_repo(text) if "/" in text else names.org(text)


@dataclass(frozen=True, slots=True)
class Grants:
    """The entries of one variable, in its order."""

    entries: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join(self.entries)

    @property
    def callers(self) -> tuple[str, ...]:
        """The entries that grant something."""
        return tuple(entry for entry in self.entries if _parse(entry) is not None)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The entries that grant nothing."""
        return tuple(entry for entry in self.entries if _parse(entry) is None)

    def has(self, wanted: Caller) -> bool:
        """Whether the caller itself is listed, not only its owner."""
        return any(_parse(entry) == wanted for entry in self.entries)

    def reach(self, wanted: Caller) -> bool:
        """Whether the caller or its owner is granted."""
        return self.has(wanted) or (isinstance(wanted, Repo) and self.has(wanted.owner))

    def plus(self, wanted: Caller) -> Grants:
        """Return the grants with a caller added at the end."""
        return self if self.has(wanted) else Grants((*self.entries, str(wanted)))

    def minus(self, unwanted: Caller) -> Grants:
        """Return the grants without a caller."""
        return Grants(tuple(entry for entry in self.entries if _parse(entry) != unwanted))


def parse_grants(value: str) -> Grants:
    """Return the entries of a variable's value."""
    return Grants(tuple(entry.strip() for entry in value.split(",") if entry.strip()))


def _parse(entry: str) -> Caller | None:
    try:
        return parse_repo(entry) if "/" in entry else Org(entry)
    except ValueError:
        return None
