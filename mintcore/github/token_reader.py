"""Read from GitHub with one installation token that was made for a look-up.

GitHub may refuse a fresh token with 401 or 404 for a few seconds. A 404 also means "does not exist", so it counts
only once GitHub has accepted the token. The token is dropped after the look-up; it expires within the hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import GitHubUnavailable, UpstreamTimeout
from mintcore.github.client import API_VERSION
from mintcore.github.refusals import is_not_found, no_answer, refusal
from mintcore.outbound.answer import OutboundError

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.policy.names import Org
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

_OK = 200
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_PAUSES = (0.5, 1.0, 2.0)
_RESERVE_SECONDS = 1.0


class TokenReader:
    """Sends GET requests with ``token``. ``probe`` is a path that a token in use can read."""

    def __init__(
        self, channel: Channel, clock: Clock, token: Secret, *, probe: str, context: RequestContext
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._token = token
        self._probe = probe
        self._context = context
        self.accepted = False
        """Whether GitHub has accepted the token: from then on a 404 means "does not exist"."""

    def find(self, path: str, *, doing: str, org: Org) -> Answer | None:
        """Return GitHub's answer of status 200, ``None`` if GitHub does not find it.

        ``doing`` and ``org`` are for the error sentence. Raises the failure from :func:`refusal`, GitHubUnavailable
        or UpstreamTimeout.
        """
        answer = self._get(path)
        if is_not_found(answer):
            return None
        if answer.status != _OK:
            raise refusal(answer, doing=doing, org=org, now=self._clock.now())
        return answer

    def _get(self, path: str) -> Answer:
        answer = self._send(path)
        for pause in _PAUSES:
            if self.accepted or answer.status not in {_UNAUTHORIZED, _NOT_FOUND}:
                break
            if answer.status == _NOT_FOUND and self._send(self._probe).status == _OK:
                answer = self._send(path)
                break
            if self._context.deadline.remaining() < pause + _RESERVE_SECONDS:
                raise UpstreamTimeout(detail="GitHub did not accept the token of a look-up in time")
            self._clock.sleep(pause)
            answer = self._send(path)
        if answer.status == _UNAUTHORIZED:
            raise GitHubUnavailable(detail="GitHub refuses the token that it made for a look-up")
        return answer

    def _send(self, path: str) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token.reveal()}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        try:
            answer = self._channel.send("GET", path, headers=headers, body=None, context=self._context)
        except OutboundError as error:
            raise no_answer(error) from None
        self.accepted = self.accepted or answer.status == _OK
        return answer
