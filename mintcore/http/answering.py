"""Pass a parsed request to the application, and send its answer in one piece.

gunicorn sends the head and the body of an answer separately. Each send releases the interpreter's lock, and all
threads compete for it (docs/adr/0048).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from gunicorn.http import wsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gunicorn.config import Config

    from mintcore.http.connection import Connection


class FixedSettings:
    """gunicorn's settings, looked up once: they do not change while the server runs."""

    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._cfg, name)
        self.__dict__[name] = value
        return value


class WholeAnswer(wsgi.Response):  # type: ignore[misc]
    """gunicorn's response, whose head and body are sent together."""

    response_length: int | None
    sent: int

    def send(self, body: bytes) -> None:
        """Send the answer with all of its body, which HEAD, 204 and 304 do not have (RFC 9110 §6.4.1)."""
        if self.response_length is None and not self._omits_body:
            self.response_length, self.chunked = len(body), False
            self.headers.append(("Content-Length", str(len(body))))
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head = f"{''.join(self.default_headers())}{fields}\r\n".encode("latin-1")
        self.headers_sent = True
        self.sock.sendall(head if self._omits_body else head + body)
        self.sent = 0 if self._omits_body else len(body)


def answer(
    req: Any,
    conn: Connection,
    settings: FixedSettings,
    application: Callable[[dict[str, Any], Any], Iterable[bytes]],
    log: Any,
    *,
    last: bool,
) -> bool:
    """Answer a parsed request; return whether the connection stays open. It closes after the ``last`` request."""
    began = datetime.now()  # noqa: DTZ005 - the logger takes the difference of two
    # Sent while the body was received.
    req._expected_100_continue = False  # noqa: SLF001 - gunicorn has no setting for it
    response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, settings, response_class=WholeAnswer)
    environ["wsgi.multithread"] = True
    if last:
        response.force_close()
    body = b"".join(application(environ, response.start_response))
    try:
        response.send(body)
    finally:
        log.access(response, req, environ, datetime.now() - began)  # noqa: DTZ005 - as above
    return not response.should_close()
