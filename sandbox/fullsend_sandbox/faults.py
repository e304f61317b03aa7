"""Define the faults that a test can put on a loopback service, and the list of active faults.

A fault handles a request before the service sees it. A wrong clock is not a fault but a property of the service:
see `clock.AdjustableClock`.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from werkzeug.wrappers import Request, Response

Answer = Callable[[], Response]


class Fault(Protocol):
    """A fault, which replaces or changes an answer."""

    def apply(self, answer: Answer, stopping: threading.Event) -> Response | None:
        """Return the response to send, or None to close the connection without one.

        `answer` returns the service's normal answer; `stopping` is set when the service stops.
        """


@dataclass(frozen=True)
class Slow:
    """Wait, then answer normally."""

    seconds: float

    def apply(self, answer: Answer, stopping: threading.Event) -> Response | None:
        """Wait first; a service that stops meanwhile drops the connection."""
        return None if stopping.wait(self.seconds) else answer()


@dataclass(frozen=True)
class Trickle:
    """Answer normally, but spread the body over `seconds`, so that no single read is slow."""

    seconds: float

    def apply(self, answer: Answer, stopping: threading.Event) -> Response | None:
        """Send the headers at once and the body in pieces."""
        response = answer()
        body = response.get_data()
        size = max(1, len(body) // 50)
        pieces = [body[start : start + size] for start in range(0, len(body), size)]

        def drip() -> Iterator[bytes]:
            for piece in pieces:
                if stopping.wait(self.seconds / len(pieces)):
                    return
                yield piece

        slow = Response(drip(), status=response.status_code, headers=response.headers)
        slow.headers["Content-Length"] = str(len(body))
        return slow


@dataclass(frozen=True)
class Fail:
    """Answer with this status, body and headers, without calling the service."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def apply(self, answer: Answer, stopping: threading.Event) -> Response:  # noqa: ARG002
        """Answer in the service's place."""
        response = Response(self.body, status=self.status, content_type="application/json; charset=utf-8")
        response.headers.update(self.headers)
        return response


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer."""

    def apply(self, answer: Answer, stopping: threading.Event) -> None:
        """Answer nothing."""


@dataclass(frozen=True)
class Garbage:
    """Answer 200 with an HTML page where JSON is expected."""

    def apply(self, answer: Answer, stopping: threading.Event) -> Response:  # noqa: ARG002
        """Answer as a captive portal would."""
        return Response("<!doctype html><title>Welcome</title><p>Please sign in.", content_type="text/html")


@dataclass(frozen=True)
class Huge:
    """Answer 200 with well-formed JSON of this many bytes."""

    size: int = 10_000_000

    def apply(self, answer: Answer, stopping: threading.Event) -> Response:  # noqa: ARG002
        """Answer with one long string in an object."""
        head, tail = b'{"padding":"', b'"}'
        padding = b"x" * max(0, self.size - len(head) - len(tail))
        return Response(head + padding + tail, content_type="application/json")


@dataclass
class _Rule:
    fault: Fault
    path: str | re.Pattern[str]
    method: str | None
    left: int | None

    def matches(self, request: Request) -> bool:
        if self.left == 0 or self.method not in (None, request.method):
            return False
        if isinstance(self.path, str):
            return request.path.startswith(self.path)
        return self.path.search(request.path) is not None


class Faults:
    """The active faults of one service; thread-safe. The first that matches a request is applied."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []

    def add(
        self,
        fault: Fault,
        path: str | re.Pattern[str] = "/",
        *,
        method: str | None = None,
        times: int | None = None,
    ) -> None:
        """Add a fault for paths that begin with `path` (or match the pattern), for `times` requests."""
        with self._lock:
            self._rules.append(_Rule(fault, path, method, times))

    def clear(self) -> None:
        """Remove all faults; requests that already wait continue to wait."""
        with self._lock:
            self._rules.clear()

    def match(self, request: Request) -> Fault | None:
        """Return the fault for this request, counted down, or None."""
        with self._lock:
            for rule in self._rules:
                if rule.matches(request):
                    if rule.left is not None:
                        rule.left -= 1
                    return rule.fault
        return None
