"""Serve the stable address of a Cloud Run service: check the caller, and choose the revision that answers.

The address stays the same for all revisions. It checks the public invoker as Cloud Run's front end does, and
distributes requests by the traffic split.
"""

import threading
from collections.abc import Callable, Sequence

import urllib3
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.loopback import LoopbackService

TIMEOUT = 60.0
WHOLE = 100
HOP_BY_HOP = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "date"}
)
FORBIDDEN = "Your client does not have permission to get URL <code>{path}</code> from this server."

Split = Sequence[tuple[str, int]]
"""URLs of revisions and their per cent."""


class FrontDoor(LoopbackService):
    """One service's address."""

    def __init__(
        self, name: str, *, is_public: Callable[[], bool], split: Callable[[], Split], clock: Clock
    ) -> None:
        super().__init__(name, self._ask, clock=clock)
        self._is_public = is_public
        self._split = split
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(TIMEOUT), maxsize=32)
        self._lock = threading.Lock()
        self._dealt = 0

    def stop(self) -> None:
        """Close the address."""
        super().stop()
        self._http.clear()

    def _ask(self, request: Request) -> Response:
        if not self._is_public():
            # Only Google's own token opens it; a GitHub token does not.
            status = 401 if "Authorization" in request.headers else 403
            return _page(status, FORBIDDEN.format(path="/"))
        url = self._choose()
        if url is None:
            return _page(503, "The service you requested is not available yet.")
        return self._forward(url, request)

    def _choose(self) -> str | None:
        split = self._split()
        with self._lock:
            self._dealt = (self._dealt + 37) % WHOLE  # coprime to 100: each hundred requests split exactly
            left = self._dealt
        for url, percent in split:
            if left < percent:
                return url
            left -= percent
        return None

    def _forward(self, url: str, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers |= {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
        try:
            answer = self._http.request(
                request.method,
                url + request.environ["REQUEST_URI"],
                body=request.get_data(),
                headers=headers,
                redirect=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, ValueError):
            return _page(503, "The server could not be reached. Please try again later.")
        response = Response(answer.data, status=answer.status)
        response.headers.clear()
        for name, value in answer.headers.items():
            if name.lower() not in HOP_BY_HOP:
                response.headers.add(name, value)
        return response


def _page(status: int, text: str) -> Response:
    body = f"<html><head><title>{status}</title></head><body><h1>Error</h1><h2>{text}</h2></body></html>"
    return Response(body, status=status, content_type="text/html; charset=UTF-8")
