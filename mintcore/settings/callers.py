"""Read ``CALLERS``: which jobs of other CI systems may mint, and for which repository."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.caller_entry import ENTRY_KEYS, CallerEntry, check_match
from mintcore.policy.names import parse_repo, parse_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mintcore.policy.issuers import Issuer
    from mintcore.policy.names import Repo, Role
    from mintcore.policy.roles import RoleBook
    from mintcore.settings.reader import Reader

_VARIABLE = "CALLERS"


def read_callers(reader: Reader, issuers: Sequence[Issuer], roles: RoleBook) -> tuple[CallerEntry, ...]:
    """Return the entries of CALLERS, noting every problem on ``reader``."""
    by_name = {issuer.name: issuer for issuer in issuers if issuer.name}
    entries: list[CallerEntry] = []
    for index, fields in enumerate(reader.json_list(_VARIABLE)):
        named = fields.get("issuer") if isinstance(fields, dict) else None
        if isinstance(named, str) and named and named not in by_name and reader.has_problem("ISSUERS"):
            continue  # the problem of ISSUERS is reported; this entry may depend on it
        try:
            entry = parse_entry(index, fields, by_name)
            _check_level(entry, roles)
        except ValueError as error:
            reader.problem(_VARIABLE, f"[{index}]: {error}", _example(by_name.get(str(named))))
        else:
            entries.append(entry)
    return tuple(entries)


def _example(issuer: Issuer | None) -> str:
    """Return an example for the entry's issuer, empty to show the variable's own example."""
    from mintcore.settings.issuer_examples import caller_example  # noqa: PLC0415 - only a problem needs it

    return "" if issuer is None else caller_example(issuer.name, issuer.kind.name)


def parse_entry(index: int, fields: object, issuers: Mapping[str, Issuer]) -> CallerEntry:
    """Return one entry of CALLERS, or raise ``ValueError``; ``issuers`` has those of ISSUERS by name."""
    if not isinstance(fields, dict):
        raise ValueError(f"it must be a JSON object with {', '.join(ENTRY_KEYS[:4])}")  # noqa: TRY004 - the one way to refuse
    unknown = sorted(set(fields) - set(ENTRY_KEYS))
    if unknown:
        raise ValueError(f"it has {ascii(unknown[0])[:60]}; it can have {', '.join(ENTRY_KEYS)}")
    name = fields.get("issuer")
    issuer = issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        raise ValueError(f"issuer must be one of ISSUERS ({', '.join(sorted(issuers)) or 'which is empty'})")
    if issuer.kind.is_github:
        raise ValueError(
            "issuer is of the kind github, whose jobs mint for their own repository without an entry; remove the "
            "entry"
        )
    match = MappingProxyType(check_match(issuer, fields.get("match")))
    level = fields.get("level", "")
    if not isinstance(level, str) or ("level" in fields and not level):
        raise ValueError("level must be the name of a level")
    return CallerEntry(index, issuer.name, match, _acts_as(fields), _roles(fields), level, issuer.kind.identity)


def _acts_as(fields: Mapping[str, Any]) -> Repo:
    text = fields.get("as")
    try:
        return parse_repo(text if isinstance(text, str) else "")
    except ValueError as error:
        raise ValueError(f"as: {error}") from None


def _roles(fields: Mapping[str, Any]) -> tuple[Role, ...]:
    listed = fields.get("roles")
    if not isinstance(listed, list) or not listed or not all(isinstance(role, str) for role in listed):
        raise ValueError("roles must be a JSON list with at least one role")
    try:
        return tuple(dict.fromkeys(parse_role(role) for role in listed))
    except ValueError as error:
        raise ValueError(f"roles: {error}") from None


def _check_level(entry: CallerEntry, roles: RoleBook) -> None:
    served = [role for role in entry.roles if role in roles.serves]
    without = [role for role in served if entry.level and entry.level not in roles.serves[role].levels]
    if without:
        levels = sorted(set.intersection(*(set(roles.serves[role].levels) for role in served)))
        raise ValueError(
            f"level {entry.level[:40]!r} is not a level of {', '.join(without)}. Fix: "
            + (f"use {' or '.join(levels)}" if levels else "remove level, or write an entry for each role")
        )
