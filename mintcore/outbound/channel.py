"""Call other services with a deadline, retries and size limits, without following redirects.

google-auth, Redis and OpenTelemetry make their own calls; every other call goes through here.
:mod:`mintcore.outbound.connections` connects, :mod:`mintcore.outbound.http1` speaks HTTP (docs/adr/0004), and
:mod:`mintcore.outbound.answer` lists the results of a call. The caller interprets the answer.
"""

from __future__ import annotations

import random
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mintcore.outbound.answer import Answer, DeadlineExceeded, RouteRefused, Unreachable, Unusable
from mintcore.outbound.connections import UNHEARD_SECONDS, ConnectError, Connections, parse_proxy
from mintcore.outbound.http1 import BadAnswer, TooLarge, exchange, request_bytes
from mintcore.request import Deadline
from mintcore.version import VERSION

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from mintcore.clock import Clock
    from mintcore.outbound.http1 import RawAnswer
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

USER_AGENT = f"fullsend-mint/{VERSION}"
MAX_ANSWER = 1024 * 1024
CONNECT_SECONDS = 5.0

_TRIES = 3
_FIRST_WAIT_SECONDS = 0.1
# 500 is included because GitHub uses it for transient failures. Every call can be repeated safely: the worst case
# is a token that is created and never used.
_TRANSIENT_STATUSES = frozenset({408, 425, 500, 502, 503, 504})
_TOO_MANY_REQUESTS = 429


class Outbound:
    """Makes channels to services, all with the same rules.

    ``connections`` is how many idle connections per service stay open: the number of serving threads.
    ``proxy_url`` is used for ``https`` if the operator configured a proxy; ambient proxy variables are ignored.
    Certificates are checked against the system's authorities. ``jitter`` spreads the waits between tries.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        connections: int,
        proxy_url: Secret | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._connections = connections
        self._tls: ssl.SSLContext | None = None
        self._proxy = None if proxy_url is None else parse_proxy(proxy_url)

    def channel(self, service: str, base_url: str, *, max_answer_bytes: int = MAX_ANSWER) -> Channel:
        """Return a channel to ``base_url`` (scheme, host and path prefix); ``service`` names it in the logs."""
        if self._tls is None and urlsplit(base_url).scheme == "https":
            # Reading the authorities takes 25 ms, so a mint whose services are all on loopback skips it.
            self._tls = ssl.create_default_context()
        connections = Connections(
            base_url, self._clock, max_idle=self._connections, tls=self._tls, proxy=self._proxy
        )
        return Channel(
            service, connections, base_url, self._clock, max_answer_bytes=max_answer_bytes, jitter=self._jitter
        )


class Channel:
    """Calls to one service."""

    def __init__(
        self,
        service: str,
        connections: Connections,
        base_url: str,
        clock: Clock,
        *,
        max_answer_bytes: int,
        jitter: Callable[[], float],
    ) -> None:
        parts = urlsplit(base_url)
        self.service = service
        self._connections = connections
        self.host = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._clock = clock
        self._max_answer_bytes = max_answer_bytes
        self._jitter = jitter

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        context: RequestContext,
        repeat_answers: bool = True,
        meanwhile: Callable[[], None] | None = None,
    ) -> Answer:
        """Return the service's answer with any status.

        ``meanwhile`` is called at most once, while the service works on the first try. Connection errors, 408, 425,
        5xx, and a 429 whose Retry-After leaves half the time, are retried up to two times. Without
        ``repeat_answers`` only connection errors are retried. Raises Unreachable, RouteRefused, DeadlineExceeded or
        Unusable.
        """
        try:
            request = request_bytes(
                method, self._prefix + path, self.host, {"User-Agent": USER_AGENT, **headers}, body
            )
        except ValueError as error:
            raise Unusable(f"{self.service}: {error}") from None
        for tried in range(_TRIES - 1):
            try:
                answer = self._once(request, context, meanwhile if tried == 0 else None)
            except Unreachable:
                wait = self._backoff(tried)
                if wait >= context.deadline.remaining():
                    raise
            else:
                again = self._wait_for(answer, tried, context) if repeat_answers else None
                if again is None:
                    return answer
                wait = again
            self._clock.sleep(wait)
        return self._once(request, context)

    def connect(self, context: RequestContext) -> None:
        """Open a connection for the next call unless one is idle. Raises like :meth:`send`."""
        idle = self._connections.acquire()
        self._connections.release(self._connect(context) if idle is None else idle)

    @property
    def has_idle(self) -> bool:
        """Whether a connection is idle, so the next request is sent at once."""
        return self._connections.has_idle

    def _once(self, request: bytes, context: RequestContext, meanwhile: Callable[[], None] | None = None) -> Answer:
        """Return the answer over an idle connection, or over a new one if the idle one is missing or dead."""
        if context.deadline.remaining() <= 0:
            raise DeadlineExceeded(f"{self.service}: the request's deadline has passed")
        idle = self._connections.acquire()
        if idle is not None:
            try:
                return self._over(idle, request, context, meanwhile)
            except Unreachable:
                # Does not count as a failure of the service: servers and firewalls drop idle connections.
                self._connections.close_idle()
                return self._over(None, request, context)
            except DeadlineExceeded:
                self._connections.close_idle()
                raise
        return self._over(None, request, context, meanwhile)

    def _over(
        self,
        idle: socket.socket | None,
        request: bytes,
        context: RequestContext,
        meanwhile: Callable[[], None] | None = None,
    ) -> Answer:
        calls = context.upstream_calls
        calls[self.service] = calls.get(self.service, 0) + 1
        connection = idle or self._connect(context)
        reusable = False
        try:
            raw = self._exchange(connection, request, context, meanwhile)
            reusable = raw.reusable
        finally:
            if reusable:
                self._connections.release(connection)
            else:
                connection.close()
        return Answer(raw.status, raw.fields, raw.body)

    def _connect(self, context: RequestContext) -> socket.socket:
        remaining = context.deadline.remaining()
        try:
            return self._connections.open(Deadline(self._clock, min(CONNECT_SECONDS, remaining)))
        except ConnectError as error:
            if context.deadline.remaining() <= 0:
                raise DeadlineExceeded(f"{self.service}: {error} (waited {remaining:.1f} s)") from None
            raise (RouteRefused if error.lasting else Unreachable)(f"{self.service}: {error}") from None

    def _exchange(
        self,
        connection: socket.socket,
        request: bytes,
        context: RequestContext,
        meanwhile: Callable[[], None] | None,
    ) -> RawAnswer:
        try:
            return exchange(
                connection, request, context.deadline, max_bytes=self._max_answer_bytes, meanwhile=meanwhile
            )
        except TimeoutError as error:
            # TCP's own timeout has an errno and means that the connection is dead.
            if error.errno is not None:
                dead = f"{self.service}: {self.host} acknowledged nothing for {UNHEARD_SECONDS} s"
                raise Unreachable(dead) from None
            late = f"{self.service}: no answer from {self.host} in {context.deadline.seconds:.1f} s"
            raise DeadlineExceeded(late) from None
        except TooLarge:
            raise Unusable(f"{self.service}: an answer of more than {self._max_answer_bytes} bytes") from None
        except BadAnswer as error:
            raise Unreachable(f"{self.service}: {self.host} sent {error}") from None
        except OSError as error:
            raise Unreachable(f"{self.service}: the connection to {self.host} broke: {_cause(error)}") from None

    def _wait_for(self, answer: Answer, tried: int, context: RequestContext) -> float | None:
        """Return how long to wait before the next try, ``None`` to return this answer."""
        if answer.status not in _TRANSIENT_STATUSES | {_TOO_MANY_REQUESTS}:
            return None
        wait = answer.retry_after()
        if wait is None and answer.status != _TOO_MANY_REQUESTS:
            wait = self._backoff(tried)
        # A waiting thread serves no other request. If the wait takes over half the time, let the caller wait.
        return None if wait is None or wait > context.deadline.remaining() / 2 else wait

    def _backoff(self, tried: int) -> float:
        return _FIRST_WAIT_SECONDS * float(2**tried) * (0.5 + self._jitter())


def _cause(error: OSError) -> str:
    return error.strerror or type(error).__name__
