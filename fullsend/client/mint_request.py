"""Define a caller's request, for the commands `token` and `status` and for the library.

It prevents mistakes: an empty list never means "everything", and another owner's repository never means the job's
own repository of the same name. The mint decides whether the request is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fullsend.client.errors import MintConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYTHING = "*"
_PERMISSION = re.compile(r"([a-z][a-z_]{0,99})\s*[:=]\s*([a-z]{1,20})")


@dataclass(frozen=True, slots=True)
class MintRequest:
    """A role and the limits of its token; None means the mint's default."""

    role: str
    repos: tuple[str, ...] | None = None
    """Bare names, or `("*",)` for the whole installation."""
    level: str | None = None
    permissions: Mapping[str, str] | None = None
    target_org: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the body of `POST /v1/token`."""
        return {"role": self.role} | self._narrowed()

    def query(self) -> str:
        """Return the query of `GET /v1/status`, which has no permissions; empty without a role."""
        if not self.role:
            return ""
        fields = {"role": self.role} | {k: v for k, v in self._narrowed().items() if k != "permissions"}
        if self.repos is not None:
            fields["repos"] = ",".join(self.repos)
        return "?" + urlencode(fields)

    def scope(self) -> str:
        """Describe the requested repositories in words."""
        if self.repos is None:
            return "the mint's default repositories"
        if self.repos == (EVERYTHING,):
            return "the whole installation"
        return ", ".join(self.repos)

    def _narrowed(self) -> dict[str, Any]:
        given = {
            "repos": None if self.repos is None else list(self.repos),
            "level": self.level,
            "permissions": None if self.permissions is None else dict(self.permissions),
            "target_org": self.target_org,
        }
        return {name: value for name, value in given.items() if value is not None}


def mint_request(
    role: str,
    repos: Sequence[str] | None = None,
    *,
    level: str | None = None,
    permissions: Mapping[str, str] | None = None,
    target_org: str | None = None,
    owner: str = "",
) -> MintRequest:
    """Return a request in the mint's form; `owner` is the calling repository's.

    Raises TypeError for a string in place of a list, `MintConfigurationError` for an empty list or a foreign name.
    """
    if isinstance(repos, str):
        raise TypeError(f"repos is a list of names, not a string: repos=[{repos!r}]")
    if repos is not None and not isinstance(repos, Sequence):
        raise TypeError(f"repos is a list of names, not {type(repos).__name__}")
    check_text("a name in repos", *repos or ())
    check_text("role", role)
    check_text("level and target_org", *(one for one in (level, target_org) if one is not None))
    if permissions is not None and not isinstance(permissions, Mapping):
        raise TypeError(f"permissions is a mapping, {{'contents': 'read'}}, not {type(permissions).__name__}")
    check_text("a permission and its level", *(permissions or {}), *(permissions or {}).values())
    if repos is not None and not list(repos):
        raise MintConfigurationError(
            'repos is empty; name repositories, give ["*"] for all that the installation '
            "has, or leave it out for the mint's default.",
            code="invalid_repos",
        )
    if permissions is not None and not permissions:
        raise MintConfigurationError(
            "permissions is empty; name at least one, or leave it out for the whole level.",
            code="invalid_permissions",
        )
    names = None if repos is None else _bare(repos, target_org or owner)
    return MintRequest(role, names, level, permissions, target_org)


def check_text(what: str, *values: object) -> None:
    """Raise TypeError unless each value is text."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{what} must be text, not {type(value).__name__}: {str(value)[:80]!a}")


def read_permissions(texts: Iterable[str]) -> dict[str, str]:
    """Read `contents: read, issues: write`, also one to a line. Raises `MintConfigurationError`."""
    found: dict[str, str] = {}
    for text in (part.strip() for each in texts for part in re.split(r"[,\n]", each)):
        match = _PERMISSION.fullmatch(text)
        if text and match is None:
            raise MintConfigurationError(
                f"{text[:80]!a} is not a permission; write it as contents: read.", code="invalid_permissions"
            )
        if match and found.setdefault(match[1], match[2]) != match[2]:
            raise MintConfigurationError(
                f"the permission {match[1]} is given twice with different levels.", code="invalid_permissions"
            )
    return found


def _bare(repos: Sequence[str], owner: str) -> tuple[str, ...]:
    if EVERYTHING in repos and len(repos) > 1:
        raise MintConfigurationError(
            'repos mixes "*" with names; give "*" alone for all repositories, or names.', code="invalid_repos"
        )
    return tuple(_bare_name(repo, owner) for repo in repos)


def _bare_name(repo: str, owner: str) -> str:
    """Attack: another owner's repository must not become one's own of the same name."""
    given, slash, name = repo.rpartition("/")
    if not slash:
        return repo
    if owner and given.lower() == owner.lower():
        return name
    why = f"belongs to {given!a}, not to {owner}" if owner else "names an owner, and the job's own is not known"
    raise MintConfigurationError(
        f"the repository {repo[:200]!a} {why}; give the bare name, or name the owner with target_org.",
        code="invalid_repos",
    )
