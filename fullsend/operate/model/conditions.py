"""Build attribute conditions in CEL from names, and parse them back.

It parses only the forms that it writes. A condition in another form, such as one written by hand, is reported and
never changed. CEL compares case-sensitively, so the case of a name matters. Ids and required claims narrow a
condition further.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, Repo, parse_repo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_LENGTH = 4096
"""Google's limit for an attribute condition, in characters."""

PUBLIC = "assertion.repository_owner != ''"
NOBODY = "assertion.repository_owner == ''"
"""No token meets this condition, because its owner is never empty. Google refuses `false`."""
_AND = " && "
_NAME = r"'[A-Za-z0-9._/-]+'"
_TEXT = r"'(?:[^'\\\x00-\x1f])*'"
_ONE = re.compile(rf"\s*assertion\.repository_owner\s*==\s*({_NAME})\s*")
_SEVERAL = re.compile(rf"\s*assertion\.repository_owner\s+in\s+\[\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*,?\s*\]\s*")
_REPO = re.compile(rf"\s*assertion\.repository\s*==\s*({_NAME})\s*")
_PUBLIC = re.compile(r"\s*assertion\.repository_owner\s*!=\s*''\s*")
_IDS = re.compile(r"assertion\.repository_owner_id in \[('[0-9]+'(?:, '[0-9]+')*)\]")
_REPO_ID = re.compile(r"assertion\.repository_id == '([0-9]+)'")
_CLAIM = re.compile(
    rf"\((?:assertion\.([a-z_]+) in \[({_TEXT}(?:, {_TEXT})*)\])?(?: \|\| )?"
    rf"((?:assertion\.[a-z_]+\.startsWith\({_TEXT}\)(?: \|\| )?)*)\)"
)
_PREFIX = re.compile(rf"assertion\.([a-z_]+)\.startsWith\(({_TEXT})\)")
_CLAIM_NAME = re.compile(r"[a-z][a-z_]*")

Required = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """The tokens that a provider admits: all, those of these organizations or of one repository, or no token.

    `ids` are GitHub's ids of the owners, `repo_id` is that of the repository; empty if only names are compared.
    `required` are accepted values by claim, a trailing `*` for any suffix.
    """

    orgs: tuple[Org, ...] = ()
    repo: Repo | None = None
    public: bool = False
    ids: frozenset[str] = frozenset()
    repo_id: str = ""
    required: Required = ()

    def spelled(self) -> set[str]:
        """Return the organizations in the condition's exact case."""
        return {org.login for org in self.orgs}

    def cel(self) -> str:
        """Return the condition in CEL. Raises BadInput if it is over the limit."""
        text = _AND.join([self._names(), *self._pins(), *(_claim(*one) for one in self.required)])
        if len(text) > MAX_LENGTH:
            raise BadInput(
                f"The condition of the provider would have {len(text)} characters for {len(self.orgs)} "
                f"organizations; Google's limit is {MAX_LENGTH}. Nothing was written.",
                "Unenroll organizations that no longer mint, enroll single repositories instead "
                "(each has its own provider), or run a second mint in another project.",
            )
        return text

    def _names(self) -> str:
        if self.public:
            return PUBLIC
        if self.repo is not None:
            return f"assertion.repository == '{self.repo}'"
        logins = sorted(self.spelled(), key=str.lower)
        if not logins:
            return NOBODY
        if len(logins) == 1:
            return f"assertion.repository_owner == '{logins[0]}'"
        return f"assertion.repository_owner in {_list(logins)}"

    def _pins(self) -> list[str]:
        if self.public or not (self.orgs or self.repo):
            return []
        owners = [f"assertion.repository_owner_id in {_list(sorted(self.ids, key=int))}"] if self.ids else []
        return owners + ([f"assertion.repository_id == '{self.repo_id}'"] if self.repo_id else [])


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def _claim(name: str, values: tuple[str, ...]) -> str:
    whole = [value for value in values if not value.endswith("*")]
    parts = [f"assertion.{name} in {_list(whole)}"] if whole else []
    parts += [f"assertion.{name}.startsWith('{value[:-1]}')" for value in values if value.endswith("*")]
    return f"({' || '.join(parts)})"


def required_of(claims: Mapping[str, tuple[str, ...]]) -> Required:
    """Return required claims in the form of a condition. Raises BadInput for one that CEL cannot express."""
    for name, values in claims.items():
        if not _CLAIM_NAME.fullmatch(name) or not values:
            raise BadInput(f"{name!r} is not a claim's name with values, such as event_name=push.")
        wrong = [value for value in values if not re.fullmatch(_TEXT, f"'{value}'") or not value.isprintable()]
        wrong += [value for value in values if _AND in value or " || " in value]
        if wrong:
            raise BadInput(
                f"{wrong[0]!r} cannot be a value of the claim {name}: "
                "quotes, backslashes, && and || are not accepted."
            )
    return _ordered(claims)


def _ordered(claims: Mapping[str, tuple[str, ...]]) -> Required:
    """Return claims in the order of conditions: whole values first, then prefixes."""
    return tuple(
        (name, tuple(sorted(set(values), key=lambda value: (value.endswith("*"), value))))
        for name, values in sorted(claims.items())
    )


def same(one: str, other: str) -> bool:
    """Whether two conditions admit the same tokens, with case; order does not matter."""
    first, second = parse(one), parse(other)
    if first is None or second is None:
        return one == other
    return first.cel() == second.cel()


def for_orgs(orgs: Iterable[Org]) -> Condition:
    """Return the condition that admits these organizations, of two spellings the first; none admits no token."""
    return Condition(orgs=tuple(sorted(dict.fromkeys(orgs), key=lambda org: org.key)))


def parse(text: str) -> Condition | None:
    """Parse a condition; return None if this module did not write it."""
    first, *rest = text.split(_AND)
    try:
        named = _named(first)
    except ValueError:
        return None
    if named is None:
        return None
    ids: frozenset[str] = frozenset()
    repo_id, required = "", []
    for clause in rest:
        if found := _IDS.fullmatch(clause):
            ids = frozenset(re.findall(r"[0-9]+", found[1]))
        elif found := _REPO_ID.fullmatch(clause):
            repo_id = found[1]
        elif (claim := _required(clause)) is not None:
            required.append(claim)
        else:
            return None
    return Condition(named.orgs, named.repo, named.public, ids, repo_id, _ordered(dict(required)))


def _required(clause: str) -> tuple[str, tuple[str, ...]] | None:
    found = _CLAIM.fullmatch(clause)
    if found is None:
        return None
    prefixes = _PREFIX.findall(found[3])
    names = {name for name, _ in prefixes} | ({found[1]} if found[1] else set())
    if len(names) != 1:
        return None
    whole = [text[1:-1] for text in re.findall(_TEXT, found[2] or "")]
    return names.pop(), (*whole, *(f"{text[1:-1]}*" for _, text in prefixes))


def _named(text: str) -> Condition | None:
    if _PUBLIC.fullmatch(text):
        return Condition(public=True)
    if text.strip() == NOBODY:
        return Condition()
    if one := _REPO.fullmatch(text):
        return Condition(repo=parse_repo(one[1].strip("'")))
    if one := _ONE.fullmatch(text):
        return Condition(orgs=(Org(one[1].strip("'")),))
    if several := _SEVERAL.fullmatch(text):
        return Condition(orgs=tuple(Org(name) for name in re.findall(r"'([^']+)'", several[1])))
    return None
