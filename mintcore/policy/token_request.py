"""What a caller asks for: is it well formed? Whether it is allowed is not asked here.

``POST /v1/token`` says it in its body, ``GET /v1/status`` in its query; both are held to the same rules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mintcore.errors import InvalidJson, InvalidRepos, InvalidRole, RoleRequired, TooManyRepos
from mintcore.policy.names import RepoName, Role, fold, parse_repo_name, parse_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# GitHub REST, "Create an installation access token": up to 500 repositories.
MAX_REPOS = 500


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a caller asks for; an empty ``repos`` asks for the whole installation."""

    role: Role
    repos: tuple[RepoName, ...]


def parse_token_request(body: bytes) -> TokenRequest:
    """Return the request in ``body``, a JSON object in UTF-8; unknown fields are ignored.

    Raises InvalidJson, RoleRequired, InvalidRole, InvalidRepos or TooManyRepos.
    """
    fields = _json_object(body)
    return TokenRequest(_role(fields.get("role")), _repos(fields.get("repos")))


def parse_token_query(roles: Sequence[str], repos: Sequence[str]) -> TokenRequest | None:
    """Return the request in a query's ``role`` and ``repos``, each given any number of times; ``None`` for none.

    ``repos`` are separated by commas. Raises RoleRequired, InvalidRole, InvalidRepos or TooManyRepos.
    """
    if not roles and not repos:
        return None
    if len(roles) > 1:
        raise InvalidRole("role is given more than once; ask about one role at a time.")
    if not any(roles):
        raise RoleRequired("The query names no role; add one, such as ?role=coder.")
    names = [name for text in repos if text for name in text.split(",")]
    return TokenRequest(_role(roles[0]), _repos(names))


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body.decode())
    # RecursionError: thousands of '['. UnicodeDecodeError is a ValueError, as is an integer of 5,000 digits.
    except (ValueError, RecursionError) as error:
        raise InvalidJson(detail=f"body of {len(body)} bytes: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise InvalidJson(detail=f"body is a JSON {type(value).__name__}")
    return value


def _role(value: object) -> Role:
    if value is None or value == "":
        raise RoleRequired
    if not isinstance(value, str):
        raise InvalidRole(detail=f"role is a JSON {type(value).__name__}")
    try:
        return parse_role(value)
    except ValueError:
        raise InvalidRole(detail=f"role {value[:80]!r}") from None


def _repos(value: object) -> tuple[RepoName, ...]:
    if value is None or value == ["*"]:
        return ()
    if not isinstance(value, list):
        raise InvalidRepos(detail=f"repos is a JSON {type(value).__name__}")
    names: dict[str, RepoName] = {}
    for item in value:
        name = _repo(item)
        names.setdefault(fold(name), name)
    if len(names) > MAX_REPOS:
        raise TooManyRepos(detail=f"{len(names)} repositories")
    return tuple(names.values())


def _repo(item: object) -> RepoName:
    if not isinstance(item, str):
        raise InvalidRepos(detail=f"an entry of repos is a JSON {type(item).__name__}")
    if item == "*":
        raise InvalidRepos('repos mixes "*" with names; send ["*"] alone for every repository, or only names.')
    if "/" in item:
        raise InvalidRepos(
            'repos has a name with an owner; send the bare name, such as "my-repo" - the owner is always the '
            "calling repository's."
        )
    try:
        return parse_repo_name(item)
    except ValueError:
        raise InvalidRepos(detail=f"repository name {item[:80]!r}") from None
