r"""Define a type for each name that trust depends on: roles, organizations and repositories.

GitHub compares logins and repository names without regard to case and allows ASCII only. Both facts matter here:
``"\u212a".lower()`` is ``"k"``, so look-alike characters must be refused before a name is lowercased.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NewType

Role = NewType("Role", str)
"""An agent role whose name was checked by :func:`parse_role`."""

RepoName = NewType("RepoName", str)
"""A repository's bare name, checked by :func:`parse_repo_name`."""

_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_REPO_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PROVIDER_ID_LENGTH = 32


def fold(text: str) -> str:
    """Return ``text`` for a comparison that ignores the case of ASCII letters and nothing else."""
    return text.lower() if text.isascii() else text


def parse_role(text: str) -> Role:
    """Return the role, or raise ``ValueError`` if the name breaks the rule for roles."""
    if not _ROLE.fullmatch(text) or "--" in text:
        raise ValueError(
            "a role starts with a lowercase letter, followed by lowercase letters, digits, '-' and '_', without "
            "'--'"
        )
    return Role(text)


def parse_repo_name(text: str) -> RepoName:
    """Return the bare repository name, or raise ``ValueError`` if GitHub does not allow it."""
    if not _REPO_NAME.fullmatch(text) or text in {".", ".."}:
        raise ValueError("a repository name has 1 to 100 ASCII letters, digits, '.', '-' or '_'")
    return RepoName(text)


@dataclass(frozen=True, slots=True)
class Org:
    """An organization or user account; the comparison ignores case."""

    login: str = field(compare=False)
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not _LOGIN.fullmatch(self.login):
            raise ValueError("an organization name has ASCII letters, digits, '-' and '_'")
        object.__setattr__(self, "key", self.login.lower())

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.login


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository with its owner; the comparison ignores case."""

    owner: Org
    name: str = field(compare=False)
    key: str = field(init=False, repr=False)
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", parse_repo_name(self.name).lower())
        # Computed once: a mint reads both a dozen times.
        object.__setattr__(self, "_text", f"{self.owner.login}/{self.name}")

    def __hash__(self) -> int:
        return hash((self.owner.key, self.key))

    def __str__(self) -> str:
        return self._text


def parse_repo(text: str) -> Repo:
    """Return the repository named ``owner/name``, or raise ``ValueError``."""
    owner, slash, name = text.partition("/")
    if not slash:
        raise ValueError("a repository is written owner/name")
    return Repo(Org(owner), name)


def repo_provider_id(repo: Repo) -> str:
    """Return the id of a repository's own workload identity provider: ``gh-{owner}-{repo}``.

    Two repositories can share an id (``a-b/c`` and ``a/b-c``). The provider's attribute condition distinguishes
    them.
    """
    wanted = f"gh-{repo.owner.key}-{repo.key}"
    return re.sub(r"[^a-z0-9-]", "-", wanted)[:_PROVIDER_ID_LENGTH].rstrip("-")
