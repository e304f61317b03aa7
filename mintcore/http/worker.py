"""gunicorn's threaded worker, which receives each request completely before a thread takes it.

The serving thread reads from every connection without blocking, so a slow or silent client costs a buffer and not a
thread. Each wait for a client is bounded: for a request, for the next one, and for a client that still sends after
its answer. At the limit of connections or of buffered bytes the oldest waiting connection is closed.
"""

from __future__ import annotations

import contextlib
import errno
import queue
import selectors
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.workers.gthread import ThreadWorker

from mintcore.http.answering import FixedSettings, answer
from mintcore.http.connection import Connection
from mintcore.http.limits import (
    LINGER_SECONDS,
    MAX_BUFFERED,
    MAX_DROPPED,
    REQUEST_SECONDS,
    connections,
)
from mintcore.http.malformed import TIMEOUT, error_page, status_of
from mintcore.http.pool import Pool
from mintcore.http.waiting import Waiting

if TYPE_CHECKING:
    import socket

_ACCEPTED_AT_ONCE = 64
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class ReceivingWorker(ThreadWorker):  # type: ignore[misc]
    """Receives requests in the serving thread and answers them in the pool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting = Waiting()
        self._capacity = 0
        self._answered = queue.SimpleQueue[tuple[Connection, bool]]()
        self._told = False
        self._settings = FixedSettings(self.cfg)

    def init_process(self) -> None:
        """Serve until told to stop."""
        self._capacity = connections(self.cfg.threads)
        # At its own limit gunicorn would stop accepting, instead of closing the oldest connection.
        self.worker_connections = self._capacity + 1
        super().init_process()

    def get_thread_pool(self) -> Pool:
        """Return what answers requests."""
        return Pool(self.cfg.threads, self._answer)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        """Start or stop accepting connections; a stopping worker empties the queue first and then closes it."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            while self._accept_one(listener):
                pass
            listener.close()

    def accept(self, listener: socket.socket) -> None:
        """Accept waiting connections, at most a fixed number per call."""
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._accept_one(listener):
                return

    def _accept_one(self, listener: socket.socket) -> bool:
        try:
            sock, address = listener.accept()
        except OSError as error:
            # Otherwise the queue is empty, or accept(2) reports a network error of a client that is gone.
            if error.errno in _NO_ROOM:
                self._evict(self._waiting.oldest())
            return False
        if self.nr_conns >= self._capacity and not self._evict(self._waiting.oldest()):
            self._waiting.closed_early.add("over the limit")  # all others have a whole request in the pool
            sock.close()
            return True
        self.nr_conns += 1
        until = time.monotonic() + REQUEST_SECONDS
        conn = Connection(self._settings, sock, address, listener.getsockname(), deadline=until)
        self._waiting.receiving[conn] = None
        self._watch(conn)
        return True

    def _watch(self, conn: Connection) -> None:
        # Not for each request: a client rarely sends while a thread answers, and each change costs a system call.
        if not conn.watched:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))
            conn.watched = True

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            conn.watched = False
            with contextlib.suppress(OSError, KeyError, ValueError):
                self.poller.unregister(conn.sock)

    def _on_readable(self, conn: Connection, _sock: socket.socket) -> None:
        waiting = self._waiting
        if conn in waiting.receiving:
            self._receive(conn)
        elif conn in waiting.idle:
            del waiting.idle[conn]
            waiting.receiving[conn] = None
            conn.deadline = time.monotonic() + REQUEST_SECONDS
            self._receive(conn)
        elif conn in waiting.lingering:
            if not conn.discard(MAX_DROPPED):
                self._drop(conn)
        else:
            # A thread is answering, or the connection was closed in this round.
            self._unwatch(conn)

    def _receive(self, conn: Connection) -> None:
        try:
            whole = conn.receive()
        except OSError:
            self._drop(conn)
            return
        if whole:
            self._waiting.remove(conn)
            self._dispatch(conn)
            return
        self._waiting.account(conn)
        self._make_room()

    def _make_room(self) -> bool:
        """Close those that have held a part of a request longest; return whether that sufficed."""
        while self._waiting.buffered > MAX_BUFFERED and self._evict(self._waiting.oldest_buffering()):
            pass
        return self._waiting.buffered <= MAX_BUFFERED

    def _dispatch(self, conn: Connection) -> None:
        if not conn.reads_answers():
            self._waiting.closed_early.add("with unread answers")
            self._drop(conn)
            return
        conn.hand_over()
        self._waiting.account(conn)
        self.tpool.put(conn) if self._make_room() else self._evict(conn)

    def _answer(self, conn: Connection) -> None:
        """Answer one request; called in a thread of the pool."""
        keep = False
        try:
            keep = bool(self.handle(conn))
        except BaseException as error:  # noqa: BLE001 - a failed request must not end a thread of the pool
            self.log.error("the server failed on a request: %s", type(error).__name__)  # noqa: TRY400 - see handle_error
        self._answered.put((conn, keep))
        if not self._told:
            # One wake-up for all answers until the serving thread looks.
            self._told = True
            self.method_queue.defer(self._finish)

    def _finish(self) -> None:
        """Make each answered connection wait for its next request, or end it. Called in the serving thread."""
        self._told = False
        while not self._answered.empty():
            conn, keep = self._answered.get_nowait()
            self._waiting.answered(conn)
            if not keep or not conn.next_request():
                self._linger(conn)
            elif conn.ready():
                self._dispatch(conn)
            else:
                self._wait(conn)

    def _wait(self, conn: Connection) -> None:
        now = time.monotonic()
        if conn.buffered:
            queue, conn.deadline = self._waiting.receiving, now + REQUEST_SECONDS
        else:
            queue, conn.deadline = self._waiting.idle, now + (self.cfg.keepalive if self.alive else LINGER_SECONDS)
        queue[conn] = None
        self._watch(conn)

    def _linger(self, conn: Connection) -> None:
        try:
            conn.end()
        except OSError:
            self._drop(conn)
            return
        self._waiting.linger(conn, time.monotonic() + LINGER_SECONDS)
        self._watch(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's signature
        """Close the connections that have waited too long, or all that wait."""
        now = time.monotonic()
        for conn in self._waiting.expired(float("inf") if force else now):
            if conn in self._waiting.receiving:
                self._waiting.closed_early.add("too slow")
                if conn.buffered:
                    conn.say(error_page(TIMEOUT))
            self._drop(conn)
        if summary := self._waiting.closed_early.summary(now):
            self.log.warning("closed connections without a whole request: %s", summary)

    def murder_pending(self) -> None:
        """Do nothing: this worker has no connections of that kind."""

    def _cap_keepalive(self, deadline: float) -> None:
        self._waiting.shorten(deadline)

    def _evict(self, conn: Connection | None) -> bool:
        """Close a connection to make room for newer ones."""
        if conn is None:
            return False
        self._waiting.closed_early.add("over the limit")
        self._drop(conn)
        return True

    def _drop(self, conn: Connection) -> None:
        self._unwatch(conn)
        self._waiting.remove(conn)
        conn.close()
        self._waiting.account(conn)
        self.nr_conns -= 1

    def handle(self, conn: Connection) -> Any:
        """Answer one request in a thread of the pool."""
        if conn.head_too_long:
            self.handle_error(None, conn.sock, conn.client, LimitRequestHeaders("too long"))
            return False
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Answer a request that was parsed."""
        last = conn.closes or not self.alive
        return answer(req, conn, self._settings, self.wsgi, self.log, last=last)

    def handle_error(self, req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer in JSON after a parse error or a failure of the server."""
        # The exception's text quotes the request, which may hold a token, so only the exception's class is logged.
        kind, status = type(exc).__name__, status_of(req, exc)
        write = self.log.warning if status else self.log.error
        write("refused a malformed HTTP request: %s" if status else "the server failed on a request: %s", kind)
        with contextlib.suppress(OSError):
            client.sendall(error_page(status))
