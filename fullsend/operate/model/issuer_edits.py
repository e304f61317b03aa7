"""Define edits of ISSUERS and CALLERS in the form of `edits.Change`, which can be applied again after other writes.

Pure. Entries that an edit does not name stay unchanged and in order, because the first entry that matches a job
decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.edits import check_size
from fullsend.operate.model.environment import json_object
from fullsend.operate.model.issuer_list import CALLERS, ISSUERS, default_audience, issuers, named_by, raw_callers
from mintcore.settings.callers import parse_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer


@dataclass(frozen=True, slots=True)
class PutIssuer:
    """Write an issuer, and add entries or update those with the same match and repository.

    An updated entry keeps its level unless the new one has a level or `no_level` is set. With `replace` these
    entries become the only ones of the issuer, exactly as they are.
    """

    issuer: Issuer
    entries: tuple[CallerEntry, ...] = ()
    replace: bool = False
    no_level: bool = False

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with the change. Raises BadInput."""
        edited, name = dict(environment), self.issuer.name
        listed = json_object(edited, ISSUERS)
        if issuers(edited).get(name) != self.issuer:
            listed[name] = _written(self.issuer, edited)
            edited[ISSUERS] = json.dumps(listed, sort_keys=True)
        before = raw_callers(edited)
        wanted = {_key(entry.fields()): entry.fields() for entry in self.entries}
        kept: list[Any] = []
        for fields in before:
            key = _key(_as_parsed(fields, self.issuer)) if named_by(fields) == name else ""
            if key in wanted:
                kept.append(self._updated(fields, wanted.pop(key)))
            elif not key or not self.replace:
                kept.append(fields)
        return _with_callers(edited, before, [*kept, *wanted.values()])

    def is_applied(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment already has the change."""
        return self.apply(environment) == dict(environment)

    def _updated(self, before: Any, wanted: dict[str, Any]) -> dict[str, Any]:
        # Leaving --level out must not remove a limit: the jobs would silently get more access.
        keeps = not self.replace and not self.no_level and "level" in before
        return {**wanted, "level": wanted.get("level", before["level"])} if keeps else wanted


@dataclass(frozen=True, slots=True)
class DropIssuer:
    """Remove an issuer with all its entries."""

    name: str

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment without the issuer. Raises BadInput."""
        edited = dict(environment)
        listed = json_object(edited, ISSUERS)
        if listed.pop(self.name, None) is not None:
            _put(edited, ISSUERS, listed)
        before = raw_callers(edited)
        return _with_callers(edited, before, [fields for fields in before if named_by(fields) != self.name])

    def is_applied(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment already has the change."""
        return self.apply(environment) == dict(environment)


@dataclass(frozen=True, slots=True)
class DropEntries:
    """Remove the entries of an issuer whose match has these claims, and that act as this repository.

    An empty `match` or `acts_as` matches any entry.
    """

    name: str
    match: tuple[tuple[str, str], ...] = ()
    acts_as: str = ""

    def covers(self, entry: CallerEntry) -> bool:
        """Whether an entry is one of them."""
        same = all(entry.match.get(claim) == value for claim, value in self.match)
        return entry.issuer == self.name and same and self.acts_as.lower() in ("", str(entry.acts_as).lower())

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment without the entries. Raises BadInput."""
        edited, named = dict(environment), issuers(environment)
        before = raw_callers(edited)
        return _with_callers(edited, before, [fields for fields in before if not self._drops(fields, named)])

    def is_applied(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment already has the change."""
        return self.apply(environment) == dict(environment)

    def _drops(self, fields: object, named: Mapping[str, Issuer]) -> bool:
        try:
            return self.covers(parse_entry(0, fields, named))
        except ValueError:
            return False


def same_entry(environment: Mapping[str, str], issuer: Issuer, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with the same match and repository as `fields`; empty without one. Raises BadInput."""
    # The comparison ignores roles, so an entry without roles gets a placeholder.
    wanted = _key(_as_parsed({**fields, "roles": ["x"]}, issuer))
    for before in raw_callers(environment):
        if named_by(before) == issuer.name and _key(_as_parsed(before, issuer)) == wanted:
            return dict(before)
    return {}


def _written(issuer: Issuer, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an issuer's fields; the default audience is left out, so it follows OIDC_AUDIENCE."""
    fields = issuer.fields()
    if fields["audience"] == default_audience(environment):
        del fields["audience"]
    return fields


def _as_parsed(fields: Any, issuer: Issuer) -> Any:
    """Return an entry in this module's form; unchanged if the mint refuses it."""
    try:
        return parse_entry(0, fields, {issuer.name: issuer}).fields()
    except ValueError:
        return fields


def _key(fields: Any) -> str:
    """Return an entry's key: its match and its repository, in any case."""
    parts = (fields.get("match"), str(fields.get("as", "")).lower()) if isinstance(fields, dict) else fields
    return json.dumps(parts, sort_keys=True, default=str)


def _with_callers(edited: dict[str, str], before: list[Any], after: list[Any]) -> dict[str, str]:
    if after != before:
        _put(edited, CALLERS, after)
    check_size(edited)
    return edited


def _put(environment: dict[str, str], variable: str, value: list[Any] | dict[str, Any]) -> None:
    """Write a JSON value; remove the variable instead of an empty value, which would stop the mint."""
    if value:
        environment[variable] = json.dumps(value, sort_keys=isinstance(value, dict))
    else:
        environment.pop(variable, None)
