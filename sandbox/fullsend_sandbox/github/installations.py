"""Answer an App's requests about itself and its installations.

GitHub REST: "Get the authenticated app", "List installations", "Get an installation", "Get an organization
/ user / repository installation for the authenticated app", "Get an app".
"""

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import answer, moved, not_found
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import Account, App
from fullsend_sandbox.routes import Route

PAGE = "/apps/apps"


class InstallationEndpoints:
    """The endpoints under `/app` and the three ways to find an installation."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._apps = parts.apps
        self._auth = parts.app_auth
        self._views = parts.views

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            ("GET", "/app", self._self),
            ("GET", "/apps/<slug>", self._public),
            ("GET", "/app/installations", self._list),
            ("GET", "/app/installations/<identifier>", self._by_id),
            ("GET", "/orgs/<login>/installation", self._of_organization),
            ("GET", "/users/<login>/installation", self._of_user),
            ("GET", "/organizations/<identifier>/installation", self._of_account_id),
            ("GET", "/repos/<owner>/<name>/installation", self._of_repository),
            ("GET", "/repositories/<identifier>/installation", self._of_repository_id),
        ]

    def _self(self, request: Request) -> Response:
        app = self._auth.app(request)
        return answer(self._views.app(app, len(self._apps.installations(app))))

    def _public(self, _request: Request, slug: str) -> Response:
        app = self._apps.by_slug(slug.lower())
        if app is None:
            raise not_found(f"{PAGE}#get-an-app")
        return answer(self._views.app(app, len(self._apps.installations(app))))

    def _list(self, request: Request) -> Response:
        everywhere = self._apps.installations(self._auth.app(request))
        page, headers = page_of(request, everywhere, self._views.url("/app/installations"))
        return answer([self._views.installation(each) for each in page], headers=headers)

    def _by_id(self, request: Request, identifier: str) -> Response:
        app = self._auth.app(request)
        found = self._apps.installation(identifier)
        if found is None or found.app is not app:
            raise not_found(f"{PAGE}#get-an-installation-for-the-authenticated-app")
        return answer(self._views.installation(found))

    def _of_organization(self, request: Request, login: str) -> Response:
        """Find organizations only; a user account is not found here."""
        app = self._auth.app(request)
        account = self._world.account(login)
        if account is None:
            former = self._world.redirected_account(login)
            if former is not None and self._apps.on_account(app, former) is not None:
                return moved(self._views.url(f"/organizations/{former.id}/installation"))
        if account is not None and account.type != "Organization":
            account = None
        return self._on_account(app, account, "organization")

    def _of_user(self, request: Request, login: str) -> Response:
        """Find users and organizations alike.

        The reference mentions users only. GitHub's own action create-github-app-token asks this endpoint for
        both, so organizations are found here too.
        """
        return self._on_account(self._auth.app(request), self._world.account(login), "user")

    def _of_account_id(self, request: Request, identifier: str) -> Response:
        app = self._auth.app(request)
        ours = [each.account for each in self._apps.installations(app) if str(each.account.id) == identifier]
        return self._on_account(app, ours[0] if ours else None, "organization")

    def _on_account(self, app: App, account: Account | None, kind: str) -> Response:
        found = None if account is None else self._apps.on_account(app, account)
        if found is None:
            article = "a" if kind == "user" else "an"
            raise not_found(f"{PAGE}#get-{article}-{kind}-installation-for-the-authenticated-app")
        return answer(self._views.installation(found))

    def _of_repository(self, request: Request, owner: str, name: str) -> Response:
        app = self._auth.app(request)
        resolved = self._world.repository(owner, name)
        found = None if resolved is None else self._apps.on_repository(app, resolved[0])
        if resolved is None or found is None:
            raise not_found(f"{PAGE}#get-a-repository-installation-for-the-authenticated-app")
        if resolved[1]:
            return moved(self._views.url(f"/repositories/{resolved[0].id}/installation"))
        return answer(self._views.installation(found))

    def _of_repository_id(self, request: Request, identifier: str) -> Response:
        app = self._auth.app(request)
        repository = self._world.repository_by_id(identifier)
        found = None if repository is None else self._apps.on_repository(app, repository)
        if found is None:
            raise not_found(f"{PAGE}#get-a-repository-installation-for-the-authenticated-app")
        return answer(self._views.installation(found))
