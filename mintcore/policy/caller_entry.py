"""One entry of CALLERS: which jobs may ask, for which repository, roles and level. ``caller_rules.py`` applies it.

``fullsend`` reads and writes CALLERS with this type too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.issuers import Issuer
    from mintcore.policy.names import Repo, Role

ENTRY_KEYS = ("issuer", "match", "as", "roles", "level")
_CLAIM = re.compile(r"[a-zA-Z][a-zA-Z0-9_.:/-]{0,99}")
_MAX_VALUE = 1024


@dataclass(frozen=True, slots=True)
class CallerEntry:
    """One entry.

    ``index`` is its place in the list, from 0. ``match`` has a value per claim: exact, or a prefix with ``*`` at
    its end. ``acts_as`` is ``as`` in the JSON. ``level`` is the highest level and the default level, empty for no
    limit. ``identity`` names the claims that identify a project at this kind of issuer.
    """

    index: int
    issuer: str
    match: Mapping[str, str]
    acts_as: Repo
    roles: tuple[Role, ...]
    level: str
    identity: frozenset[str]

    @property
    def name(self) -> str:
        """The entry's name in messages."""
        return f"CALLERS[{self.index}]"

    def fields(self) -> dict[str, Any]:
        """Return the entry as it is written in CALLERS."""
        written: dict[str, Any] = {
            "issuer": self.issuer,
            "match": dict(self.match),
            "as": str(self.acts_as),
            "roles": list(self.roles),
        }
        return {**written, "level": self.level} if self.level else written


def is_exact(value: str) -> bool:
    """Return whether a value of ``match`` is not a prefix."""
    return not value.endswith("*")


def value_matches(value: str | None, wanted: str) -> bool:
    """Return whether a claim matches ``wanted``: the same value, or the same beginning before a final ``*``."""
    if value is None:
        return False
    return value == wanted if is_exact(wanted) else value.startswith(wanted[:-1])


def check_match(issuer: Issuer, match: object) -> dict[str, str]:
    """Return the ``match`` of an entry for ``issuer``, or raise ``ValueError`` with what is wrong.

    A ref of GitLab that begins with ``refs/`` becomes a match on ``ref_path``: its ``ref`` is the bare name, and
    a branch can be named like a tag.
    """
    if not isinstance(match, dict) or not match:
        raise ValueError("match must be a JSON object with at least one claim")
    kind, checked = issuer.kind, {}
    for claim, value in match.items():
        if claim not in kind.matchable:
            raise ValueError(
                f"match cannot have {_shown(claim)}; {kind.name} has {', '.join(sorted(kind.matchable))}"
            )
        checked[kind.alias(claim, value)] = _check_value(claim, value)
    if len(checked) != len(match):
        raise ValueError("match has both ref, with refs/, and ref_path; keep ref_path")
    if not kind.pins(checked):
        raise ValueError(f"match must pin the project exactly, without *. Fix: add {kind.identities_text}")
    return checked


def _check_value(claim: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f'the value of "{claim}" in match is not a string; write it in quotes')
    if len(value) > _MAX_VALUE or not value.isprintable():
        raise ValueError(f'the value of "{claim}" in match is too long or not printable')
    if value == "*":
        raise ValueError(
            f'the value of "{claim}" in match is only a *, which matches every value. Fix: name a value'
        )
    if "*" in value[:-1]:
        raise ValueError(f'the value of "{claim}" in match has a * before its end')
    return value


def _shown(claim: object) -> str:
    text = str(claim)
    return f'"{text}"' if _CLAIM.fullmatch(text) else ascii(text)[:60]
