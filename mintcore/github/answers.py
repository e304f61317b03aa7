"""Parse GitHub's installations and tokens, and check that a token allows no more than was requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mintcore.errors import GitHubUnavailable, Incident, OtherAccount
from mintcore.github.diagnosis import covers
from mintcore.github.refusals import not_github
from mintcore.outbound.answer import Unusable
from mintcore.policy.levels import ACCESS
from mintcore.policy.names import Org
from mintcore.request import InstallationToken
from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.outbound.answer import Answer
    from mintcore.policy.decision import Target
    from mintcore.request import Scope


@dataclass(frozen=True, slots=True)
class Installation:
    """An App's installation; ``permissions`` are those that the account's owner has accepted."""

    id: int
    suspended: bool
    permissions: Mapping[str, str]
    owner_id: str = ""
    """The account's id, if the caller's token proves the same id."""


def token_of(answer: Answer) -> Secret | None:
    """Return the token in an answer that is otherwise unusable, so it can be revoked."""
    try:
        token = answer.json_object().get("token")
    except Unusable:
        return None
    # Revoking sends it in a header.
    usable = isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token
    return Secret(token) if usable and token else None


def parse_installation(answer: Answer, target: Target) -> Installation:
    """Return the installation GitHub describes (GitHub REST: Get an organization installation for the app).

    Raises GitHubUnavailable for an unreadable answer, and Incident if the account's login or id differs.
    """
    org = target.org
    try:
        found = answer.json_object()
    except Unusable as error:
        raise not_github(f"finding the installation on {org}: {error}") from None
    try:
        number, login = int(found["id"]), str(found["account"]["login"])
        account_id = str(found["account"].get("id", ""))
        permissions = {str(name): str(level) for name, level in found["permissions"].items()}
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise GitHubUnavailable(detail=f"unreadable installation on {org}: {type(error).__name__}") from None
    if not _same(login, org):
        raise Incident(detail=f"GitHub gave the installation {number} of {login[:100]!r} for {org}")
    # Attack: after the token was issued, another account may have taken over the name.
    if target.owner_id and account_id != target.owner_id:
        raise OtherAccount(
            detail=f"the installation {number} on {org} is of the account {account_id[:40]!r}, and the id that the "
            f"caller proves is {target.owner_id[:40]!r}",
            account_id=account_id,
        )
    return Installation(
        id=number,
        suspended=found.get("suspended_at") is not None,
        permissions=permissions,
        owner_id=target.owner_id,
    )


def parse_token(
    answer: Answer, org: Org, scope: Scope, installation_id: int, warnings: tuple[str, ...] = ()
) -> InstallationToken:
    """Return the token GitHub describes (GitHub REST: Create an installation access token for an app).

    ``warnings`` are passed on. Raises GitHubUnavailable for an unreadable answer, and Incident for a token that is
    wider than requested.
    """
    try:
        fields = answer.json_object()
    except Unusable as error:
        raise not_github(f"creating a token on {org}: {error}") from None
    try:
        token, expires_at = fields["token"], fields["expires_at"]
        listed = fields.get("repositories") or []
        granted = tuple(str(repo["full_name"]) for repo in listed) if scope.repos else ()
        ids = {str(repo["full_name"]).lower(): str(repo.get("id", "")) for repo in listed if scope.repos}
        permissions = {str(name): str(level) for name, level in fields["permissions"].items()}
        selection = str(fields.get("repository_selection", "selected" if scope.repos else "all"))
    except (KeyError, TypeError, AttributeError) as error:
        raise GitHubUnavailable(detail=f"unreadable token on {org}: {type(error).__name__}") from None
    if not (isinstance(token, str) and token and isinstance(expires_at, str)):
        raise GitHubUnavailable(detail=f"GitHub's answer lacks the token it created on {org}")
    too_much = _repositories_not_asked(granted, selection, org, scope)
    too_much += _permissions_not_asked(permissions, scope)
    if too_much:
        raise Incident(detail=f"GitHub granted more than was asked on {org}: {', '.join(too_much)}"[:500])
    if scope.repos and not granted:
        granted = tuple(f"{org}/{name}" for name in scope.repos)
    return InstallationToken(
        token=Secret(token),
        expires_at=expires_at,
        repositories=granted,
        permissions=permissions,
        repository_selection=selection,
        installation_id=installation_id,
        warnings=warnings,
        repository_ids=ids,
    )


def _same(login: str, org: Org) -> bool:
    try:
        return Org(login) == org
    except ValueError:
        return False


def _repositories_not_asked(granted: tuple[str, ...], selection: str, org: Org, scope: Scope) -> list[str]:
    if not scope.repos:
        return []
    if not granted and selection == "all":
        return ["all repositories"]
    asked = {f"{org}/{name}".lower() for name in scope.repos}
    return [full_name for full_name in granted if full_name.lower() not in asked]


def _permissions_not_asked(granted: dict[str, Any], scope: Scope) -> list[str]:
    """Return the permissions above the requested level; ``metadata: read`` comes with every token."""
    asked = {"metadata": "read", **scope.permissions}
    return [
        f"{name}:{level}"
        for name, level in granted.items()
        if level not in ACCESS or not covers(asked.get(name), level)
    ]
