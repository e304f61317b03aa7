"""Authenticate installation tokens and personal tokens, and check their permissions.

GitHub REST: "Authenticating to the REST API", "Permissions required for GitHub Apps". A resource that
the caller may not see is 404; an action that it may not take is 403.
"""

from werkzeug.wrappers import Request

from fullsend_sandbox.github.answers import RefusedError, not_found
from fullsend_sandbox.github.needs import Need, is_public, permission_header
from fullsend_sandbox.github.state import Account, Repository, includes
from fullsend_sandbox.github.tokens import IssuedToken, Tokens
from fullsend_sandbox.github.user_tokens import UserTokens

SCHEMES = ("bearer", "token")
SUSPENDED = "This installation has been suspended"
NOT_ACCESSIBLE = "Resource not accessible by integration"


class TokenAuth:
    """Finds the token of a request and checks it against a need."""

    def __init__(self, tokens: Tokens, user_tokens: UserTokens) -> None:
        self._tokens = tokens
        self._user_tokens = user_tokens

    def token(self, request: Request) -> IssuedToken | None:
        """Return the caller's installation token, None for a caller without one or with a personal token.

        Raises RefusedError 401 and 403.
        """
        header = request.headers.get("Authorization")
        if header is None or self._user_tokens.of(request) is not None:
            return None
        scheme, _, text = header.partition(" ")
        # GitHub does not document its answer to an App JWT here; 401 fits.
        issued = self._tokens.find(text.strip()) if scheme.lower() in SCHEMES else None
        if issued is None:
            raise RefusedError(401, "Bad credentials")
        if issued.installation.suspended_at is not None:
            raise RefusedError(403, SUSPENDED)
        return issued

    def required_token(self, request: Request) -> IssuedToken:
        """Return the caller's token; a caller without one gets 401."""
        issued = self.token(request)
        if issued is None:
            raise RefusedError(401, "Requires authentication")
        return issued

    def check(self, request: Request, repository: Repository, need: Need) -> None:
        """Check a need on one repository. Raises RefusedError 401, 403, 404."""
        user_token = self._user_tokens.of(request)
        if user_token is not None:
            user_token.check_repository(repository, need)
            return
        issued = self.token(request)
        covered = issued is not None and issued.covers(repository)
        if repository.private and not covered:
            raise not_found(need.page)
        if not repository.private and is_public(need):
            return
        if issued is None:
            raise RefusedError(401, "Requires authentication", need.page)
        if not covered or not includes(issued.permissions, need.permission, need.level):
            raise RefusedError(403, NOT_ACCESSIBLE, need.page, headers=permission_header(need))

    def check_organization(self, request: Request, org: Account, need: Need) -> None:
        """Check a need on an organization. Raises RefusedError 401, 403."""
        user_token = self._user_tokens.of(request)
        if user_token is not None:
            user_token.check_organization(org, need)
            return
        issued = self.required_token(request)
        granted = includes(issued.permissions, need.permission, need.level)
        if issued.installation.account is not org or not granted:
            raise RefusedError(403, NOT_ACCESSIBLE, need.page, headers=permission_header(need))
