"""Create and revoke installation tokens.

GitHub REST: "Create an installation access token for an app", "Revoke an installation access token".
A token is never wider than its installation.
"""

from typing import Any

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.apps import METADATA
from fullsend_sandbox.github.bodies import integers, invalid, json_object, mapping, texts
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import LEVELS, Installation, Repository, includes
from fullsend_sandbox.github.token_auth import SUSPENDED
from fullsend_sandbox.github.views import timestamp
from fullsend_sandbox.routes import Route

PAGE = "/apps/apps#create-an-installation-access-token-for-an-app"
MAX_REPOSITORIES = 500
NO_REPOSITORY = (
    "There is at least one repository that does not exist or is not accessible to the parent installation."
)
# The schema app-permissions has these for one access only.
ONE_ACCESS = {
    "workflows": ("write",),
    "profile": ("write",),
    "organization_events": ("read",),
    "organization_plan": ("read",),
}
NO_PERMISSION = "The permissions requested are not granted to this installation."
# GitHub documents the limit, but not the sentence.
TOO_MANY = f"No more than {MAX_REPOSITORIES} repositories can be given."


class AccessTokenEndpoints:
    """The App creates a token; the token revokes itself."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._apps = parts.apps
        self._tokens = parts.tokens
        self._auth = parts.app_auth
        self._holder = parts.token_auth
        self._views = parts.views

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            ("POST", "/app/installations/<identifier>/access_tokens", self._create),
            ("DELETE", "/installation/token", self._revoke),
        ]

    def _create(self, request: Request, identifier: str) -> Response:
        app = self._auth.app(request)
        installation = self._apps.installation(identifier)
        if installation is None or installation.app is not app:
            raise not_found(PAGE)
        if installation.suspended_at is not None:
            raise RefusedError(403, SUSPENDED, PAGE)
        body = json_object(request)
        repositories = self._repositories(body, installation)
        permissions = _permissions(body, installation)
        ids = frozenset(each.id for each in repositories) or None
        token, issued = self._tokens.issue(installation, permissions, ids)
        created: dict[str, object] = {
            "token": token,
            "expires_at": timestamp(issued.expires_at),
            "permissions": dict(sorted(permissions.items())),
            "repository_selection": "selected" if repositories else installation.selection,
        }
        if repositories:
            created["repositories"] = [self._views.repository(each) for each in repositories]
        return answer(created, 201)

    def _repositories(self, body: dict[str, Any], installation: Installation) -> list[Repository]:
        """Return the requested repositories; none, or an empty list, means all."""
        names = {name.lower() for name in texts(body, "repositories")}
        ids = set(integers(body, "repository_ids"))
        if len(body.get("repositories", ())) + len(body.get("repository_ids", ())) > MAX_REPOSITORIES:
            raise RefusedError(422, TOO_MANY, PAGE)
        chosen = [
            each
            for each in self._world.repositories()
            if installation.covers(each) and (each.name.lower() in names or each.id in ids)
        ]
        found = {each.name.lower() for each in chosen}, {each.id for each in chosen}
        if names - found[0] or ids - found[1]:
            raise RefusedError(422, NO_REPOSITORY, PAGE)
        return chosen

    def _revoke(self, request: Request) -> Response:
        self._tokens.revoke(self._holder.required_token(request))
        return Response(status=204)


def _permissions(body: dict[str, Any], installation: Installation) -> dict[str, str]:
    """Return the requested permissions and `metadata`.

    GitHub does not document an empty object. Here it means all permissions, as an empty list of repositories means
    all of them, so code that expects the opposite fails in the sandbox.
    """
    asked = mapping(body, "permissions")
    for name, level in asked.items():
        allowed = ONE_ACCESS.get(name, LEVELS)
        if level not in allowed:
            raise invalid(f"For 'properties/{name}', the level is not a member of {list(allowed)}.", PAGE)
        if not includes(installation.permissions, name, level):
            raise RefusedError(422, NO_PERMISSION, PAGE)
    return METADATA | asked if asked else dict(installation.permissions)
