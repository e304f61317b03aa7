"""Answer requests about Actions variables of repositories and organizations.

GitHub REST: "Actions variables". Lists come in pages of 10, at most 30; names are kept in upper case.
"""

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.actions_stores import Entry
from fullsend_sandbox.github.answers import RefusedError, answer, not_found
from fullsend_sandbox.github.bodies import json_object, required_text
from fullsend_sandbox.github.holders import Holders, below_holder, checked_name, checked_value, no_content, shown
from fullsend_sandbox.github.needs import Need
from fullsend_sandbox.github.pages import page_of
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.state import Account, Repository
from fullsend_sandbox.routes import Route

READ = Need("actions_variables", "read", "/actions/variables")
WRITE = READ._replace(level="write")
PAGE = 10
MAX_PAGE = 30
ALREADY_EXISTS = "Already exists - Variable already exists"


class VariableEndpoints:
    """Lists, shows, creates, changes and removes variables."""

    def __init__(self, parts: Parts, holders: Holders) -> None:
        self._holders = holders
        self._views = parts.views
        self._clock = parts.clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        one = "/actions/variables/<variable>"
        return [
            *below_holder("GET", "/actions/variables", self._list),
            *below_holder("POST", "/actions/variables", self._create),
            *below_holder("GET", one, self._show),
            *below_holder("PATCH", one, self._change),
            *below_holder("DELETE", one, self._remove),
        ]

    def _list(self, request: Request, **where: str) -> Response:
        holder = self._holders.permitted(request, READ, where)
        if isinstance(holder, Response):
            return holder
        kept = self._holders.store(holder).variables
        entries = [kept[name] for name in sorted(kept)]
        url = self._url(holder)
        page, headers = page_of(request, entries, url, default=PAGE, largest=MAX_PAGE)
        variables = [self._shown(entry, holder) for entry in page]
        return answer({"total_count": len(entries), "variables": variables}, headers=headers)

    def _create(self, request: Request, **where: str) -> Response:
        holder = self._holders.permitted(request, WRITE, where)
        if isinstance(holder, Response):
            return holder
        body = json_object(request)
        name = checked_name(required_text(body, "name"), "Variable")
        value = checked_value(required_text(body, "value"))
        kept = self._holders.store(holder).variables
        if name in kept:
            raise RefusedError(409, ALREADY_EXISTS, WRITE.page)
        entry = Entry(name, value, self._clock(), self._clock())
        self._holders.choose(request, holder, entry, new=True)
        kept[name] = entry
        return answer({}, 201)

    def _show(self, request: Request, variable: str, **where: str) -> Response:
        holder = self._holders.permitted(request, READ, where)
        if isinstance(holder, Response):
            return holder
        return answer(self._shown(self._entry(holder, variable), holder))

    def _change(self, request: Request, variable: str, **where: str) -> Response:
        holder = self._holders.permitted(request, WRITE, where)
        if isinstance(holder, Response):
            return holder
        entry = self._entry(holder, variable)
        body = json_object(request)
        name = checked_name(required_text(body, "name"), "Variable") if "name" in body else entry.name
        value = checked_value(required_text(body, "value")) if "value" in body else entry.value
        kept = self._holders.store(holder).variables
        if name != entry.name and name in kept:
            raise RefusedError(409, ALREADY_EXISTS, WRITE.page)
        self._holders.choose(request, holder, entry, new=False)
        del kept[entry.name]
        entry.name, entry.value, entry.updated_at = name, value, self._clock()
        kept[name] = entry
        return no_content()

    def _remove(self, request: Request, variable: str, **where: str) -> Response:
        holder = self._holders.permitted(request, WRITE, where)
        if isinstance(holder, Response):
            return holder
        del self._holders.store(holder).variables[self._entry(holder, variable).name]
        return no_content()

    def _entry(self, holder: Account | Repository, name: str) -> Entry:
        entry = self._holders.store(holder).variables.get(name.upper())
        if entry is None:
            raise not_found(READ.page)
        return entry

    def _shown(self, entry: Entry, holder: Account | Repository) -> dict[str, object]:
        return shown(entry, holder, self._url(holder)) | {"value": entry.value}

    def _url(self, holder: Account | Repository) -> str:
        at = f"/orgs/{holder.login}" if isinstance(holder, Account) else f"/repos/{holder.full_name}"
        return self._views.url(f"{at}/actions/variables")
