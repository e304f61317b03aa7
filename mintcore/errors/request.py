"""Declare the errors of a request that is wrong itself: its path, method, header or body."""

from __future__ import annotations

from mintcore.errors.base import MintError


class ClientError(MintError):
    """The request itself is wrong."""


class NotFound(ClientError):
    """The path does not exist."""

    code = "not_found"
    status = 404
    sentence = "There is nothing at this path; use POST /v1/token, GET /v1/status or GET /health."
    cause = "The request went to a path that the mint does not have."
    caller_fix = "The mint URL is the bare address: remove any path from its end."


class MethodNotAllowed(ClientError):
    """The path does not accept the method."""

    code = "method_not_allowed"
    status = 405
    sentence = "This path does not accept this method; the Allow header lists the accepted methods."
    cause = "The path exists, but not for this method. The `Allow` header lists the accepted methods."
    caller_fix = "Request a token with POST /v1/token, and the status with GET /v1/status."

    def __init__(self, allow: tuple[str, ...]) -> None:
        self.allow = allow
        super().__init__(f"This path accepts only {' and '.join(allow)}.")

    def headers(self) -> dict[str, str]:
        """Return ``Allow``, as RFC 9110 §15.5.6 requires."""
        return {"Allow": ", ".join(self.allow)}


class MissingBearer(ClientError):
    """The ``Authorization: Bearer`` header is missing."""

    code = "missing_bearer"
    status = 401
    sentence = (
        "The request has no OIDC token; send the job's token as 'Authorization: Bearer <token>' (the "
        "job needs 'permissions: id-token: write')."
    )
    cause = "The request has no `Authorization: Bearer` header."
    caller_fix = (
        "Send the job's OIDC token as `Authorization: Bearer …`. The action and the command line always "
        "send it, so a proxy in front of the mint may have removed the header."
    )
    operator_fix = "Check that proxies in front of the mint pass the `Authorization` header on."

    def headers(self) -> dict[str, str]:
        """Return the challenge of RFC 6750 §3."""
        return {"WWW-Authenticate": "Bearer"}


class BodyTooLarge(ClientError):
    """The body is larger than the limit."""

    code = "body_too_large"
    status = 413
    sentence = "The body is larger than 64 KiB; request fewer repositories."
    cause = "The request's body is larger than 64 KiB."
    caller_fix = "Request fewer repositories, or leave `repos` out."


class InvalidJson(ClientError):
    """The body is not a JSON object, or an object in it has a key twice."""

    code = "invalid_json"
    status = 400
    sentence = 'The body is not a JSON object; send one such as {"role": "coder", "repos": ["my-repo"]}.'
    cause = "The body is not a JSON object, or it has a key more than once."
    caller_fix = 'Send a JSON object such as {"role": "coder", "repos": ["my-repo"]}, with each key once.'


class RoleRequired(ClientError):
    """The request names no role."""

    code = "role_required"
    status = 400
    sentence = 'The body names no role; add one, such as {"role": "coder"}.'
    cause = "The request does not name a role."
    caller_fix = "Name the role: `--role coder`, or the first argument of `MintClient.mint`."
    action_fix = "Set the input `role`, for example `role: coder`."


class InvalidRole(ClientError):
    """The role name is invalid."""

    code = "invalid_role"
    status = 400
    sentence = (
        "The role name is invalid; it starts with a lowercase letter, followed by lowercase letters, "
        "digits, '-' and '_', and does not contain '--'."
    )
    cause = "The text cannot be a role's name."
    caller_fix = (
        "Check the role's spelling: a lowercase letter, then lowercase letters, digits, - and _. "
        "`fullsend mint status` in a job lists the roles you can request."
    )


class InvalidRepos(ClientError):
    """The repositories are not a list of bare names."""

    code = "invalid_repos"
    status = 400
    sentence = 'repos is not a list of repository names; send names without the owner, such as ["my-repo"].'
    cause = "`repos` is not a list of bare repository names."
    caller_fix = "Give a list of repository names without the owner, such as `my-repo`."


class TooManyRepos(ClientError):
    """More repositories than one installation token can cover."""

    code = "too_many_repos"
    status = 400
    sentence = "The request names more than 500 repositories; split the request."
    cause = "The request names more than 500 repositories, which is GitHub's limit for one token."
    caller_fix = "Name at most 500 repositories, or mint several tokens."


class InvalidLevel(ClientError):
    """The level is malformed, or the role does not have it."""

    code = "invalid_level"
    status = 400
    sentence = 'The role does not have this level; every built-in role has "read" and "write".'
    cause = "`level` is not one of the role's levels."
    caller_fix = (
        "Use a level that the role has. Built-in roles have `read` and `write`; the operator chooses the levels of "
        "a custom role, and `fullsend mint status --role ROLE` in the job names them."
    )
    action_fix = (
        "Use a level that the role has. Built-in roles have `read` and `write`; the operator chooses the levels of "
        "a custom role, and the message names them."
    )
    operator_fix = "Add the level to the role in `CUSTOM_ROLE_PERMISSIONS`, if callers need it."


class InvalidPermissions(ClientError):
    """The permissions are not an object that maps permission names to an access level."""

    code = "invalid_permissions"
    status = 400
    sentence = (
        'permissions is not an object of GitHub permissions; send one such as {"contents": "read"}, or '
        "leave it out."
    )
    cause = "`permissions` is empty, or a name or an access level in it is invalid."
    caller_fix = (
        "Write each permission as GitHub spells it, such as `contents: read`. Leave `permissions` out to "
        "get the whole level."
    )


class InvalidTargetOrg(ClientError):
    """The target is not the name of an organization."""

    code = "invalid_target_org"
    status = 400
    sentence = 'target_org is not an organization\'s name; send one such as "my-org".'
    cause = "`target_org` cannot be an organization's name."
    caller_fix = "Give the organization's bare name, such as `my-org`."
