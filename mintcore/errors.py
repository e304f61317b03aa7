"""Every way a request can fail, as one tree.

Each class with a ``code`` is a row of :mod:`mintcore.error_table`, which gives its status and sentence. The branch
tells how to treat it; ``TransientError`` means that the same request may succeed later. An instance carries two
texts: ``public`` is the sentence that the caller reads, ``detail`` is the cause for the operator's log. Neither may
hold a token, a JWT or key material.

    MintError
    ├── ClientError           the request itself
    │   ├── NotFound              ├── MethodNotAllowed          ├── MissingBearer
    │   ├── BodyTooLarge          ├── InvalidJson               ├── RoleRequired
    │   ├── InvalidRole           ├── InvalidRepos              ├── TooManyRepos
    │   └── InvalidLevel          ├── InvalidPermissions        └── InvalidTargetOrg
    ├── InvalidToken          not proven genuine; always the same sentence
    │   └── ProviderMisconfigured     proven here, and refused by Google; the operator has to act
    ├── Denied                genuine, and policy denies
    │   ├── OrgNotAllowed         ├── WorkflowNotAllowed        ├── RoleNotAllowed
    │   ├── PermissionsNotAllowed ├── ClaimsNotAllowed          ├── ScopeNotAllowed
    │   ├── GrantsNotEnabled      ├── TargetNotGranted          ├── TokenSpent
    │   └── RoleKeyMissing
    ├── InstallationError     the organization has to change something on GitHub
    │   ├── AppNotInstalled       ├── InstallationSuspended
    │   ├── ReposNotAccessible    ├── PermissionsNotGranted     └── GitHubRefused
    ├── TransientError        the same request may succeed later
    │   ├── RateLimited           ├── IssuerUnavailable         ├── StsUnavailable
    │   ├── KeyUnavailable        ├── GitHubRateLimited         ├── GitHubUnavailable
    │   └── UpstreamTimeout       └── FallbackUnavailable
    └── ServerError           the operator has to act
        ├── InvalidRoleKey        └── InternalError ── Incident ── OtherAccount
"""

from __future__ import annotations

from typing import ClassVar

from mintcore.error_table import TABLE


class MintError(Exception):
    """A request that does not end in a token.

    ``retry_after`` is in whole seconds and becomes the ``Retry-After`` header. ``lasting`` says that a retry
    does not help, although the status is one that clients retry.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]
    lasting: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" in vars(cls):
            cls.status, cls.sentence = TABLE[cls.code].status, TABLE[cls.code].sentence
        elif cls.lasting:
            cls.sentence = TABLE[cls.code].lasting

    def __init__(self, public: str = "", *, detail: str = "", retry_after: int | None = None) -> None:
        self.public = public or self.sentence
        self.detail = detail or self.public
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that belong to this failure."""
        if self.lasting:
            return {"X-Should-Retry": "false"}
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class ClientError(MintError):
    """The request itself is wrong."""


class NotFound(ClientError):
    """The path does not exist."""

    code = "not_found"


class MethodNotAllowed(ClientError):
    """The path does not accept the method."""

    code = "method_not_allowed"

    def __init__(self, allow: tuple[str, ...]) -> None:
        self.allow = allow
        super().__init__(f"This path accepts only {' and '.join(allow)}.")

    def headers(self) -> dict[str, str]:
        """Return ``Allow``, as RFC 9110 §15.5.6 requires."""
        return {"Allow": ", ".join(self.allow)}


class MissingBearer(ClientError):
    """The ``Authorization: Bearer`` header is missing."""

    code = "missing_bearer"

    def headers(self) -> dict[str, str]:
        """Return the challenge of RFC 6750 §3."""
        return {"WWW-Authenticate": "Bearer"}


class BodyTooLarge(ClientError):
    """The body is larger than the limit."""

    code = "body_too_large"


class InvalidJson(ClientError):
    """The body is not a JSON object."""

    code = "invalid_json"


class RoleRequired(ClientError):
    """The request names no role."""

    code = "role_required"


class InvalidRole(ClientError):
    """The role name is invalid."""

    code = "invalid_role"


class InvalidRepos(ClientError):
    """The repositories are not a list of bare names."""

    code = "invalid_repos"


class TooManyRepos(ClientError):
    """More repositories than one installation token can be scoped to."""

    code = "too_many_repos"


class InvalidLevel(ClientError):
    """The level is malformed, or the role does not have it."""

    code = "invalid_level"


class InvalidPermissions(ClientError):
    """The permissions are not an object of permission names with an access each."""

    code = "invalid_permissions"


class InvalidTargetOrg(ClientError):
    """The target is not the name of an organization."""

    code = "invalid_target_org"


class InvalidToken(MintError):
    """The token is not proven genuine. The caller never learns more than that."""

    code = "invalid_token"

    def __init__(self, *, detail: str) -> None:
        super().__init__(detail=detail)

    def headers(self) -> dict[str, str]:
        """Return the challenge of RFC 6750 §3.1."""
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class ProviderMisconfigured(InvalidToken):
    """Google refuses a token whose signature is proven, for a reason that only the operator can fix."""

    def __init__(self, *, detail: str, request_id: str) -> None:
        super().__init__(detail=detail)
        self.public = (
            "The OIDC token is genuine, but Google refuses it because of the mint's configuration. Fix: give the "
            f"request id {request_id} to the mint's operator; a new token does not help."
        )


class Denied(MintError):
    """The caller is genuine, and policy denies the request."""


class OrgNotAllowed(Denied):
    """The mint does not serve the caller's organization."""

    code = "org_not_allowed"


class WorkflowNotAllowed(Denied):
    """The mint does not trust the workflow."""

    code = "workflow_not_allowed"


class RoleNotAllowed(Denied):
    """The mint does not serve the role."""

    code = "role_not_allowed"


class PermissionsNotAllowed(Denied):
    """The role does not have a requested permission at this level."""

    code = "permissions_not_allowed"


class ClaimsNotAllowed(Denied):
    """The token lacks a claim that the operator requires."""

    code = "claims_not_allowed"


class ScopeNotAllowed(Denied):
    """The caller may not reach a repository that it asked for."""

    code = "scope_not_allowed"


class GrantsNotEnabled(Denied):
    """The caller asked for another organization, and grants are off."""

    code = "grants_not_enabled"


class TargetNotGranted(Denied):
    """The target does not grant the role to the caller."""

    code = "target_not_granted"


class TokenSpent(Denied):
    """The OIDC token has been used as often as the operator allows."""

    code = "token_spent"


class RoleKeyMissing(Denied):
    """The role is configured, but its App key is missing."""

    code = "role_key_missing"


class InstallationError(MintError):
    """The organization has to change something on GitHub."""


class AppNotInstalled(InstallationError):
    """The role's App has no installation on the organization."""

    code = "app_not_installed"


class InstallationSuspended(InstallationError):
    """The installation is suspended."""

    code = "installation_suspended"


class ReposNotAccessible(InstallationError):
    """The installation does not include a requested repository."""

    code = "repos_not_accessible"


class PermissionsNotGranted(InstallationError):
    """The installation lacks a permission that the role needs."""

    code = "permissions_not_granted"


class GitHubRefused(InstallationError):
    """GitHub refuses permanently: an IP allow list, SAML enforcement, a legal block."""

    code = "github_refused"


class TransientError(MintError):
    """The same request may succeed later."""


class RateLimited(TransientError):
    """The calling repository mints faster than the operator allows."""

    code = "rate_limited"


class IssuerUnavailable(TransientError):
    """The issuer's keys are not available."""

    code = "issuer_unavailable"


class StsUnavailable(TransientError):
    """Google STS is down or slow."""

    code = "sts_unavailable"


class StsRefused(StsUnavailable):
    """STS_URL answers with a refusal that is not Google's; it lasts until the operator acts."""

    lasting = True


class KeyUnavailable(TransientError):
    """The key store is down or slow."""

    code = "key_unavailable"


class KeyRefused(KeyUnavailable):
    """Google refuses the mint access to the key until the operator acts. A key already read still serves."""

    lasting = True


class GitHubRateLimited(TransientError):
    """GitHub rate-limits the App."""

    code = "github_rate_limited"


class GitHubUnavailable(TransientError):
    """GitHub is unreachable, or its answer makes no sense."""

    code = "github_unavailable"


class UpstreamTimeout(TransientError):
    """GitHub did not answer within the request's deadline."""

    code = "upstream_timeout"


class FallbackUnavailable(TransientError):
    """The fallback mint is unreachable."""

    code = "fallback_unavailable"


class ServerError(MintError):
    """The operator has to act; the caller cannot."""


class InvalidRoleKey(ServerError):
    """The stored key of the role is unusable."""

    code = "invalid_role_key"


class InternalError(ServerError):
    """The mint failed unexpectedly."""

    code = "internal_error"


class Incident(InternalError):
    """A service answered what must never be true. Nothing is minted, and the log entry is CRITICAL."""


class OtherAccount(Incident):
    """The installation on a name is that of another account; ``account_id`` is its id."""

    def __init__(self, public: str = "", *, detail: str = "", account_id: str = "") -> None:
        super().__init__(public, detail=detail)
        self.account_id = account_id
