"""Track the connections that wait for their client, and the bytes that they buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    a queue is in the order of its deadlines. ``buffered`` counts the bytes of all requests that no thread has
    taken.
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
        """Return the connection that the worker closes first at the limit."""
        for queue in (self.lingering, self.receiving, self.idle):
            for conn in queue:
                return conn
        return None

    def oldest_buffering(self) -> Connection | None:
        """Return the connection that has buffered a part of a request for the longest time."""
        return next((conn for conn in self.receiving if conn.buffered), None)


def _expired(queue: dict[Connection, None], now: float) -> Iterator[Connection]:
    for conn in queue:
        if conn.deadline > now:
            return
        yield conn
