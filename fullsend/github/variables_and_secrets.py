"""Actions variables and secrets of one organization or repository, over PyGithub.

GitHub REST: "Actions variables", "Actions secrets"; the two kinds of keeper differ in their address only.
PyGithub's own `edit` resets an organization variable's visibility and its `delete_…` do not say when GitHub
refuses, so the calls go through its requester. It seals secrets with libsodium.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

import urllib3
from github import Auth, Github, GithubException, UnknownObjectException
from github.PublicKey import encrypt

from fullsend.github import answers
from fullsend.github.github_errors import FORBIDDEN, NOT_FOUND, explained, is_limit
from fullsend.github.slots import Kept, Kind, Slot
from mintcore.version import VERSION

if TYPE_CHECKING:
    from github.Requester import Requester

    from fullsend.github.credentials import Credentials

SECONDS = 20
MAX_PAGES = 100
PAGE = {Kind.VARIABLE: 30, Kind.SECRET: 100}
"""The largest page GitHub gives of either list."""
ALREADY_THERE = 409


def connect(credentials: Credentials) -> Requester:
    """Return the connection; server errors are tried again thrice, refusals and limits are reported at once."""
    return Github(
        auth=Auth.Token(credentials.token.reveal()),
        base_url=credentials.api_url,
        timeout=SECONDS,
        user_agent=f"fullsend/{VERSION}",
        # Every call here may be repeated: a variable that is there already is changed, one that is gone is gone.
        retry=urllib3.Retry(
            3,
            backoff_factor=0.5,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=None,
            raise_on_status=False,
            respect_retry_after_header=False,  # it may be an hour
        ),
        seconds_between_requests=None,
        seconds_between_writes=None,
    ).requester


class Store:
    """What Actions keeps for one keeper: an organization, or `owner/repo`."""

    def __init__(self, requester: Requester, keeper: str, credentials: Credentials) -> None:
        self.keeper = keeper
        self._requester = requester
        self._credentials = credentials
        self._base = f"/repos/{keeper}" if "/" in keeper else f"/orgs/{keeper}"

    def look(self) -> tuple[str, tuple[str, ...] | None]:
        """Return the keeper's name as GitHub writes it, and the token's scopes (None unless it is a classic one).

        Raises GitHubError.
        """
        with explained(f"show {self.keeper}", self.keeper, self._credentials):
            headers, data = self._requester.requestJsonAndCheck("GET", self._base)
            name = answers.text(data, "full_name" if "/" in self.keeper else "login")
        scopes = headers.get("x-oauth-scopes")
        return name, None if scopes is None else tuple(scope.strip() for scope in str(scopes).split(","))

    def read(self, kind: Kind) -> dict[Slot, Kept]:
        """Return every variable or secret there is. Raises GitHubError."""
        found: dict[Slot, Kept] = {}
        with explained(f"list the {kind}s of {self.keeper}", self.keeper, self._credentials):
            for page in range(1, MAX_PAGES + 1):
                where = {"per_page": PAGE[kind], "page": page}
                _, data = self._requester.requestJsonAndCheck("GET", self._list(kind), parameters=where)
                listed = answers.page(data, self.keeper, kind)
                found |= listed.entries
                if len(found) >= listed.total or not listed.entries:
                    break
        return found

    def write(self, slot: Slot, value: str, *, new: bool) -> None:
        """Put a value under a name. Raises GitHubError."""
        with explained(f"write the {slot}", self.keeper, self._credentials):
            if slot.kind is Kind.SECRET:
                self._seal(slot.name, value)
            elif not (new and self._create(slot.name, value)):
                # Without a visibility, who sees an organization's variable stays as somebody chose it.
                body = {"name": slot.name, "value": value}
                self._requester.requestJsonAndCheck("PATCH", self._one(slot.kind, slot.name), input=body)

    def create(self, slot: Slot, value: str) -> bool:
        """Create a variable; False when it exists already. Raises GitHubError."""
        with explained(f"create the {slot}", self.keeper, self._credentials):
            return self._create(slot.name, value)

    def remove(self, slot: Slot) -> None:
        """Remove a name; one that is gone already counts as removed. Raises GitHubError."""
        with explained(f"remove the {slot}", self.keeper, self._credentials):
            try:
                self._requester.requestJsonAndCheck("DELETE", self._one(slot.kind, slot.name))
            except UnknownObjectException:
                return

    def may_write(self, kind: Kind) -> bool:
        """Whether the token may write here, found out without writing. Raises GitHubError.

        GitHub looks at permissions first: to remove what does not exist is 404 for who may, 403 for who may not.
        """
        name = f"FULLSEND_PROBE_{secrets.token_hex(8).upper()}"
        with explained(f"say whether {self.keeper} may be changed", self.keeper, self._credentials):
            try:
                self._requester.requestJsonAndCheck("DELETE", self._one(kind, name))
            except GithubException as error:
                if error.status not in (FORBIDDEN, NOT_FOUND) or is_limit(error):
                    raise
                return error.status == NOT_FOUND
        return True

    def _seal(self, name: str, value: str) -> None:
        _, key = self._requester.requestJsonAndCheck("GET", f"{self._list(Kind.SECRET)}/public-key")
        sealed = encrypt(answers.text(key, "key"), value)
        body = {"encrypted_value": sealed, "key_id": answers.text(key, "key_id")}
        self._requester.requestJsonAndCheck("PUT", self._one(Kind.SECRET, name), input=body)

    def _create(self, name: str, value: str) -> bool:
        """Create a variable; False when it is there by now."""
        body = {"name": name, "value": value} | ({} if "/" in self.keeper else {"visibility": "all"})
        try:
            self._requester.requestJsonAndCheck("POST", self._list(Kind.VARIABLE), input=body)
        except GithubException as error:
            if error.status != ALREADY_THERE:
                raise
            return False
        return True

    def _list(self, kind: Kind) -> str:
        return f"{self._base}/actions/{kind}s"

    def _one(self, kind: Kind, name: str) -> str:
        return f"{self._list(kind)}/{quote(name, safe='')}"
