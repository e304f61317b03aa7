"""Measure a mint under attack: large bodies without a token, and slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from time import perf_counter
from typing import TYPE_CHECKING

from bench.measure import pss_mib
from bench.server import Server
from bench.world import HOST

if TYPE_CHECKING:
    from bench.stage import Stage

_BODIES = 16
_BODY_BYTES = 30 * 1024 * 1024
_PIECE = b"x" * (256 * 1024)
_SLOW = 200
_EVERY_SECONDS = 4.0
_TIMEOUT_SECONDS = 30.0
_HEALTH = b"GET /health HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
_HEAD = b"POST /v1/token HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer x\r\nContent-Length: %d\r\n\r\n"


def large_bodies(stage: Stage) -> dict[str, float]:
    """Return the hosted mint's memory in MiB before, and at the peak of large bodies without a token."""
    stage.say(f"{_BODIES} bodies of {_BODY_BYTES >> 20} MiB")
    with stage.server("mint") as server:
        server.wait()
        server.ask(stage.scene.requests()[0])
        before = pss_mib(server.pid)
        peak = asyncio.run(_peak(server))
    return {"before_mib": before, "peak_mib": peak}


async def _peak(server: Server) -> float:
    sending = asyncio.gather(*(_send(server.port) for _ in range(_BODIES)))
    peak = 0.0
    while not sending.done():
        peak = max(peak, await asyncio.to_thread(pss_mib, server.pid))
        await asyncio.wait([sending], timeout=0.05)
    return peak


async def _send(port: int) -> None:
    with contextlib.suppress(OSError, TimeoutError):  # the mint may close the connection before the body's end
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(_HEAD % _BODY_BYTES)
            for _ in range(_BODY_BYTES // len(_PIECE)):
                writer.write(_PIECE)
                await writer.drain()
            await reader.read(1024)
            writer.close()


def slow_senders(stage: Stage) -> dict[str, float]:
    """Return how the standalone mint answers ``/health`` beside clients that send a byte every four seconds."""
    stage.say(f"/health beside {_SLOW} slow senders")
    with Server("standalone", stage.scene.standalone_environment(), cpus=stage.server_cpus) as server:
        server.wait()
        times = asyncio.run(_beside(server.port, stage.effort.healths))
    return {"senders": _SLOW, "p99_ms": statistics.quantiles(times, n=100, method="inclusive")[98] * 1000}


async def _beside(port: int, most: int) -> list[float]:
    slow = [asyncio.create_task(_drip(port)) for _ in range(_SLOW)]
    await asyncio.sleep(1.0)
    times = []
    for _ in range(most):
        begun = perf_counter()
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(_HEALTH)
            await reader.read()
            writer.close()
        times.append(perf_counter() - begun)
        await asyncio.sleep(0.02)
    for one in slow:
        one.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return times


async def _drip(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(_HEAD % 60_000)
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(_EVERY_SECONDS)
