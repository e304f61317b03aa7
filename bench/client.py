"""Simulate callers: each keeps a connection and sends the next request after the answer.

Bounded in count and time. It implements only the HTTP/1.1 that a server with Content-Length needs, because a client
library would use more CPU than the mint.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import statistics
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, cast

from bench.world import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_TIMEOUT_SECONDS = 60.0


class LoadError(RuntimeError):
    """A request was refused or its connection broke, so the measurement would not be of minting."""


@dataclass(slots=True)
class Load:
    """The callers' results; ``latencies`` in seconds, unordered; ``seconds`` from first to last."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """Return the latency in milliseconds that this share of the requests stayed within."""
        if len(self.latencies) == 1:
            return self.latencies[0] * 1000
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


def load(port: int, requests: Sequence[bytes], *, clients: int, max_calls: int, seconds: float) -> Load:
    """Send ``requests`` over and over until ``max_calls`` are answered or the time is up. Raises LoadError."""
    return asyncio.run(_load(port, requests, clients, max_calls, seconds))


async def _load(port: int, requests: Sequence[bytes], clients: int, max_calls: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    plan = _Plan(itertools.islice(itertools.cycle(requests), max_calls), perf_counter() + seconds)
    callers = [_Caller(plan, loop.create_future()) for _ in range(clients)]
    for caller in callers:
        await loop.create_connection(_as_protocol(caller), HOST, port)
    started = perf_counter()
    plan.ends = started + seconds
    for caller in callers:
        caller.begin()
    try:
        await asyncio.wait_for(asyncio.gather(*(caller.done for caller in callers)), seconds + _TIMEOUT_SECONDS)
    except TimeoutError:
        raise LoadError(f"the server did not answer within {_TIMEOUT_SECONDS:.0f} s") from None
    finally:
        for caller in callers:
            caller.close()
    return Load(plan.latencies, perf_counter() - started)


@dataclass(slots=True)
class _Plan:
    requests: Iterator[bytes]
    ends: float
    latencies: list[float] = field(default_factory=list)

    def next(self) -> bytes | None:
        return None if perf_counter() >= self.ends else next(self.requests, None)


def _as_protocol(caller: _Caller) -> type[_Caller]:
    # create_connection wants something to call; here the object is made before its connection.
    return cast("type[_Caller]", lambda: caller)


class _Caller(asyncio.Protocol):
    def __init__(self, plan: _Plan, done: asyncio.Future[None]) -> None:
        self.done = done
        self._plan = plan
        self._buffer = bytearray()
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        request = self._plan.next()
        if request is not None:
            self._sent = perf_counter()
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        if length is None:
            self._fail("an answer without Content-Length")
        elif len(self._buffer) >= end + len(_HEAD_END) + int(length[1]):
            self._plan.latencies.append(perf_counter() - self._sent)
            self._judge(end)

    def _judge(self, end: int) -> None:
        status = bytes(self._buffer[9:12])
        if status != b"200":
            # Of a refusal's body the sentence is worth showing; a granted token's body never is.
            self._fail(f"status {status.decode()}: {bytes(self._buffer[end + 4 : end + 304]).decode()}")
            return
        self._buffer.clear()
        self.begin()

    def _fail(self, what: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(what))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed the connection: {type(exc).__name__}")

    def close(self) -> None:
        if self.done.done() and not self.done.cancelled():
            self.done.exception()
        self._transport.abort()
