"""Know which accounts have an App, from GitHub's list (GitHub REST: List installations for the authenticated app).

After too many look-ups without a result, the mint looks up only accounts in this list. It reads the list at most
once a minute for each App, with one call for each hundred installations.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mintcore.cache import ExpiringCache
from mintcore.errors import GitHubUnavailable, UpstreamTimeout

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.github.client import AppClient
    from mintcore.outbound.answer import Answer
    from mintcore.policy.names import Org
    from mintcore.policy.roles import App
    from mintcore.request import RequestContext

LISTED_SECONDS = 60.0
PAGE = 100
MAX_PAGES = 30

_OK = 200
_HOLD_FAILURE_SECONDS = 5.0


class InstalledAccounts:
    """Knows which accounts have an App."""

    def __init__(self, client: AppClient, clock: Clock) -> None:
        self._client = client
        self._listed = ExpiringCache["App", "frozenset[str] | None"](
            "installed_accounts",
            clock=clock,
            fresh_for=lambda _logins: LISTED_SECONDS,
            hold_failure_seconds=_HOLD_FAILURE_SECONDS,
            max_entries=256,
            slow=lambda: UpstreamTimeout(detail="waited for the list of installations until the time ran out"),
        )

    def includes(self, app: App, org: Org, context: RequestContext) -> bool | None:
        """Return whether ``org`` has the App, ``None`` if the list is too long. Raises as a call does."""
        logins = self._listed.get(app, lambda: self._list(app, org, context), context)
        return None if logins is None else org.key in logins

    def _list(self, app: App, org: Org, context: RequestContext) -> frozenset[str] | None:
        logins: set[str] = set()
        for page in range(1, MAX_PAGES + 1):
            path = f"/app/installations?per_page={PAGE}&page={page}"
            answer = self._client.call(app, "GET", path, context)
            if answer.status != _OK:
                raise self._client.refusal(answer, doing="listing the App's installations", org=org)
            listed = _installations(answer)
            logins |= {login.lower() for login in map(_login, listed) if login}
            if len(listed) < PAGE:
                return frozenset(logins)
        return None


def _installations(answer: Answer) -> list[dict[str, Any]]:
    """Return the installations of a page. Raises GitHubUnavailable."""
    try:
        listed = json.loads(answer.body.decode())
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise GitHubUnavailable(detail="an unreadable list of installations")
    return listed


def _login(installation: dict[str, Any]) -> str:
    """Return the account's name; empty for an enterprise, which has no login, and for a deleted account."""
    account = installation.get("account")
    login = account.get("login") if isinstance(account, dict) else None
    return login if isinstance(login, str) else ""
