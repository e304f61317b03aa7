"""Create registration tokens for self-hosted runners.

GitHub REST: "Create a registration token for a repository", "… for an organization". It checks who may get one;
no runner can register here.
"""

import secrets
import string

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.repositories import RepositoryEndpoints, below_repository
from fullsend_sandbox.github.state import includes
from fullsend_sandbox.github.token_auth import NOT_ACCESSIBLE
from fullsend_sandbox.github.views import timestamp
from fullsend_sandbox.routes import Route

LIFETIME = 3600
LETTERS = string.ascii_uppercase + string.digits
REPOSITORY = Need(
    "administration", "write", "/actions/self-hosted-runners#create-a-registration-token-for-a-repository"
)
ORGANIZATION = Need(
    "organization_self_hosted_runners",
    "write",
    "/actions/self-hosted-runners#create-a-registration-token-for-an-organization",
)


class RunnerEndpoints:
    """The two places a registration token is for."""

    def __init__(self, parts: Parts, repositories: RepositoryEndpoints) -> None:
        self._auth = parts.token_auth
        self._permitted = repositories.permitted
        self._now = parts.clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        path = "/actions/runners/registration-token"
        return [
            *below_repository("POST", path, self._for_repository),
            ("POST", f"/orgs/<org>{path}", self._for_organization),
        ]

    def _for_repository(self, request: Request, **where: str) -> Response:
        found = self._permitted(request, REPOSITORY, where)
        return found if isinstance(found, Response) else self._created()

    def _for_organization(self, request: Request, org: str) -> Response:
        issued = self._auth.required_token(request)
        account = issued.installation.account
        if account.type != "Organization" or account.login.lower() != org.lower():
            raise not_found(ORGANIZATION.page)
        if not includes(issued.permissions, ORGANIZATION.permission, ORGANIZATION.level):
            raise RefusedError(403, NOT_ACCESSIBLE, ORGANIZATION.page)
        return self._created()

    def _created(self) -> Response:
        token = "A" + "".join(secrets.choice(LETTERS) for _ in range(28))
        return answer({"token": token, "expires_at": timestamp(self._now() + LIFETIME)}, 201)
