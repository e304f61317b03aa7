"""``CALLERS``: which jobs of other CI systems may ask, and for which repository."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mintcore.policy.caller_entry import ENTRY_KEYS, CallerEntry, check_match
from mintcore.policy.names import parse_repo, parse_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mintcore.policy.issuers import Issuer, Kind
    from mintcore.policy.names import Repo, Role
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.roles import RoleBook
    from mintcore.settings.reader import Reader

_VARIABLE = "CALLERS"
_GITHUB_COM = "https://token.actions.githubusercontent.com"
_DISCOVERY = "/.well-known/"


def read_callers(reader: Reader, issuers: Sequence[Issuer], roles: RoleBook) -> tuple[CallerEntry, ...]:
    """Return the entries of CALLERS, noting every problem on ``reader``."""
    by_name = {issuer.name: issuer for issuer in issuers if issuer.name}
    entries: list[CallerEntry] = []
    for index, fields in enumerate(reader.json_list(_VARIABLE)):
        named = fields.get("issuer") if isinstance(fields, dict) else None
        if isinstance(named, str) and named and named not in by_name and reader.has_problem("ISSUERS"):
            continue  # the entry may name the issuer that has the problem
        try:
            entry = parse_entry(index, fields, by_name)
            _check_level(entry, roles)
        except ValueError as error:
            reader.problem(_VARIABLE, f"[{index}]: {error}")
        else:
            entries.append(entry)
    return tuple(entries)


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
        raise ValueError(f"issuer must be one of ISSUERS: {', '.join(sorted(issuers)) or 'which has none'}")
    if issuer.kind.is_github:
        raise ValueError("issuer is of the kind github, whose jobs ask for their own repository; remove the entry")
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


def warn_of_callers(reader: Reader, issuers: Sequence[Issuer], policy: TrustPolicy) -> None:
    """Note what the entries leave open, and what keeps them from serving."""
    entries = policy.callers
    kinds = {issuer.name: issuer.kind for issuer in issuers}
    named = {entry.issuer for entry in entries}
    for issuer in issuers:
        if not issuer.kind.is_github and issuer.name not in named:
            reader.warn(f"no entry of CALLERS names the issuer {issuer.name}: its jobs are denied. Fix: add one")
    _warn_of_hubs(reader, issuers)
    for issuer in issuers:
        _warn_of_issuer(reader, issuer)
    _warn_of_hidden(reader, entries)
    for entry in entries:
        _warn_of(reader, entry, kinds[entry.issuer], policy)
    if entries and policy.required_claims:
        reader.warn(
            f"REQUIRED_CLAIMS also holds for the jobs of CALLERS, which need {', '.join(policy.required_claims)}. "
            "Fix: name only claims that every issuer sends"
        )
    uncounted = sorted({kinds[name].name for name in named if not kinds[name].has_token_id})
    if uncounted and reader.is_set("MINTS_PER_TOKEN"):
        listed = ", ".join(uncounted)
        reader.warn(f"MINTS_PER_TOKEN is set, and tokens of {listed} have no jti to count: their jobs are denied")


def _warn_of_hubs(reader: Reader, issuers: Sequence[Issuer]) -> None:
    """Note what issuers of the kind github in ISSUERS change for workflows."""
    hubs = [issuer.name for issuer in issuers if issuer.kind.is_github]
    if len(hubs) > 1:
        reader.warn(
            f"ISSUERS has several issuers of the kind github ({', '.join(hubs)}), and the mint does not tell apart "
            "repositories of the same name: an organization of GitHub Enterprise Server that is named like one on "
            "github.com mints for it. Fix: run one mint for each GitHub, with one issuer of the kind github each"
        )
    if hubs and hubs != [""] and all(issuer.url != _GITHUB_COM for issuer in issuers):
        reader.warn(
            f"ISSUERS names the issuer {hubs[0]} of the kind github in place of github.com's: jobs on github.com "
            f"get 401. Fix: also name {_GITHUB_COM}, if they are to mint"
        )
    if hubs and hubs != [""] and reader.is_set("WIF_PROVIDER_NAME"):
        providers = ", ".join(issuer.provider_id for issuer in issuers if issuer.kind.is_github)
        reader.warn(
            f"ISSUERS has an issuer of the kind github: its jobs use the provider {providers}, and "
            "WIF_PROVIDER_NAME has no effect. Fix: create that provider in WIF_POOL_NAME"
        )


def _warn_of_hidden(reader: Reader, entries: Sequence[CallerEntry]) -> None:
    for number, entry in enumerate(entries):
        earlier = [one.name for one in entries[:number] if _same(one, entry)]
        if earlier:
            reader.warn(
                f"{entry.name} has the issuer, match and roles of {earlier[0]}, which decides. Fix: remove it"
            )


def _same(one: CallerEntry, other: CallerEntry) -> bool:
    return (one.issuer, one.match) == (other.issuer, other.match) and set(other.roles) <= set(one.roles)


def _warn_of_issuer(reader: Reader, issuer: Issuer) -> None:
    """Note a url or an audience that no token can have."""
    parts = urlsplit(issuer.url)
    if issuer.name and (parts.netloc != parts.netloc.lower() or "*" in issuer.url or _DISCOVERY in issuer.url):
        reader.warn(
            f"ISSUERS has for {issuer.name} the url {issuer.url}, which no token has. Fix: write it exactly as the "
            f"claim iss, in lowercase, without * and {_DISCOVERY}"
        )
    elif issuer.name and issuer.kind.name != "kubernetes" and issuer.url.endswith("/"):
        reader.warn(
            f"ISSUERS has for {issuer.name} a url that ends in /, which tokens of {issuer.kind.name} do not. Fix: "
            "remove the /"
        )
    if issuer.name and "*" in issuer.audience:
        reader.warn(
            f"ISSUERS has for {issuer.name} the audience {issuer.audience}, and audiences are compared whole. Fix: "
            "write the audience that the jobs ask for"
        )


def _warn_of(reader: Reader, entry: CallerEntry, kind: Kind, policy: TrustPolicy) -> None:
    advice = kind.advice(entry.match) if kind.advice else ""
    if advice:
        reader.warn(f"{entry.name} {advice}")
    if not policy.enrolls(entry.acts_as):
        reader.warn(
            f"{entry.name} acts as {entry.acts_as}, whose owner is not enrolled: its jobs are denied. Fix: add "
            f"{entry.acts_as.owner} to ALLOWED_ORGS, or {entry.acts_as} to PER_REPO_WIF_REPOS"
        )
    for role in entry.roles:
        if role not in policy.roles.serves:
            reader.warn(f"{entry.name} has the role {role}, which this mint does not serve")
