"""Every way a request can fail, as one tree.

A class is a row of the failure table: its ``code`` and ``status`` never change, and the status alone tells a client
whether the same request may succeed later: it may for 429, 502, 503 and 504, the branch ``TransientError``. An
instance carries two texts that must not be mixed: ``public`` is the sentence the caller reads, ``detail`` is the
cause and is for the operator's log alone. Neither may hold a token, a JWT or key material; whoever raises is
answerable for that.

    MintError
    ├── ClientError           the request itself
    │   ├── NotFound 404          ├── MethodNotAllowed 405      ├── MissingBearer 401
    │   ├── BodyTooLarge 413      ├── InvalidJson 400           ├── RoleRequired 400
    │   └── InvalidRole 400       ├── InvalidRepos 400          └── TooManyRepos 400
    ├── InvalidToken 401     not proven genuine; always the same sentence
    ├── Denied 403           genuine, and policy says no
    │   ├── OrgNotAllowed         ├── WorkflowNotAllowed
    │   └── RoleNotAllowed        └── RoleKeyMissing
    ├── InstallationError 422     GitHub's side is not set up for it
    │   ├── AppNotInstalled       ├── InstallationSuspended
    │   └── ReposNotAccessible    └── PermissionsNotGranted
    ├── Later                the same request may succeed later
    │   ├── RateLimited 429       ├── IssuerUnavailable 502     ├── StsUnavailable 502
    │   ├── KeyUnavailable 502    ├── GitHubRateLimited 503     ├── GitHubUnavailable 502
    │   └── UpstreamTimeout 504   └── FallbackUnavailable 502
    └── ServerError 500         the operator has to act
        ├── InvalidRoleKey        └── InternalError ── Incident
"""

from __future__ import annotations

from typing import ClassVar


class MintError(Exception):
    """A request that does not end in a token.

    ``retry_after`` is in whole seconds and becomes the ``Retry-After`` header.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]

    def __init__(self, public: str = "", *, detail: str = "", retry_after: int | None = None) -> None:
        self.public = public or self.sentence
        self.detail = detail or self.public
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that belong to this failure."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class ClientError(MintError):
    """The request is not one this service understands."""

    status = 400


class NotFound(ClientError):
    """No such path."""

    code = "not_found"
    status = 404
    sentence = "There is nothing at this path; POST /v1/token mints, GET /v1/status and GET /health inform."


class MethodNotAllowed(ClientError):
    """The path exists and the method does not."""

    code = "method_not_allowed"
    status = 405
    sentence = "This path does not take this method; the Allow header lists those it takes."

    def __init__(self, allow: tuple[str, ...]) -> None:
        self.allow = allow
        super().__init__(f"This path takes {' and '.join(allow)} only.")

    def headers(self) -> dict[str, str]:
        """Return ``Allow``, as RFC 9110 §15.5.6 requires."""
        return {"Allow": ", ".join(self.allow)}


class MissingBearer(ClientError):
    """No ``Authorization: Bearer`` header."""

    code = "missing_bearer"
    status = 401
    sentence = (
        "The request has no OIDC token; send the job's token as 'Authorization: Bearer <token>' "
        "(the job needs 'permissions: id-token: write')."
    )

    def headers(self) -> dict[str, str]:
        """Return the challenge of RFC 6750 §3."""
        return {"WWW-Authenticate": "Bearer"}


class BodyTooLarge(ClientError):
    """The body is over the limit."""

    code = "body_too_large"
    status = 413
    sentence = "The body is larger than 64 KiB; ask for fewer repositories."


class InvalidJson(ClientError):
    """The body is not a JSON object."""

    code = "invalid_json"
    sentence = 'The body is not a JSON object; send one such as {"role": "coder", "repos": ["my-repo"]}.'


class RoleRequired(ClientError):
    """No role was asked for."""

    code = "role_required"
    sentence = 'The body names no role; add one, such as {"role": "coder"}.'


class InvalidRole(ClientError):
    """The role is not a possible name."""

    code = "invalid_role"
    sentence = (
        "The role is not a role name: a lowercase letter first, then lowercase letters, digits, '-' and '_', "
        "and no '--'."
    )


class InvalidRepos(ClientError):
    """The repositories are not a list of bare names."""

    code = "invalid_repos"
    sentence = 'repos is not a list of repository names; send names without the owner, such as ["my-repo"].'


class TooManyRepos(ClientError):
    """More repositories than one installation token can be scoped to."""

    code = "too_many_repos"
    sentence = "More than 500 repositories were asked for; split the request, or leave repos out for all of them."


class InvalidToken(MintError):
    """The token is not proven genuine; the caller is told this and no more."""

    code = "invalid_token"
    status = 401
    sentence = (
        "The OIDC token was not accepted; request a fresh one in the job, for this mint's audience, and retry."
    )

    def __init__(self, *, detail: str) -> None:
        super().__init__(detail=detail)

    def headers(self) -> dict[str, str]:
        """Return the challenge of RFC 6750 §3.1."""
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Denied(MintError):
    """The caller is genuine and policy says no."""

    status = 403


class OrgNotAllowed(Denied):
    """The caller's organization is not served."""

    code = "org_not_allowed"
    sentence = "This mint does not serve the organization; ask its operator to enroll it."


class WorkflowNotAllowed(Denied):
    """The workflow that asks is not one the mint trusts."""

    code = "workflow_not_allowed"
    sentence = "This mint does not trust the workflow that asks."


class RoleNotAllowed(Denied):
    """The role is not served."""

    code = "role_not_allowed"
    sentence = "This mint does not serve the role; GET /v1/status lists those it does."


class RoleKeyMissing(Denied):
    """The role is configured and has no App key."""

    code = "role_key_missing"
    sentence = "This mint holds no App key for the role; its operator has to add one."


class InstallationError(MintError):
    """GitHub's side is not set up for what was asked."""

    status = 422


class AppNotInstalled(InstallationError):
    """The role's App has no installation on the organization."""

    code = "app_not_installed"
    sentence = "The role's GitHub App is not installed on the organization; install it and try again."


class InstallationSuspended(InstallationError):
    """The installation exists and is suspended."""

    code = "installation_suspended"
    sentence = (
        "The role's GitHub App is suspended on the organization; an owner has to unsuspend it in the "
        "organization's settings under 'GitHub Apps'."
    )


class ReposNotAccessible(InstallationError):
    """The installation does not cover a repository that was asked for."""

    code = "repos_not_accessible"
    sentence = "The role's GitHub App cannot reach a repository that was asked for."


class PermissionsNotGranted(InstallationError):
    """The installation lacks a permission that the role needs."""

    code = "permissions_not_granted"
    sentence = "The role's GitHub App lacks a permission that the role needs."


class TransientError(MintError):
    """Nothing is wrong with the request; it may succeed later."""

    status = 502


class RateLimited(TransientError):
    """The calling repository mints faster than the operator allows."""

    code = "rate_limited"
    status = 429
    sentence = "This repository has asked for too many tokens; wait as long as Retry-After says."


class IssuerUnavailable(TransientError):
    """The issuer's keys cannot be had."""

    code = "issuer_unavailable"
    sentence = "The mint cannot fetch the OIDC issuer's keys at the moment; try again in a minute."


class StsUnavailable(TransientError):
    """Google STS cannot be asked."""

    code = "sts_unavailable"
    sentence = "The mint cannot reach Google's token service at the moment; try again in a minute."


class KeyUnavailable(TransientError):
    """The App key cannot be read now."""

    code = "key_unavailable"
    sentence = "The mint cannot read the App key at the moment; try again in a minute."


class GitHubRateLimited(TransientError):
    """GitHub limits the App."""

    code = "github_rate_limited"
    status = 503
    sentence = "GitHub is limiting this App's requests; wait as long as Retry-After says."


class GitHubUnavailable(TransientError):
    """GitHub cannot be reached or makes no sense."""

    code = "github_unavailable"
    sentence = "GitHub did not give a usable answer; try again in a minute."


class UpstreamTimeout(TransientError):
    """GitHub did not answer within the request's budget."""

    code = "upstream_timeout"
    status = 504
    sentence = "GitHub did not answer in time; try again in a minute."


class FallbackUnavailable(TransientError):
    """The fallback mint cannot be reached."""

    code = "fallback_unavailable"
    sentence = "The fallback mint that serves this role cannot be reached; try again in a minute."


class ServerError(MintError):
    """The operator has to act; the caller cannot."""

    status = 500


class InvalidRoleKey(ServerError):
    """The key that is stored for the role cannot be used."""

    code = "invalid_role_key"
    sentence = "The App key stored for the role cannot be used; the mint's operator has to replace it."


class InternalError(ServerError):
    """Anything else."""

    code = "internal_error"
    sentence = "The mint failed; give the request_id to its operator."


class Incident(InternalError):
    """A service said something that must never be true; nothing is minted and the operator is woken."""
