"""Find the account or repository of a request about variables or secrets, and check the caller.

GitHub REST: "Actions variables", "Actions secrets". Organizations and repositories have the same
endpoints, except for the visibility of an organization's entries.
"""

import re
from collections.abc import Mapping

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.actions_stores import VISIBILITIES, ActionsStore, Entry, select
from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.bodies import integers, invalid, json_object
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.repositories import RepositoryEndpoints, below_repository
from fullsend_sandbox.github.state import Account, Repository
from fullsend_sandbox.github.views import timestamp
from fullsend_sandbox.routes import Handler, Route

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_VALUE = 48 * 1024


def below_holder(method: str, rest: str, handler: Handler) -> list[Route]:
    """Return the routes of an endpoint that organizations and repositories both have."""
    return [*below_repository(method, rest, handler), (method, f"/orgs/<org>{rest}", handler)]


class Holders:
    """Finds the account or repository of a path and checks the caller's permission."""

    def __init__(self, parts: Parts, repositories: RepositoryEndpoints) -> None:
        self._world = parts.world
        self._stores = parts.actions_stores
        self._auth = parts.token_auth
        self._repositories = repositories

    def permitted(self, request: Request, need: Need, where: Mapping[str, str]) -> Account | Repository | Response:
        """Return the account or repository, or a redirect if the repository has moved. Raises RefusedError."""
        if "org" not in where:
            return self._repositories.permitted(request, need, dict(where))
        account = self._world.account(where["org"])
        if account is None or account.type != "Organization":
            raise not_found(need.page)
        on_org = need._replace(permission=_on_organization(need.permission))
        self._auth.check_organization(request, account, on_org)
        return account

    def store(self, holder: Account | Repository) -> ActionsStore:
        """Return what Actions keeps for it."""
        return self._stores.of(holder)

    def choose(self, request: Request, holder: Account | Repository, entry: Entry, *, new: bool) -> None:
        """Set who receives an organization's entry, as the body says. Raises RefusedError 422."""
        if isinstance(holder, Repository):
            return
        body = json_object(request)
        if "visibility" not in body and not new:
            return
        visibility = body.get("visibility")
        if visibility not in VISIBILITIES:
            raise invalid('"visibility" must be one of: all, private, selected.')
        if "selected_repository_ids" in body and visibility != "selected":
            raise invalid('"selected_repository_ids" goes with the visibility "selected" only.')
        if visibility == entry.visibility == "selected" and "selected_repository_ids" not in body:
            return
        select(entry, visibility, self.known_ids(request, holder))

    def known_ids(self, request: Request, holder: Account) -> list[int]:
        """Read the repositories a body selects. Raises RefusedError 422 for one of another account."""
        ids = integers(json_object(request), "selected_repository_ids")
        for identifier in ids:
            found = self._world.repository_by_id(str(identifier))
            if found is None or found.owner is not holder:
                raise RefusedError(422, "Validation Failed")
        return ids


def _on_organization(permission: str) -> str:
    return f"organization_{permission}"


def checked_name(name: str, kind: str) -> str:
    """Return a name as GitHub keeps it, in upper case. Raises RefusedError 422."""
    if not NAME.fullmatch(name):
        raise RefusedError(
            422,
            f"{kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). "
            "Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        )
    if name.upper().startswith("GITHUB_"):
        raise RefusedError(422, f"{kind} names must not start with GITHUB_.")
    return name.upper()


def checked_value(value: str) -> str:
    """Return a value that is small enough. Raises RefusedError 422."""
    if len(value.encode(errors="surrogatepass")) > MAX_VALUE:
        raise RefusedError(422, "Value is too large: at most 48 KB.")
    return value


def shown(entry: Entry, holder: Account | Repository, url: str) -> dict[str, object]:
    """Return the JSON of an entry, without its value."""
    body: dict[str, object] = {
        "name": entry.name,
        "created_at": timestamp(entry.created_at),
        "updated_at": timestamp(entry.updated_at),
    }
    if isinstance(holder, Account):
        body["visibility"] = entry.visibility
        if entry.visibility == "selected":
            body["selected_repositories_url"] = f"{url}/{entry.name}/repositories"
    return body


def no_content() -> Response:
    """Return 204."""
    response = answer(None, 204)
    response.set_data(b"")
    return response
