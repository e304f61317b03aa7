"""Run an HTTP proxy for gcloud, which puts a region before Cloud Run's host: `us-central1-127.0.0.1`.

No resolver knows that name, but a client with a proxy does not ask one. Passes requests on to the sandbox's
own services by their port, and to nothing else.
"""

import re
from collections.abc import Callable, Iterable

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.loopback import LoopbackService

ABSOLUTE = re.compile(r"http://(?:[a-z]+-[a-z]+\d+-)?127\.0\.0\.1:(\d{1,5})(/.*)?", re.DOTALL)


class Gateway(LoopbackService):
    """The proxy; an answer, a fault and the record of a request are the service's own."""

    def __init__(self, services: Callable[[], Iterable[LoopbackService]], *, clock: Clock) -> None:
        super().__init__("google-gateway", _refuse, clock=clock)
        self._services = services

    def answer(self, request: Request, body: bytes) -> Response | None:
        """Let the service answer that listens on the port of an absolute-form target (RFC 9112 §3.2.2)."""
        target = ABSOLUTE.fullmatch(str(request.environ["REQUEST_URI"]))
        service = None if target is None else self._by_port(int(target[1]))
        if target is None or service is None:
            return super().answer(request, body)
        path_and_query = target[2] or "/"
        environ = request.environ | {
            "REQUEST_URI": path_and_query,
            "PATH_INFO": ABSOLUTE.sub(lambda found: found[2] or "/", request.environ["PATH_INFO"]),
        }
        return service.answer(Request(environ), body)

    def _by_port(self, port: int) -> LoopbackService | None:
        return next((service for service in self._services() if service.port == port), None)


def _refuse(_request: Request) -> Response:
    return Response("The sandbox passes requests on to its own services only.\n", status=403)
