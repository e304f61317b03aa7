"""Record the requests and answers of a loopback service, for tests and benchmarks.

The record has request bodies and headers with their secrets, so it is never printed.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the status it got; `status` is None when the connection was dropped unanswered."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    status: int | None
    at: float
    """Seconds since the epoch by the service's own clock."""


class Traffic:
    """A growing, thread-safe list of exchanges; `clear` it in long runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    def record(self, exchange: Exchange) -> None:
        """Add one exchange; it is there before its client reads the answer."""
        with self._lock:
            self._exchanges.append(exchange)

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._exchanges.clear()

    def matching(self, *, path_prefix: str = "/", method: str | None = None) -> list[Exchange]:
        """Return the exchanges so far whose path begins with `path_prefix`, oldest first."""
        return [e for e in self if e.path.startswith(path_prefix) and method in (None, e.method)]

    def count(self, *, path_prefix: str = "/", method: str | None = None) -> int:
        """How many exchanges so far have a path that begins with `path_prefix`."""
        return len(self.matching(path_prefix=path_prefix, method=method))

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(list(self._exchanges))

    def __len__(self) -> int:
        with self._lock:
            return len(self._exchanges)
