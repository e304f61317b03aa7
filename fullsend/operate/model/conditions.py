"""Attribute conditions in CEL: built from names, and read back to names.

Reads only the forms it writes; a condition that somebody wrote by hand is reported as such and never
rewritten by guessing. CEL compares case-sensitively, so that the case of a name is kept and matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, Repo, parse_repo

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 4096
"""Google's limit for an attribute condition, in characters."""

PUBLIC = "assertion.repository_owner != ''"
NOBODY = "assertion.repository_owner == ''"
"""No token has an empty owner. Google wants a condition that looks at a claim, so that `false` will not do."""
_NAME = r"'[A-Za-z0-9._/-]+'"
_ONE = re.compile(rf"\s*assertion\.repository_owner\s*==\s*({_NAME})\s*")
_SEVERAL = re.compile(rf"\s*assertion\.repository_owner\s+in\s+\[\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*,?\s*\]\s*")
_REPO = re.compile(rf"\s*assertion\.repository\s*==\s*({_NAME})\s*")
_PUBLIC = re.compile(r"\s*assertion\.repository_owner\s*!=\s*''\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """Whom a provider admits: everyone, these organizations, one repository, or no caller."""

    orgs: tuple[Org, ...] = ()
    repo: Repo | None = None
    public: bool = False

    def spelled(self) -> set[str]:
        """Return the organizations in the very case the condition has them."""
        return {org.login for org in self.orgs}

    def cel(self) -> str:
        """Return the condition as Google takes it. Raises BadInput when it is over the limit."""
        text = self._text()
        if len(text) > MAX_LENGTH:
            raise BadInput(
                f"The condition of the provider would have {len(text)} characters for {len(self.orgs)} "
                f"organizations; Google takes {MAX_LENGTH}. Nothing was written.",
                "Unenroll organizations that no longer mint, enroll single repositories instead "
                "(each has a provider of its own), or run a second mint in another project.",
            )
        return text

    def _text(self) -> str:
        if self.public:
            return PUBLIC
        if self.repo is not None:
            return f"assertion.repository == '{self.repo}'"
        logins = sorted(self.spelled(), key=str.lower)
        if not logins:
            return NOBODY
        if len(logins) == 1:
            return f"assertion.repository_owner == '{logins[0]}'"
        quoted = ", ".join(f"'{login}'" for login in logins)
        return f"assertion.repository_owner in [{quoted}]"


def for_orgs(orgs: Iterable[Org]) -> Condition:
    """Return the condition for these organizations, of two spellings the first; without any it admits no caller."""
    return Condition(orgs=tuple(sorted(dict.fromkeys(orgs), key=lambda org: org.key)))


def parse(text: str) -> Condition | None:
    """Return what a condition says, or None when it is not one of ours."""
    if _PUBLIC.fullmatch(text):
        return Condition(public=True)
    if text.strip() == NOBODY:
        return Condition()
    try:
        return _named(text)
    except ValueError:
        return None


def _named(text: str) -> Condition | None:
    if one := _REPO.fullmatch(text):
        return Condition(repo=parse_repo(one[1].strip("'")))
    if one := _ONE.fullmatch(text):
        return Condition(orgs=(Org(one[1].strip("'")),))
    if several := _SEVERAL.fullmatch(text):
        return Condition(orgs=tuple(Org(name) for name in re.findall(r"'([^']+)'", several[1])))
    return None
