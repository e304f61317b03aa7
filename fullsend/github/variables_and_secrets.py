"""Read and write the Actions variables and secrets of one holder: an organization or a repository.

GitHub REST: "Actions variables", "Actions secrets". The endpoints of both kinds differ only in the path.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fullsend.github import answers
from fullsend.github.api import GitHubApi
from fullsend.github.github_errors import is_limit, refusal, unreachable, unreadable
from fullsend.github.sealed_box import sealed
from fullsend.github.slots import Kind, Slot, Stored
from fullsend.net.failures import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Collection

    from fullsend.github.credentials import Credentials
    from fullsend.net.answer import Answer

MAX_PAGES = 100
PAGE = {Kind.VARIABLE: 30, Kind.SECRET: 100}
"""The largest page GitHub gives of either list."""


def connect(credentials: Credentials) -> GitHubApi:
    """Return the API for an operator's token."""
    return GitHubApi(credentials.api_url)


class Store:
    """The Actions variables and secrets of one holder: an organization, or `owner/repo`."""

    def __init__(self, api: GitHubApi, holder: str, credentials: Credentials) -> None:
        self.holder = holder
        self._api = api
        self._credentials = credentials
        self._base = f"/repos/{holder}" if "/" in holder else f"/orgs/{holder}"

    def look(self) -> tuple[str, tuple[str, ...] | None]:
        """Return the holder's name as GitHub writes it, and the token's scopes (None unless it is a classic one).

        Raises GitHubError.
        """
        doing = f"show {self.holder}"
        answer = self._call("GET", self._base, doing, accept={HTTPStatus.MOVED_PERMANENTLY})
        new_place = answer.headers.get("location", "")
        # Attack: a redirect must not send the token to another server.
        if answer.status == HTTPStatus.MOVED_PERMANENTLY and new_place.startswith(f"{self._api.api_url}/"):
            answer = self._call("GET", new_place.removeprefix(self._api.api_url), doing)
        name = self._text(answer, "full_name" if "/" in self.holder else "login")
        scopes = answer.headers.get("x-oauth-scopes")
        return name, None if scopes is None else tuple(scope.strip() for scope in scopes.split(","))

    def read(self, kind: Kind) -> dict[Slot, Stored]:
        """Return every variable or secret there is. Raises GitHubError."""
        found: dict[Slot, Stored] = {}
        for number in range(1, MAX_PAGES + 1):
            path = f"{self._list(kind)}?per_page={PAGE[kind]}&page={number}"
            answer = self._call("GET", path, f"list the {kind}s of {self.holder}")
            try:
                listed = answers.page(answer.json(), self.holder, kind)
            except ValueError:
                raise unreadable(self._api.api_url) from None
            found |= listed.entries
            if len(found) >= listed.total or not listed.entries:
                break
        return found

    def write(self, slot: Slot, value: str, *, new: bool) -> None:
        """Write a value under a name. Raises GitHubError."""
        doing = f"write the {slot}"
        if slot.kind is Kind.SECRET:
            self._seal(slot.name, value, doing)
        elif not (new and self._create(slot.name, value, doing)):
            # Without a visibility in the body, an organization's variable keeps its present visibility.
            body = {"name": slot.name, "value": value}
            self._call("PATCH", self._one(slot.kind, slot.name), doing, body=body)

    def create(self, slot: Slot, value: str) -> bool:
        """Create a variable; False when it exists already. Raises GitHubError."""
        return self._create(slot.name, value, f"create the {slot}")

    def remove(self, slot: Slot) -> None:
        """Remove a name; a missing name counts as removed. Raises GitHubError."""
        gone = {HTTPStatus.NOT_FOUND}
        self._call("DELETE", self._one(slot.kind, slot.name), f"remove the {slot}", accept=gone)

    def may_write(self, kind: Kind) -> bool:
        """Return whether the token may write here, without writing. Raises GitHubError.

        GitHub checks permissions first: removing a missing name gets 404 with the permission and 403 without it.
        """
        name = f"FULLSEND_PROBE_{secrets.token_hex(8).upper()}"
        doing = f"say whether {self.holder} may be changed"
        either = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
        answer = self._call("DELETE", self._one(kind, name), doing, accept=either)
        if is_limit(answer):
            raise refusal(answer, doing, self.holder, self._credentials)
        return answer.status != HTTPStatus.FORBIDDEN

    def _seal(self, name: str, value: str, doing: str) -> None:
        key = self._call("GET", f"{self._list(Kind.SECRET)}/public-key", doing)
        try:
            encrypted = sealed(self._text(key, "key"), value)
        except ValueError:
            raise unreadable(self._api.api_url) from None
        body = {"encrypted_value": encrypted, "key_id": self._text(key, "key_id")}
        self._call("PUT", self._one(Kind.SECRET, name), doing, body=body)

    def _create(self, name: str, value: str, doing: str) -> bool:
        """Create a variable; False if it exists meanwhile."""
        body = {"name": name, "value": value} | ({} if "/" in self.holder else {"visibility": "all"})
        exists = {HTTPStatus.CONFLICT}
        answer = self._call("POST", self._list(Kind.VARIABLE), doing, body=body, accept=exists)
        return answer.status != HTTPStatus.CONFLICT

    def _call(
        self, method: str, path: str, doing: str, *, body: Any = None, accept: Collection[int] = ()
    ) -> Answer:
        """Send a call; each may be repeated, because writing and removing twice ends in the same state.

        Rate limits are reported immediately, because the wait may be an hour. Raises GitHubError for a refusal that
        is not in `accept`.
        """
        token = self._credentials.token.reveal()
        try:
            answer = self._api.call(method, path, token, json=body, again=_failed)
        except NoAnswerError as error:
            raise unreachable(error, self._api.api_url) from error
        if answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status in accept:
            return answer
        raise refusal(answer, doing, self.holder, self._credentials)

    def _text(self, answer: Answer, name: str) -> str:
        try:
            return answers.text(answer.json(), name)
        except ValueError:
            raise unreadable(self._api.api_url) from None

    def _list(self, kind: Kind) -> str:
        return f"{self._base}/actions/{kind}s"

    def _one(self, kind: Kind, name: str) -> str:
        return f"{self._list(kind)}/{quote(name, safe='')}"


def _failed(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR
