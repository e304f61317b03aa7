"""Measure a mint that is rarely used: every cache has expired, or one mint in 15 minutes."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from bench.pace import PAUSE_SECONDS
from bench.server import Server

if TYPE_CHECKING:
    from bench.stage import Stage

_LATENCY_MS = 50
_APP_CALLS = ("installation", "installations", "access_token")


def measure(stage: Stage) -> dict[str, Any]:
    """Return the p50 with expired caches beside the baseline's, and the App's calls to GitHub per mint."""
    stage.say(f"infrequent mints, {_LATENCY_MS} ms upstream")
    stage.scene.set_latency(_LATENCY_MS)
    with ExitStack() as started:
        servers = {
            "mint": started.enter_context(_server(stage, "expired")),
            "baseline": started.enter_context(stage.server("baseline")),
        }
        times: dict[str, list[float]] = {name: [] for name in servers}
        for number, request in enumerate(_requests(stage, stage.effort.infrequent)):
            for name, server in servers.items():
                begun = perf_counter()
                server.ask(request)
                if number:  # the first one builds the mint
                    times[name].append((perf_counter() - begun) * 1000)
            sleep(PAUSE_SECONDS)
    found: dict[str, Any] = {name: {"p50_ms": statistics.median(one)} for name, one in times.items()}
    found["ratio"] = found["mint"]["p50_ms"] / found["baseline"]["p50_ms"]
    found["app_calls"] = _app_calls(stage)
    stage.scene.set_latency(0)
    return found


def _app_calls(stage: Stage) -> float:
    """Return the calls with an App JWT per mint, with all lifetimes scaled to one mint in 15 minutes."""
    stage.say("one mint in 15 minutes, scaled")
    stage.scene.set_latency(0)
    with _server(stage, "scaled") as server:
        first, *others = _requests(stage, 2 * stage.effort.infrequent)
        server.ask(first)
        sleep(2.0)  # the warm-up ends
        before = stage.scene.calls()
        for request in others:
            server.ask(request)
            sleep(PAUSE_SECONDS)
        after = stage.scene.calls_since(before)
    return sum(after.get(kind, 0) for kind in _APP_CALLS) / len(others)


def _server(stage: Stage, lifetimes: str) -> Server:
    environment = stage.scene.environment() | {"BENCH_LIFETIMES": lifetimes}
    return Server("short-lifetimes", environment, cpus=stage.server_cpus)


def _requests(stage: Stage, count: int) -> list[bytes]:
    known = stage.scene.requests()
    return [known[number % len(known)] for number in range(count)]
