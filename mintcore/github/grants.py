"""The token as GitHub issued it: read, and held against what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mintcore.answer import Unusable
from mintcore.errors import GitHubUnavailable, Incident
from mintcore.github.diagnosis import covers
from mintcore.policy.roles import LEVELS
from mintcore.ports import InstallationToken
from mintcore.secret import Secret

if TYPE_CHECKING:
    from mintcore.answer import Answer
    from mintcore.policy.names import Org
    from mintcore.ports import Scope


def parse_token(answer: Answer, org: Org, scope: Scope, installation_id: int) -> InstallationToken:
    """Return the token GitHub describes (GitHub REST: Create an installation access token for an app).

    Raises GitHubUnavailable where that is no token, and Incident for one that is good for more than was asked.
    """
    try:
        fields = answer.json_object()
        token, expires_at = fields["token"], fields["expires_at"]
        listed = fields.get("repositories") or []
        granted = tuple(str(repo["full_name"]) for repo in listed) if scope.repos else ()
        permissions = {str(name): str(level) for name, level in fields["permissions"].items()}
        selection = str(fields.get("repository_selection", "selected" if scope.repos else "all"))
    except (Unusable, KeyError, TypeError, AttributeError) as error:
        raise GitHubUnavailable(detail=f"a token GitHub describes oddly: {type(error).__name__}") from None
    if not (isinstance(token, str) and token and isinstance(expires_at, str)):
        raise GitHubUnavailable(detail="GitHub created a token and did not send it")
    too_much = _repositories_not_asked(granted, selection, org, scope)
    too_much += _permissions_not_asked(permissions, scope)
    if too_much:
        raise Incident(detail=f"GitHub granted more than was asked on {org}: {', '.join(too_much)}"[:500])
    if scope.repos and not granted:
        granted = tuple(f"{org}/{name}" for name in scope.repos)
    return InstallationToken(Secret(token), expires_at, granted, permissions, selection, installation_id)


def _repositories_not_asked(granted: tuple[str, ...], selection: str, org: Org, scope: Scope) -> list[str]:
    if not scope.repos:
        return []
    if not granted and selection == "all":
        return ["all repositories"]
    asked = {f"{org}/{name}".lower() for name in scope.repos}
    return [full_name for full_name in granted if full_name.lower() not in asked]


def _permissions_not_asked(granted: dict[str, Any], scope: Scope) -> list[str]:
    """Return what is above the level asked for; ``metadata: read`` comes with every token."""
    asked = {"metadata": "read", **scope.permissions}
    return [
        f"{name}:{level}"
        for name, level in granted.items()
        if level not in LEVELS or not covers(asked.get(name), level)
    ]
