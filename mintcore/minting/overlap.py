"""Use the time in which the final authority (Google STS) checks the caller: prepare the token request, or send it.

A token is requested early only if the authority has recently accepted the same repository (docs/adr/0042). The
caller gets it only if the authority accepts this request too; otherwise it is revoked before the answer. Preparing
a request grants nothing and discloses nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mintcore.errors import MintError
from mintcore.request import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from mintcore.policy.decision import Entitlement
    from mintcore.ports import Helpers, InstallationTokens
    from mintcore.request import DecisionRecord, InstallationToken, RequestContext

    Issue = Callable[[], InstallationToken]


class Overlap:
    """The work of one request while the authority checks its caller, and afterwards. Base class."""

    work: Callable[[], None] | None = None
    """The work of the request's own thread while the authority checks; ``None`` for no work."""

    def finish(self, issue: Issue) -> InstallationToken:
        """Return the token after the authority has accepted.

        ``issue`` requests a token. Raises as ``issue`` does.
        """
        return issue()

    def withdraw(self, record: DecisionRecord) -> None:
        """Revoke a token that was requested early, because the authority has refused, and note it in ``record``."""


class NoOverlap(Overlap):
    """Does nothing while the authority checks, and requests the token afterwards."""


class PreparedRequest(Overlap):
    """Prepares the token request in a helper thread."""

    def __init__(
        self, tokens: InstallationTokens, entitled: Entitlement, context: RequestContext, helpers: Helpers
    ) -> None:
        scope = Scope(entitled.permissions, entitled.repos, entitled.ids)

        def work() -> None:
            # The request itself meets the same failure later and reports it then.
            with suppress(MintError):
                tokens.prepare(entitled.app, entitled.target, scope, context)

        self._pending = helpers.start(work)

    def finish(self, issue: Issue) -> InstallationToken:
        """Return the token; see the base class."""
        if self._pending is not None:
            self._pending.result()
        return issue()


class EarlyToken(Overlap):
    """Requests the token in a helper thread."""

    def __init__(self, tokens: InstallationTokens, issue: Issue, helpers: Helpers) -> None:
        self._tokens = tokens
        self._issue = issue
        self._pending: Future[InstallationToken] | None = helpers.start(issue)

    def finish(self, issue: Issue) -> InstallationToken:  # noqa: ARG002 - the mint is counted already
        """Return the token; see the base class."""
        # Without a free thread, no token has been requested yet.
        return self._issue() if self._pending is None else self._pending.result()

    def withdraw(self, record: DecisionRecord) -> None:
        """Wait for the token, because it must not outlive the refusal, and revoke it."""
        if self._pending is None:
            return
        failure = self._pending.exception()
        _withdraw(self._tokens, record, None if failure else self._pending.result(), failure)


class InlineEarlyToken(Overlap):
    """Requests the token in the request's own thread, between the authority's request and its answer.

    A helper thread would cost a tenth of the CPU of a mint (docs/adr/0048).
    """

    def __init__(self, tokens: InstallationTokens, issue: Issue) -> None:
        self._tokens = tokens
        self._issue = issue
        self._tried = False
        self._issued: InstallationToken | None = None
        self._failure: Exception | None = None
        self.work = self._request

    def finish(self, issue: Issue) -> InstallationToken:  # noqa: ARG002 - the mint is counted already
        """Return the token; see the base class."""
        if not self._tried:  # the first try to reach the authority failed, so work() was not called
            return self._issue()
        if self._issued is None:
            raise self._failure or AssertionError
        return self._issued

    def withdraw(self, record: DecisionRecord) -> None:
        """Revoke the token, which must not outlive the refusal."""
        _withdraw(self._tokens, record, self._issued, self._failure)

    def _request(self) -> None:
        self._tried = True
        try:
            self._issued = self._issue()
        except Exception as failure:  # noqa: BLE001 - finish() raises it: the authority's result comes first
            self._failure = failure


def _withdraw(
    tokens: InstallationTokens,
    record: DecisionRecord,
    issued: InstallationToken | None,
    failure: BaseException | None,
) -> None:
    """Revoke the token that was issued. One that was not usable is revoked already, and ``failure`` tells."""
    if issued is not None:
        record.withdrawn = issued.token.hashed(), tokens.revoke(issued.token, record.context)
    elif isinstance(failure, MintError):
        record.withdrawn, record.early_failure = failure.withdrawn, failure
