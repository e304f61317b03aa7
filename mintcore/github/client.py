"""Call GitHub as an App, with the App's JWT.

If GitHub refuses the JWT, the mint corrects its clock or reads the key again, and repeats the call.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mintcore.cache import ExpiringCache
from mintcore.errors import MintError, UpstreamTimeout
from mintcore.github.refusals import no_answer, refusal
from mintcore.outbound.answer import OutboundError, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.clock import Clock
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.policy.names import Org
    from mintcore.policy.roles import App
    from mintcore.ports import AppAssertions
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

# GitHub describes each of up to 500 repositories in five to twelve kilobytes.
MAX_ANSWER = 8 * 1024 * 1024
API_VERSION = "2022-11-28"
INSTALL_PAGE_SECONDS = 3600.0
NO_INSTALL_PAGE_SECONDS = 15.0

_OK = 200
_UNAUTHORIZED = 401
# The JWT of the request, and one that a helper has signed meanwhile, perhaps with the same key.
_MAX_REFUSALS = 2


class AppClient:
    """Calls with an App's JWT."""

    def __init__(self, channel: Channel, assertions: AppAssertions, clock: Clock) -> None:
        self._channel = channel
        self._assertions = assertions
        self._clock = clock
        self._install_pages = ExpiringCache["App", str](
            "install_page",
            clock=clock,
            fresh_for=lambda page: INSTALL_PAGE_SECONDS if page else NO_INSTALL_PAGE_SECONDS,
            hold_failure_seconds=0.0,
            max_entries=256,
            slow=lambda: UpstreamTimeout(detail="waited for the App's page until the time ran out"),
        )

    def call(
        self, app: App, method: str, path: str, context: RequestContext, body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Return GitHub's answer. Raises GitHubUnavailable, UpstreamTimeout or a key's failure."""
        assertion = self._assertions.assertion(app, context)
        answer = self._send(assertion, method, path, context, body)
        for _ in range(_MAX_REFUSALS):
            if answer.status != _UNAUTHORIZED:
                break
            corrected = self._assertions.correct_clock(answer.headers.get("date", ""))
            anew = corrected or self._assertions.refused(app, assertion)
            assertion = self._assertions.assertion(app, context)
            answer = self._send(assertion, method, path, context, body)
            if anew:
                break
        return answer

    def sign(self, app: App, context: RequestContext) -> None:
        """Prepare an App JWT, which a remote key store may have to sign. Raises a key's failure."""
        self._assertions.assertion(app, context)

    def connect(self, context: RequestContext) -> None:
        """Open a connection to GitHub for the next call, unless one is idle. Raises like :meth:`call`."""
        try:
            self._channel.connect(context)
        except OutboundError as error:
            raise no_answer(error) from None

    def revoke(self, token: Secret, context: RequestContext) -> int:
        """Return the status of a request to revoke ``token``. Raises GitHubUnavailable or UpstreamTimeout."""
        return self._send(token, "DELETE", "/installation/token", context, None).status

    def refusal(self, answer: Answer, *, doing: str, org: Org) -> MintError:
        """Return the failure for an answer that is neither a success nor a documented negative answer."""
        return refusal(answer, doing=doing, org=org, now=self._clock.now(), api_host=self._channel.host)

    def _send(
        self, credential: Secret, method: str, path: str, context: RequestContext, body: Mapping[str, Any] | None
    ) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {credential.reveal()}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        sent = None
        if body is not None:
            sent = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            return self._channel.send(method, path, headers=headers, body=sent, context=context)
        except OutboundError as error:
            raise no_answer(error) from None

    def install_page(self, app: App, context: RequestContext) -> str:
        """Return the URL of the App's install page, empty if GitHub does not send it (GitHub REST: Get the app).

        Cached: requests for organizations without the App must not spend the App's quota.
        """
        try:
            return self._install_pages.get(app, lambda: self._ask_for_page(app, context), context)
        except MintError:
            return ""

    def _ask_for_page(self, app: App, context: RequestContext) -> str:
        try:
            answer = self.call(app, "GET", "/app", context)
            page = answer.json_object().get("html_url") if answer.status == _OK else None
        except (MintError, Unusable):
            return ""
        return f"{page}/installations/new" if isinstance(page, str) and page.startswith("https://") else ""
