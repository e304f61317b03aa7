"""Actions variables of repositories and organizations.

GitHub REST: "Actions variables". Lists come in pages of 10, at most 30; names are kept in upper case.
"""

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.bodies import json_object, required_text
from fullsend_sandbox.github.keepers import Keepers, below_keeper, checked_name, checked_value, no_content, shown
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import Account, Repository
from fullsend_sandbox.github.vaults import Entry
from fullsend_sandbox.routes import Route

READ = Need("actions_variables", "read", "/actions/variables")
WRITE = READ._replace(level="write")
PAGE = 10
MAX_PAGE = 30
ALREADY_EXISTS = "Already exists - Variable already exists"


class VariableEndpoints:
    """Lists, shows, creates, changes and removes variables."""

    def __init__(self, parts: Parts, keepers: Keepers) -> None:
        self._keepers = keepers
        self._views = parts.views
        self._clock = parts.clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        one = "/actions/variables/<variable>"
        return [
            *below_keeper("GET", "/actions/variables", self._list),
            *below_keeper("POST", "/actions/variables", self._create),
            *below_keeper("GET", one, self._show),
            *below_keeper("PATCH", one, self._change),
            *below_keeper("DELETE", one, self._remove),
        ]

    def _list(self, request: Request, **where: str) -> Response:
        keeper = self._keepers.permitted(request, READ, where)
        if isinstance(keeper, Response):
            return keeper
        kept = self._keepers.vault(keeper).variables
        entries = [kept[name] for name in sorted(kept)]
        url = self._url(keeper)
        page, headers = page_of(request, entries, url, default=PAGE, largest=MAX_PAGE)
        variables = [self._shown(entry, keeper) for entry in page]
        return answer({"total_count": len(entries), "variables": variables}, headers=headers)

    def _create(self, request: Request, **where: str) -> Response:
        keeper = self._keepers.permitted(request, WRITE, where)
        if isinstance(keeper, Response):
            return keeper
        body = json_object(request)
        name = checked_name(required_text(body, "name"), "Variable")
        value = checked_value(required_text(body, "value"))
        kept = self._keepers.vault(keeper).variables
        if name in kept:
            raise RefusedError(409, ALREADY_EXISTS, WRITE.page)
        entry = Entry(name, value, self._clock(), self._clock())
        self._keepers.choose(request, keeper, entry, new=True)
        kept[name] = entry
        return answer({}, 201)

    def _show(self, request: Request, variable: str, **where: str) -> Response:
        keeper = self._keepers.permitted(request, READ, where)
        if isinstance(keeper, Response):
            return keeper
        return answer(self._shown(self._entry(keeper, variable), keeper))

    def _change(self, request: Request, variable: str, **where: str) -> Response:
        keeper = self._keepers.permitted(request, WRITE, where)
        if isinstance(keeper, Response):
            return keeper
        entry = self._entry(keeper, variable)
        body = json_object(request)
        name = checked_name(required_text(body, "name"), "Variable") if "name" in body else entry.name
        value = checked_value(required_text(body, "value")) if "value" in body else entry.value
        kept = self._keepers.vault(keeper).variables
        if name != entry.name and name in kept:
            raise RefusedError(409, ALREADY_EXISTS, WRITE.page)
        self._keepers.choose(request, keeper, entry, new=False)
        del kept[entry.name]
        entry.name, entry.value, entry.updated_at = name, value, self._clock()
        kept[name] = entry
        return no_content()

    def _remove(self, request: Request, variable: str, **where: str) -> Response:
        keeper = self._keepers.permitted(request, WRITE, where)
        if isinstance(keeper, Response):
            return keeper
        del self._keepers.vault(keeper).variables[self._entry(keeper, variable).name]
        return no_content()

    def _entry(self, keeper: Account | Repository, name: str) -> Entry:
        entry = self._keepers.vault(keeper).variables.get(name.upper())
        if entry is None:
            raise not_found(READ.page)
        return entry

    def _shown(self, entry: Entry, keeper: Account | Repository) -> dict[str, object]:
        return shown(entry, keeper, self._url(keeper)) | {"value": entry.value}

    def _url(self, keeper: Account | Repository) -> str:
        at = f"/orgs/{keeper.login}" if isinstance(keeper, Account) else f"/repos/{keeper.full_name}"
        return self._views.url(f"{at}/actions/variables")
