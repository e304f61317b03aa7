"""Parse a token request, and reject malformed fields. :mod:`~mintcore.policy.trust` decides about its content.

``POST /v1/token`` takes it from the body, ``GET /v1/status`` from the query. The same rules apply to both.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from mintcore.errors import (
    InvalidJson,
    InvalidLevel,
    InvalidPermissions,
    InvalidRepos,
    InvalidRole,
    InvalidTargetOrg,
    RoleRequired,
    TooManyRepos,
)
from mintcore.policy.levels import is_level_name, is_permission
from mintcore.policy.names import Org, RepoName, Role, fold, parse_repo_name, parse_role
from mintcore.policy.spelling import closest_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mintcore.policy.levels import Permissions

# GitHub REST, "Create an installation access token": up to 500 repositories.
MAX_REPOS = 500
MAX_PERMISSIONS = 100
FIELDS = ("role", "repos", "level", "permissions", "target_org")
EVERYTHING = "*"
_MAX_WARNINGS = 5
# A caller without a proof gets this far, and a comparison with every known name costs 8 µs.
_MAX_COMPARED = 50
_MAX_SHOWN = 80
_MIN_CUT = 3


class TokenRequest(NamedTuple):
    """A caller's token request.

    ``repos`` are bare names. ``everything`` means ``["*"]``, the whole installation; without both, the role's scope
    decides. ``level``, ``permissions`` and ``target_org`` are ``None`` if the request does not have them.
    ``warnings`` are sentences about misspelled fields.
    """

    role: Role
    repos: tuple[RepoName, ...] = ()
    everything: bool = False
    level: str | None = None
    permissions: Permissions | None = None
    target_org: Org | None = None
    warnings: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return the request as JSON values, without the fields that the caller left out."""
        asked: dict[str, Any] = {"role": self.role, "repos": [EVERYTHING] if self.everything else list(self.repos)}
        if self.level is not None:
            asked["level"] = self.level
        if self.permissions is not None:
            asked["permissions"] = dict(self.permissions)
        if self.target_org is not None:
            asked["target_org"] = str(self.target_org)
        return asked


def parse_token_request(body: bytes) -> TokenRequest:
    """Return the request in ``body``, a JSON object in UTF-8; unknown fields are ignored.

    Raises InvalidJson, RoleRequired, InvalidRole, InvalidRepos, TooManyRepos, InvalidLevel, InvalidPermissions or
    InvalidTargetOrg.
    """
    return _request(_json_object(body))


def parse_token_query(query: Mapping[str, Sequence[str]]) -> TokenRequest | None:
    """Return the request in a query, whose values are lists; ``None`` if it has no field of a request.

    ``repos`` are separated by commas and may be repeated. An empty value is an error, because it usually comes from
    an unset variable. ``warnings`` stay empty, see :func:`warnings_of_query`.

    Raises as :func:`parse_token_request` does.
    """
    given = {name: query[name] for name in FIELDS if query.get(name)}
    if not given:
        return None
    if len(given.get("role", ())) > 1:
        raise InvalidRole("role is given more than once; ask about one role at a time.")
    if not any(given.get("role", ())):
        raise RoleRequired("The query names no role; add one, such as ?role=coder.")
    if "permissions" in given:
        raise InvalidPermissions("The query cannot hold permissions; ask about a level, such as level=read.")
    if len(given.get("level", ())) > 1:
        raise InvalidLevel("level is given more than once; ask about one level at a time.")
    if len(given.get("target_org", ())) > 1:
        raise InvalidTargetOrg("target_org is given more than once; ask about one organization at a time.")
    if not all(given.get("repos", ("*",))):
        raise InvalidRepos("repos is empty; name repositories, such as repos=app,docs, or leave it out.")
    fields: dict[str, Any] = {name: values[0] for name, values in given.items()}
    fields["repos"] = [name for text in given.get("repos", ()) for name in text.split(",")]
    return _request(fields)


def warnings_of_query(query: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each misspelled parameter of a query."""
    return _warnings(query, "query parameter")


def _request(fields: Mapping[str, Any]) -> TokenRequest:
    role = _role(fields.get("role"))
    repos, everything = _repos(fields.get("repos"))
    # null, like "", usually comes from an unset variable, and must not mean the whole level. Only for `repos` does
    # null count as absent, because Go clients send a nil slice as null.
    level = _level(fields["level"]) if "level" in fields else None
    permissions = _permissions(fields["permissions"]) if "permissions" in fields else None
    target_org = _target_org(fields["target_org"]) if "target_org" in fields else None
    if target_org is not None and not repos and not everything:
        raise InvalidRepos(
            'target_org needs repos: send the names of its repositories, or ["*"] for all that the App can reach.'
        )
    return TokenRequest(role, repos, everything, level, permissions, target_org, _warnings(fields, "field"))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidJson(f"The body has the key {name[:_MAX_SHOWN]!a} more than once; send each key once.")
    return fields


# Attack: parsers differ in which of two equal keys counts, so a proxy or a fallback mint could check another role.
# Made once: json.loads() with a hook makes a decoder for every request.
_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        value = _DECODER.decode(body.decode())
    # RecursionError: thousands of '['. UnicodeDecodeError is a ValueError, as is an integer of 5,000 digits.
    except (ValueError, RecursionError) as error:
        raise InvalidJson(detail=f"body of {len(body)} bytes: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise InvalidJson(detail=f"body is a JSON {type(value).__name__}")
    return value


def _warnings(names: Iterable[str], kind: str) -> tuple[str, ...]:
    unknown = islice((name for name in names if name not in FIELDS), _MAX_COMPARED)
    misspelled = [(name, _intended_field(name)) for name in unknown]
    return tuple(
        f"The {kind} {name[:_MAX_SHOWN]!a} is ignored; did you mean {known!r}?"
        for name, known in misspelled
        if known
    )[:_MAX_WARNINGS]


def _intended_field(name: str) -> str:
    """Return the intended field: one letter away, its name and another word (``role_name``), or cut (``rep``)."""
    first = name.partition("_")[0]
    if first in FIELDS:
        return first
    cut = name.lower() if len(name) >= _MIN_CUT else "-"
    return closest_name(name, FIELDS) or next((field for field in FIELDS if field.startswith(cut)), "")


def _role(value: object) -> Role:
    if value is None or value == "":
        raise RoleRequired
    if not isinstance(value, str):
        raise InvalidRole(detail=f"role is a JSON {type(value).__name__}")
    try:
        return parse_role(value)
    except ValueError:
        raise InvalidRole(detail=f"role {value[:_MAX_SHOWN]!r}") from None


def _repos(value: object) -> tuple[tuple[RepoName, ...], bool]:
    """Return the names, and whether the request asks for everything."""
    if value is None:
        return (), False
    if not isinstance(value, list):
        raise InvalidRepos(detail=f"repos is a JSON {type(value).__name__}")
    if value == [EVERYTHING]:
        return (), True
    names: dict[str, RepoName] = {}
    seen: set[str] = set()
    for item in value:
        if not isinstance(item, str) or item not in seen:
            name = _repo(item)
            seen.add(item)
            names.setdefault(fold(name), name)
    if len(names) > MAX_REPOS:
        raise TooManyRepos(detail=f"{len(names)} repositories")
    return tuple(names.values()), False


def _repo(item: object) -> RepoName:
    if not isinstance(item, str):
        raise InvalidRepos(detail=f"an entry of repos is a JSON {type(item).__name__}")
    if item == EVERYTHING:
        raise InvalidRepos('repos mixes "*" with names; send ["*"] alone for every repository, or only names.')
    if "/" in item:
        raise InvalidRepos(
            'repos has a name with an owner; send the bare name, such as "my-repo". The owner is the calling '
            "repository's, or target_org."
        )
    try:
        return parse_repo_name(item)
    except ValueError:
        raise InvalidRepos(detail=f"repository name {item[:_MAX_SHOWN]!r}") from None


def _level(value: object) -> str:
    if not isinstance(value, str) or not is_level_name(value):
        raise InvalidLevel(detail=f"level {ascii(value)[:_MAX_SHOWN]}")
    return value


def _permissions(value: object) -> Permissions:
    if not isinstance(value, dict):
        raise InvalidPermissions(detail=f"permissions is a JSON {type(value).__name__}")
    if not value:
        raise InvalidPermissions("permissions is empty; leave it out, or name at least one permission.")
    if len(value) > MAX_PERMISSIONS:
        raise InvalidPermissions(f"permissions has more than {MAX_PERMISSIONS} entries.")
    for name, access in value.items():
        if not is_permission(name, access):
            raise InvalidPermissions(detail=f"permission {ascii(name)[:_MAX_SHOWN]}: {ascii(access)[:_MAX_SHOWN]}")
    return MappingProxyType(dict(value))


def _target_org(value: object) -> Org:
    try:
        return Org(value if isinstance(value, str) else "")
    except ValueError:
        raise InvalidTargetOrg(detail=f"target_org {ascii(value)[:_MAX_SHOWN]}") from None
