"""Send one HTTP request over its own connection, limited in total time and size, without following redirects.

`mintcore.outbound.http1` writes and reads the bytes; its deadline covers head and body, even if they arrive slowly.
Each request opens a new connection, because after a failure on a reused one it is unknown whether the server has
received the request. A command makes few calls anyway. The caller interprets the answer.
"""

from __future__ import annotations

import json as json_codec
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fullsend.net.answer import Answer
from fullsend.net.connection import connect
from fullsend.net.failures import NoAnswerError, TooLargeError, UnusableRouteError, cause
from fullsend.net.origin import Origin
from fullsend.net.retry import Retry, RetryPolicy, is_retryable, repeat, retry_after
from fullsend.net.route import proxy_for, trusted_authorities
from mintcore.clock import CorrectedClock
from mintcore.outbound.http1 import BadAnswer, TooLarge, exchange, request_bytes
from mintcore.request import Deadline
from mintcore.version import VERSION

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Mapping

# GitHub describes each repository of a new token in kilobytes, and there may be 500.
MAX_BODY = 8 * 1024 * 1024
USER_AGENT = f"fullsend/{VERSION}"


@dataclass(frozen=True)
class Transport:
    """Sends requests through the environment's proxies, trusting its authorities."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    max_body: int = MAX_BODY

    def send(
        self,
        method: str,
        url: str,
        *,
        retry: RetryPolicy,
        again: Callable[[int], bool] = is_retryable,
        authorization: str = "",
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> Answer:
        """Send a request, and repeat it while `again` is true for the answer's status.

        Return the first other answer, or the last one when time or attempts run out. Raises `NoAnswerError` when
        the last attempt had no answer, `UnusableRouteError` without another attempt.
        """
        host = Origin.of(url).authority

        def attempt(seconds: float) -> Answer | Retry[Answer]:
            try:
                answer = self.exchange(
                    method, url, seconds=seconds, authorization=authorization, headers=headers, json=json
                )
            except UnusableRouteError:
                raise
            except NoAnswerError as error:
                return Retry(error, why=f"{error}.")
            if not again(answer.status):
                return answer
            return Retry(answer, retry_after(answer.headers), f"{host} answers {answer.status}.")

        return repeat(retry, attempt)

    def exchange(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        authorization: str = "",
        headers: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and return the whole answer with any status, within `seconds`.

        `authorization` is the header's value, for example `Bearer …`; `json` is encoded, `body` is sent unchanged.
        Raises `NoAnswerError`: no connection, no answer in time, more than `max_body` bytes, or invalid HTTP.
        """
        deadline = Deadline(CorrectedClock(), seconds)
        origin = Origin.of(url)
        proxy = proxy_for(origin, self.environ)
        fields = {"User-Agent": USER_AGENT, "Connection": "close", **(headers or {})}
        if authorization:
            fields["Authorization"] = authorization
        if json is not None:
            fields["Content-Type"] = "application/json"
            body = json_codec.dumps(json).encode()
        target = _target(url)
        if proxy is not None and not origin.secure:
            target = f"http://{origin.authority}{target}"  # RFC 9112 §3.2.2
            fields |= proxy.fields()
        if body is None and method in {"POST", "PUT", "PATCH"}:
            body = b""  # RFC 9110 §8.6: such a request has a Content-Length even without content
        try:
            request = request_bytes(method, target, origin.authority, fields, body)
        except ValueError:
            raise UnusableRouteError(
                f"the request to {origin.authority} has characters that HTTP cannot carry"
            ) from None
        connection = connect(origin, proxy, self._authorities if origin.secure else None, deadline)
        with connection:
            return _exchanged(connection, request, deadline, origin.authority, max_bytes=self.max_body)

    @cached_property
    def _authorities(self) -> ssl.SSLContext:
        return trusted_authorities(self.environ)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _exchanged(
    connection: socket.socket, request: bytes, deadline: Deadline, host: str, *, max_bytes: int
) -> Answer:
    try:
        raw = exchange(connection, request, deadline, max_bytes=max_bytes)
    except TimeoutError as error:
        raise NoAnswerError(f"{host} did not answer in time") from error
    except TooLarge as error:
        raise TooLargeError(f"{host} sent more than {max_bytes} bytes") from error
    except BadAnswer as error:
        raise NoAnswerError(f"{host} did not send a valid HTTP answer ({error})") from error
    except OSError as error:
        raise NoAnswerError(f"the connection to {host} broke ({cause(error)})") from error
    return Answer(raw.status, raw.fields, raw.body)
