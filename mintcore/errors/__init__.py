"""Collect every error of a request in one tree.

Each error code is declared once, as the class with that ``code``: status, sentence, cause and fixes. The branch
says how to treat an error; ``TransientError`` means that the same request may succeed later. An instance carries
two texts: ``public`` is the sentence that the caller reads, ``detail`` is the cause for the operator's log. Neither
may hold a token, a JWT or key material.

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
    │   ├── RateLimited           ├── GitHubRateLimited         ├── UpstreamTimeout
    │   ├── FallbackUnavailable   ├── IssuerUnavailable         ├── StsUnavailable
    │   ├── KeyUnavailable        └── GitHubUnavailable
    │   └── IssuerRefused, StsRefused, KeyRefused, NotGitHub: subclasses that last until the operator acts
    └── ServerError           the operator has to act
        ├── InvalidRoleKey        └── InternalError ── Incident ── OtherAccount
"""

from __future__ import annotations

from mintcore.errors.base import MintError
from mintcore.errors.caller import (
    ClaimsNotAllowed,
    Denied,
    GrantsNotEnabled,
    InvalidToken,
    OrgNotAllowed,
    PermissionsNotAllowed,
    ProviderMisconfigured,
    RoleKeyMissing,
    RoleNotAllowed,
    ScopeNotAllowed,
    TargetNotGranted,
    TokenSpent,
    WorkflowNotAllowed,
)
from mintcore.errors.installation import (
    AppNotInstalled,
    GitHubRefused,
    InstallationError,
    InstallationSuspended,
    PermissionsNotGranted,
    ReposNotAccessible,
)
from mintcore.errors.request import (
    BodyTooLarge,
    ClientError,
    InvalidJson,
    InvalidLevel,
    InvalidPermissions,
    InvalidRepos,
    InvalidRole,
    InvalidTargetOrg,
    MethodNotAllowed,
    MissingBearer,
    NotFound,
    RoleRequired,
    TooManyRepos,
)
from mintcore.errors.server import Incident, InternalError, InvalidRoleKey, OtherAccount, ServerError
from mintcore.errors.transient import (
    FallbackUnavailable,
    GitHubRateLimited,
    GitHubUnavailable,
    IssuerRefused,
    IssuerUnavailable,
    KeyRefused,
    KeyUnavailable,
    NotGitHub,
    RateLimited,
    StsRefused,
    StsUnavailable,
    TransientError,
    UpstreamTimeout,
)

__all__ = [
    "AppNotInstalled",
    "BodyTooLarge",
    "ClaimsNotAllowed",
    "ClientError",
    "Denied",
    "FallbackUnavailable",
    "GitHubRateLimited",
    "GitHubRefused",
    "GitHubUnavailable",
    "GrantsNotEnabled",
    "Incident",
    "InstallationError",
    "InstallationSuspended",
    "InternalError",
    "InvalidJson",
    "InvalidLevel",
    "InvalidPermissions",
    "InvalidRepos",
    "InvalidRole",
    "InvalidRoleKey",
    "InvalidTargetOrg",
    "InvalidToken",
    "IssuerRefused",
    "IssuerUnavailable",
    "KeyRefused",
    "KeyUnavailable",
    "MethodNotAllowed",
    "MintError",
    "MissingBearer",
    "NotFound",
    "NotGitHub",
    "OrgNotAllowed",
    "OtherAccount",
    "PermissionsNotAllowed",
    "PermissionsNotGranted",
    "ProviderMisconfigured",
    "RateLimited",
    "ReposNotAccessible",
    "RoleKeyMissing",
    "RoleNotAllowed",
    "RoleRequired",
    "ScopeNotAllowed",
    "ServerError",
    "StsRefused",
    "StsUnavailable",
    "TargetNotGranted",
    "TokenSpent",
    "TooManyRepos",
    "TransientError",
    "UpstreamTimeout",
    "WorkflowNotAllowed",
]
