"""Measure with STS and GitHub behind TLS, as they are in production."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from bench.server import Server

if TYPE_CHECKING:
    from bench.stage import Stage

_LATENCY_MS = 50


def over_tls(stage: Stage) -> dict[str, Any]:
    """Return the p50 of one client at 50 ms, the mint's and the baseline's, over TLS."""
    stage.say(f"one client, {_LATENCY_MS} ms upstream, TLS")
    environment = stage.scene.tls_environment()
    stage.scene.set_latency(_LATENCY_MS)
    with ExitStack() as started:
        servers = {
            name: started.enter_context(Server(name, environment, cpus=stage.server_cpus))
            for name in ("mint", "baseline")
        }
        stage.warm(servers.values())
        times: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(stage.effort.rounds):
            for name, server in servers.items():
                times[name].append(stage.load(server, 1).percentile(50))
    stage.scene.set_latency(0)
    found: dict[str, Any] = {name: {"p50_ms": statistics.median(one)} for name, one in times.items()}
    found["ratio"] = found["mint"]["p50_ms"] / found["baseline"]["p50_ms"]
    return found
