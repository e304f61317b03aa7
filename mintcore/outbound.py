"""The only place that opens connections: time budget, retries, size caps, no redirects.

Its engine is urllib3, which also carries ``requests``: on the minting path the layers above it cost as much
again as the call (docs/adr/0004). What an answer means is decided by who asked; here a call either has an
answer or fails with an :class:`OutboundError`, whose text is for the log and holds no header and no body.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import (
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from mintcore.version import VERSION

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

    from mintcore.ports import Attempt, Clock

USER_AGENT = f"fullsend-mint/{VERSION}"
LARGEST_ANSWER = 1024 * 1024
CONNECT_SECONDS = 5.0

_TRIES = 3
_FIRST_WAIT_SECONDS = 0.1
# 500 is here because GitHub means "once more" by it, and because every call sent from here can be repeated
# without harm: at worst a token is created that nobody learns.
_PASSING_STATUSES = frozenset({500, 502, 503, 504})
_TOO_MANY_REQUESTS = 429


class OutboundError(Exception):
    """A call that has no answer; the text says why, for the log."""


class Unreachable(OutboundError):
    """No connection, or one that broke."""


class TooSlow(OutboundError):
    """No answer within the request's budget."""


class Unusable(OutboundError):
    """An answer that is too large, or is not the JSON it should be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said. Not to be logged whole: the body may be a token."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises Unusable."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Unusable(f"status {self.status} with {len(self.body)} bytes that are no JSON object")
        return value

    def retry_after(self) -> float | None:
        """Return the seconds of ``Retry-After`` where it has that form (RFC 9110 §10.2.3)."""
        text = self.headers.get("Retry-After", "")
        return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None  # noqa: PLR2004


class Outbound:
    """Makes channels to services, all with the same manners.

    ``connections`` is how many calls to one service may be under way without a connection being thrown away
    afterwards: the number of serving threads. ``proxy_url`` is used for ``https`` where the operator asked
    for a proxy; ambient proxy variables are never read.
    """

    def __init__(self, clock: Clock, *, connections: int, proxy_url: str = "") -> None:
        self._clock = clock
        manners: dict[str, Any] = {"maxsize": connections, "block": False, "retries": False}
        self._direct = urllib3.PoolManager(**manners)
        self._proxied = urllib3.ProxyManager(proxy_url, **manners) if proxy_url else self._direct

    def channel(self, service: str, base_url: str) -> Channel:
        """Return a channel to ``base_url`` (scheme, host and path prefix); ``service`` names it in the logs."""
        parts = urlsplit(base_url)
        manager = self._proxied if parts.scheme == "https" else self._direct
        pool = manager.connection_from_url(f"{parts.scheme}://{parts.netloc}")
        return Channel(service, pool, parts.path.rstrip("/"), self._clock)


class Channel:
    """Calls to one service."""

    def __init__(self, service: str, pool: HTTPConnectionPool, prefix: str, clock: Clock) -> None:
        self.service = service
        self._pool = pool
        self._prefix = prefix
        self._clock = clock

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        attempt: Attempt,
        repeat_answers: bool = True,
    ) -> Answer:
        """Return the service's answer, whatever its status.

        Connection errors, 5xx and a 429 whose Retry-After leaves half the budget are tried again, three times
        in all; with ``repeat_answers`` off only the first of these, and any answer is the answer. Raises
        Unreachable, TooSlow or Unusable.
        """
        for left in reversed(range(_TRIES)):
            try:
                answer = self._once(method, path, headers, body, attempt)
            except Unreachable:
                wait = self._backoff(left)
                if not left or wait >= attempt.deadline.remaining():
                    raise
            else:
                again = self._wait_for(answer, left, attempt) if repeat_answers else None
                if again is None:
                    return answer
                wait = again
            self._clock.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, attempt: Attempt
    ) -> Answer:
        remaining = attempt.deadline.remaining()
        if remaining <= 0:
            raise TooSlow(f"{self.service}: the request's time ran out")
        calls = attempt.upstream_calls
        calls[self.service] = calls.get(self.service, 0) + 1
        try:
            response = self._pool.urlopen(
                method,
                self._prefix + path,
                body=body,
                headers={"User-Agent": USER_AGENT, **headers},
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, remaining), read=remaining),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            return Answer(response.status, response.headers, self._read(response, attempt))
        except ReadTimeoutError:
            raise TooSlow(f"{self.service}: no answer in {remaining:.1f} s") from None
        except (Urllib3TimeoutError, NewConnectionError, ProtocolError) as error:
            raise Unreachable(f"{self.service}: {_named(error)}") from None
        except SSLError as error:
            raise Unreachable(f"{self.service}: TLS: {_named(error)}") from None
        except HTTPError as error:
            raise Unreachable(f"{self.service}: {_named(error)}") from None

    def _read(self, response: BaseHTTPResponse, attempt: Attempt) -> bytes:
        """Read the body piece by piece, so that neither its size nor its pace can hold us."""
        chunks: list[bytes] = []
        size = 0
        complete = False
        try:
            while chunk := self._next_chunk(response, attempt):
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    raise Unusable(f"{self.service}: an answer of more than {LARGEST_ANSWER} bytes")
                if attempt.deadline.remaining() <= 0:
                    raise TooSlow(f"{self.service}: the answer did not end in time")
            complete = True
        finally:
            if complete:
                response.release_conn()
            else:
                response.close()
        return b"".join(chunks)

    @staticmethod
    def _next_chunk(response: BaseHTTPResponse, attempt: Attempt) -> bytes:
        """Read on for as long as is left now, not for as long as was left when the call was sent."""
        sock: socket.socket | None = getattr(response.connection, "sock", None)
        if sock is not None:  # it is out of reach where the service closes after the answer
            sock.settimeout(max(0.001, attempt.deadline.remaining()))
        return response.read1(64 * 1024)

    def _wait_for(self, answer: Answer, left: int, attempt: Attempt) -> float | None:
        """Return how long to wait before the next try, ``None`` where this answer is the one."""
        if not left or answer.status not in _PASSING_STATUSES | {_TOO_MANY_REQUESTS}:
            return None
        wait = answer.retry_after()
        if wait is None and answer.status != _TOO_MANY_REQUESTS:
            wait = self._backoff(left)
        # A thread that waits serves nobody else: half the budget, then the caller had better wait itself.
        return None if wait is None or wait > attempt.deadline.remaining() / 2 else wait

    @staticmethod
    def _backoff(left: int) -> float:
        doublings = _TRIES - 1 - left
        spread = random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
        return _FIRST_WAIT_SECONDS * float(2**doublings) * spread


def _named(error: HTTPError) -> str:
    """Return the error's kind alone: its text can hold the URL or what was sent."""
    return type(error.__cause__ or error).__name__
