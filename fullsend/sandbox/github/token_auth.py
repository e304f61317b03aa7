"""Who is calling with an installation token, and whether the token is enough for what is asked.

GitHub REST: "Authenticating to the REST API", "Permissions required for GitHub Apps". What the caller may
not see does not exist (404); what it sees and may not do is 403.
"""

from typing import NamedTuple

from werkzeug.wrappers import Request

from fullsend.sandbox.github.answers import RefusedError, not_found
from fullsend.sandbox.github.state import Repository, includes
from fullsend.sandbox.github.tokens import IssuedToken, Tokens

SCHEMES = ("bearer", "token")
SUSPENDED = "This installation has been suspended"
NOT_ACCESSIBLE = "Resource not accessible by integration"


class Need(NamedTuple):
    """What an endpoint asks of its caller, and the page of the reference that says so."""

    permission: str
    level: str
    page: str


class TokenAuth:
    """Finds the token behind a request and holds it against what is asked."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def token(self, request: Request) -> IssuedToken | None:
        """Return the caller's token, None for a caller who shows none. Raises RefusedError 401 and 403."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        # An App JWT is no credential here either; its answer is documented nowhere, 401 is what fits.
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
        """Hold the caller against a need on one repository. Raises RefusedError 401, 403, 404."""
        issued = self.token(request)
        covered = issued is not None and issued.covers(repository)
        if repository.private and not covered:
            raise not_found(need.page)
        if not repository.private and need.level == "read":
            return  # anyone reads what is public, whatever a token is scoped to
        if issued is None:
            raise RefusedError(401, "Requires authentication", need.page)
        if not covered or not includes(issued.permissions, need.permission, need.level):
            accepted = {"X-Accepted-GitHub-Permissions": f"{need.permission}={need.level}"}
            raise RefusedError(403, NOT_ACCESSIBLE, need.page, headers=accepted)
