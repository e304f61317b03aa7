"""Answer requests about repositories within a token's scope.

GitHub REST: "List repositories accessible to the app installation", "Get a repository".
"""

from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import answer, moved, not_found
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import Repository
from fullsend_sandbox.routes import Handler, Route

SHOW = Need("metadata", "read", "/repos/repos#get-a-repository")


def below_repository(method: str, rest: str, handler: Handler) -> list[Route]:
    """Return the routes of an endpoint at a repository's name, and at its id, where redirects lead."""
    return [
        (method, f"/repos/<owner>/<name>{rest}", handler),
        (method, f"/repositories/<identifier>{rest}", handler),
    ]


class RepositoryEndpoints:
    """Lists and shows repositories, and finds one for the endpoints below it."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._auth = parts.token_auth
        self._views = parts.views

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            ("GET", "/installation/repositories", self._accessible),
            *below_repository("GET", "", self._show),
        ]

    def permitted(self, request: Request, need: Need, where: dict[str, str]) -> Repository | Response:
        """Return the repository if the caller may do this to it, or a redirect if it has moved.

        `where` holds the variables of the path: `owner` and `name`, or `identifier`. Raises RefusedError: 401, 403,
        or 404 where the caller may not know that the repository exists.
        """
        if "identifier" in where:
            repository, moved_here = self._world.repository_by_id(where["identifier"]), False
        else:
            repository, moved_here = self._world.repository(**where) or (None, False)
        if repository is None:
            self._auth.token(request)  # an invalid token is 401 on every path
            raise not_found(need.page)
        self._auth.check(request, repository, need)
        if moved_here:
            _, _, rest = request.path.partition(f"/repos/{where['owner']}/{where['name']}")
            return moved(self._views.url(f"/repositories/{repository.id}{quote(rest)}"))
        return repository

    def _accessible(self, request: Request) -> Response:
        issued = self._auth.required_token(request)
        covered = [each for each in self._world.repositories() if issued.covers(each)]
        page, headers = page_of(request, covered, self._views.url("/installation/repositories"))
        narrowed = issued.repository_ids is not None
        return answer(
            {
                "total_count": len(covered),
                "repository_selection": "selected" if narrowed else issued.installation.selection,
                "repositories": [self._views.repository(each) for each in page],
            },
            headers=headers,
        )

    def _show(self, request: Request, **where: str) -> Response:
        found = self.permitted(request, SHOW, where)
        return found if isinstance(found, Response) else answer(self._views.repository(found))
