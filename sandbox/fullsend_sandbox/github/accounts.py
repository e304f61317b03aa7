"""Answer requests about public accounts, and about the state of the rate limit.

GitHub REST: "Get a user", "Get a user using their ID", "Get an organization", "Get rate limit status for the
authenticated user". A login is found in any case, and the answer has its canonical case.
"""

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import answer, moved, not_found
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.routes import Route


class AccountEndpoints:
    """Users, organizations and `/rate_limit`."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._limits = parts.limits
        self._views = parts.views

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            ("GET", "/users/<login>", self._user),
            ("GET", "/user/<int:number>", self._user_by_id),
            ("GET", "/orgs/<login>", self._organization),
            ("GET", "/rate_limit", self._rate_limit),
        ]

    def _user(self, _request: Request, login: str) -> Response:
        account = self._world.account(login)
        if account is None:
            raise not_found("/users/users#get-a-user")
        return answer(self._views.account(account))

    def _user_by_id(self, _request: Request, number: int) -> Response:
        account = self._world.account_with_id(number)
        if account is None:
            raise not_found("/users/users#get-a-user-using-their-id")
        return answer(self._views.account(account))

    def _organization(self, _request: Request, login: str) -> Response:
        account = self._world.account(login)
        former = self._world.redirected_account(login)
        if account is None and former is not None:
            return moved(self._views.url(f"/orgs/{former.login}"))
        if account is None or account.type != "Organization":
            raise not_found("/orgs/orgs#get-an-organization")
        return answer(self._views.account(account))

    def _rate_limit(self, _request: Request) -> Response:
        core = self._limits.bucket() | {"resource": "core"}
        return answer({"resources": {"core": core}, "rate": core})
