"""Store Actions secrets of repositories and organizations: written as sealed boxes, never read back.

GitHub REST: "Actions secrets", "Encrypting secrets for the REST API".
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

READ = Need("secrets", "read", "/actions/secrets")
WRITE = READ._replace(level="write")


class SecretEndpoints:
    """The public key, and the names of the secrets sealed for it."""

    def __init__(self, parts: Parts, holders: Holders) -> None:
        self._holders = holders
        self._views = parts.views
        self._clock = parts.clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        one = "/actions/secrets/<secret>"
        return [
            *below_holder("GET", "/actions/secrets", self._list),
            *below_holder("GET", "/actions/secrets/public-key", self._public_key),
            *below_holder("GET", one, self._show),
            *below_holder("PUT", one, self._write),
            *below_holder("DELETE", one, self._remove),
        ]

    def _list(self, request: Request, **where: str) -> Response:
        holder = self._holders.permitted(request, READ, where)
        if isinstance(holder, Response):
            return holder
        kept = self._holders.store(holder).secrets
        url = self._url(holder)
        page, headers = page_of(request, [kept[name] for name in sorted(kept)], url)
        listed = [shown(entry, holder, url) for entry in page]
        return answer({"total_count": len(kept), "secrets": listed}, headers=headers)

    def _public_key(self, request: Request, **where: str) -> Response:
        holder = self._holders.permitted(request, READ, where)
        if isinstance(holder, Response):
            return holder
        store = self._holders.store(holder)
        return answer({"key_id": store.key_id, "key": store.public_key})

    def _show(self, request: Request, secret: str, **where: str) -> Response:
        holder = self._holders.permitted(request, READ, where)
        if isinstance(holder, Response):
            return holder
        entry = self._holders.store(holder).secrets.get(secret.upper())
        if entry is None:
            raise not_found(READ.page)
        return answer(shown(entry, holder, self._url(holder)))

    def _write(self, request: Request, secret: str, **where: str) -> Response:
        holder = self._holders.permitted(request, WRITE, where)
        if isinstance(holder, Response):
            return holder
        name = checked_name(secret, "Secret")
        body = json_object(request)
        sealed, key_id = required_text(body, "encrypted_value"), required_text(body, "key_id")
        store = self._holders.store(holder)
        try:
            value = checked_value(store.open(sealed))
        except ValueError as problem:
            raise RefusedError(422, "Bad request - improperly encrypted secret", WRITE.page) from problem
        if key_id != store.key_id:
            raise RefusedError(422, "Bad request - key_id is not that of the current public key", WRITE.page)
        present = store.secrets.get(name)
        entry = present or Entry(name, value, self._clock(), self._clock())
        self._holders.choose(request, holder, entry, new=present is None)
        entry.value, entry.updated_at = value, self._clock()
        store.secrets[name] = entry
        return answer({}, 201) if present is None else no_content()

    def _remove(self, request: Request, secret: str, **where: str) -> Response:
        holder = self._holders.permitted(request, WRITE, where)
        if isinstance(holder, Response):
            return holder
        if self._holders.store(holder).secrets.pop(secret.upper(), None) is None:
            raise not_found(WRITE.page)
        return no_content()

    def _url(self, holder: Account | Repository) -> str:
        at = f"/orgs/{holder.login}" if isinstance(holder, Account) else f"/repos/{holder.full_name}"
        return self._views.url(f"{at}/actions/secrets")
