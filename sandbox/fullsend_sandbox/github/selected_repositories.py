"""Show and set the repositories that receive an organization's variable or secret of visibility `selected`.

GitHub REST: "List selected repositories for an organization variable" and its neighbors.
"""

from typing import NamedTuple

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github import actions_secrets, actions_variables
from fullsend_sandbox.github.actions_stores import Entry
from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.holders import Holders, no_content
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import Account
from fullsend_sandbox.routes import Route


class _Selection(NamedTuple):
    holder: Account
    entry: Entry


class SelectedRepositories:
    """Shows and sets the selection."""

    def __init__(self, parts: Parts, holders: Holders) -> None:
        self._holders = holders
        self._world = parts.world
        self._views = parts.views

    def routes(self) -> list[Route]:
        """Return the routes."""
        below = "/orgs/<org>/actions/<any(variables, secrets):kind>/<name>/repositories"
        return [("GET", below, self._list), ("PUT", below, self._replace)]

    def _list(self, request: Request, **where: str) -> Response:
        found = self._selection(request, "read", **where)
        chosen = [each for each in self._world.repositories() if each.id in found.entry.repository_ids]
        page, headers = page_of(request, chosen, self._views.url(request.path))
        repositories = [self._views.repository(each) for each in page]
        return answer({"total_count": len(chosen), "repositories": repositories}, headers=headers)

    def _replace(self, request: Request, **where: str) -> Response:
        found = self._selection(request, "write", **where)
        if found.entry.visibility != "selected":
            raise RefusedError(409, "Conflict")
        found.entry.repository_ids = set(self._holders.known_ids(request, found.holder))
        return no_content()

    def _selection(self, request: Request, level: str, *, org: str, kind: str, name: str) -> _Selection:
        need = actions_variables.READ if kind == "variables" else actions_secrets.READ
        holder = self._holders.permitted(request, need._replace(level=level), {"org": org})
        if not isinstance(holder, Account):
            raise not_found(need.page)
        store = self._holders.store(holder)
        entry = (store.variables if kind == "variables" else store.secrets).get(name.upper())
        if entry is None:
            raise not_found(need.page)
        return _Selection(holder, entry)
