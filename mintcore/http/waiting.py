"""Track the connections that wait for their client, and the bytes that they buffer."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mintcore.http.limits import KEEPALIVE_SECONDS, LINGER_SECONDS, REQUEST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.http.connection import Connection


_REPORT_SECONDS = 10.0


class EarlyCloses:
    """Counts connections that were closed without a whole request, and summarizes them in one log line.

    Attack: a flood of connections must not fill the log.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._next = 0.0

    def add(self, why: str) -> None:
        """Count one connection."""
        self._counts[why] = self._counts.get(why, 0) + 1

    def summary(self, now: float) -> str:
        """Return what to log at the monotonic time ``now``, empty for nothing."""
        if not self._counts or now < self._next:
            return ""
        counts, self._counts, self._next = self._counts, {}, now + _REPORT_SECONDS
        return ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))


class Waiting:
    """Connections that wait for their client, in three queues.

    ``receiving``: a request has begun, or the connection is new. ``idle``: between two requests. ``lingering``:
    answered and about to close; received bytes are dropped. All connections of a queue have the same time limit, so
    a queue is in the order of its deadlines. ``buffered`` counts the bytes of all requests that have no
    answer yet.
    """

    def __init__(self) -> None:
        self.receiving: dict[Connection, None] = {}
        self.idle: dict[Connection, None] = {}
        self.lingering: dict[Connection, None] = {}
        self.buffered = 0
        self.closed_early = EarlyCloses()

    def account(self, conn: Connection) -> None:
        """Note how many bytes the connection buffers now."""
        self.buffered += conn.buffered - conn.accounted
        conn.accounted = conn.buffered

    def answered(self, conn: Connection) -> None:
        """Stop counting the request of the connection."""
        conn.taken = 0
        self.account(conn)

    def linger(self, conn: Connection, deadline: float) -> None:
        """Wait until ``deadline`` for the client to close its side."""
        conn.deadline = deadline
        self.lingering[conn] = None
        self.account(conn)

    def remove(self, conn: Connection) -> None:
        """Take the connection out of its queue."""
        for queue in (self.receiving, self.idle, self.lingering):
            queue.pop(conn, None)

    def expired(self, now: float) -> list[Connection]:
        """Return the connections whose deadline has passed."""
        return [conn for queue in (self.receiving, self.idle, self.lingering) for conn in _expired(queue, now)]

    def shorten(self, deadline: float) -> None:
        """Let connections without a request wait only until ``deadline``."""
        for queue in (self.receiving, self.idle):
            for conn in queue:
                if not conn.buffered:
                    conn.deadline = min(conn.deadline, deadline)

    def oldest(self) -> Connection | None:
        """Return the connection that has waited longest: a newer one replaces it at the limit."""
        spans = (
            (self.receiving, REQUEST_SECONDS),
            (self.idle, KEEPALIVE_SECONDS),
            (self.lingering, LINGER_SECONDS),
        )
        heads = [(conn.deadline - span, conn) for queue, span in spans for conn in islice(queue, 1)]
        return min(heads, key=lambda head: head[0])[1] if heads else None

    def oldest_buffering(self) -> Connection | None:
        """Return the connection that has buffered a part of a request for the longest time."""
        return next((conn for conn in self.receiving if conn.buffered), None)


def _expired(queue: dict[Connection, None], now: float) -> Iterator[Connection]:
    for conn in queue:
        if conn.deadline > now:
            return
        yield conn
