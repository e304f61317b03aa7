"""Run the measurements, one function each; they return plain data for the report.

A pass measures the servers in turn, several rounds each, and keeps the medians, so other load on the machine
affects all of them alike.
"""

from __future__ import annotations

import os
import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.measure import Cpu, cpu, pss_mib
from bench.server import Server

if TYPE_CHECKING:
    from bench.client import Load
    from bench.stage import Stage

LATENCIES_MS = (0, 20, 50)
CLIENTS = (1, 8, 32)
_CPU_CLIENTS = 32
_CPU_ROUNDS = 3
_CONCURRENT_CLIENTS = 80
_CONCURRENT_LATENCY_MS = 50


def throughput(stage: Stage) -> list[dict[str, Any]]:
    """Return mints per second and latencies for each number of clients and each upstream latency."""
    rows = []
    with ExitStack() as started:
        servers = [started.enter_context(stage.server(name)) for name in ("mint", "baseline")]
        stage.warm(servers)
        for latency in LATENCIES_MS:
            stage.scene.set_latency(latency)
            for clients in CLIENTS:
                stage.say(f"mints per second: {clients} clients, {latency} ms upstream")
                rows.append({"latency_ms": latency, "clients": clients, **_compared(stage, servers, clients)})
        stage.scene.set_latency(0)
    return rows


def _compared(stage: Stage, servers: list[Server], clients: int) -> dict[str, Any]:
    runs: dict[str, list[Load]] = {server.name: [] for server in servers}
    for _ in range(stage.effort.rounds):
        for server in servers:
            runs[server.name].append(stage.load(server, clients))
    cell: dict[str, Any] = {name: _summary(loads) for name, loads in runs.items()}
    # A ratio of each round's own pair, then the median: noise that lasts longer than a round cancels out.
    pairs = list(zip(runs["mint"], runs["baseline"], strict=True))
    cell["ratio"] = {
        "per_second": statistics.median(ours.per_second / theirs.per_second for ours, theirs in pairs),
        "p50": statistics.median(ours.percentile(50) / theirs.percentile(50) for ours, theirs in pairs),
    }
    return cell


def _summary(loads: list[Load]) -> dict[str, float]:
    return {
        "per_second": statistics.median(one.per_second for one in loads),
        "p50_ms": statistics.median(one.percentile(50) for one in loads),
        "p99_ms": statistics.median(one.percentile(99) for one in loads),
    }


def concurrent_clients(stage: Stage) -> dict[str, float]:
    """Return throughput and latency of the mint with as many clients as it has threads."""
    stage.say(f"{_CONCURRENT_CLIENTS} clients, {_CONCURRENT_LATENCY_MS} ms upstream")
    with stage.server("mint") as server:
        stage.warm([server])
        stage.scene.set_latency(_CONCURRENT_LATENCY_MS)
        stage.load(server, _CONCURRENT_CLIENTS)
        loads = [stage.load(server, _CONCURRENT_CLIENTS) for _ in range(stage.effort.rounds)]
        stage.scene.set_latency(0)
    return {"clients": _CONCURRENT_CLIENTS, "latency_ms": _CONCURRENT_LATENCY_MS, **_summary(loads)}


def upstream_calls(stage: Stage) -> dict[str, dict[str, dict[str, float]]]:
    """Return the calls each server makes from its start to its first token, and per token after that."""
    found = {}
    for name in ("mint", "baseline"):
        stage.say(f"upstream calls: {name}")
        before = stage.scene.calls()
        with stage.server(name) as server:
            server.ask(stage.scene.requests()[0])
            # What is still being fetched in the background belongs to the start, so let it end first.
            cold = _settled(stage, server, before)
            before = stage.scene.calls()
            mints = len(stage.load(server, 1, max_calls=20).latencies)
            warm = {kind: calls / mints for kind, calls in stage.scene.calls_since(before).items()}
        found[name] = {"cold": cold, "warm": warm}
    return found


def _settled(stage: Stage, server: Server, before: dict[str, int]) -> dict[str, float]:
    first = stage.scene.calls_since(before)
    stage.load(server, 1, seconds=1.0)
    after = stage.scene.calls_since(before)
    once = {"discovery", "jwks", "secret", "installation"} if server.name == "mint" else set()
    return {kind: float(after[kind] if kind in once else calls) for kind, calls in first.items()}


def start_times(stage: Stage) -> dict[str, dict[str, dict[str, float]]]:
    """Return the seconds to the first answer and to the first token, on one CPU and on all there are.

    ``second_ms`` is for the request after that. One start of each server is not counted: it writes the byte code.
    """
    everywhere = stage.server_cpus | os.sched_getaffinity(stage.scene.pid)
    places = {"all CPUs": everywhere, "one CPU": stage.server_cpus}
    names = ("mint", "baseline", "empty")
    times: dict[str, dict[str, list[_Start]]] = {label: {name: [] for name in names} for label in places}
    for name in names:
        _start(stage, name, everywhere)
    for number in range(stage.effort.starts):
        stage.say(f"start, round {number + 1}")
        for label, cpus in places.items():
            for name in names:
                times[label][name].append(_start(stage, name, cpus))
    return {
        label: {
            name: {
                "health_s": statistics.median(one.health_s for one in taken),
                "token_s": statistics.median(one.token_s for one in taken),
                "token_worst_s": max(one.token_s for one in taken),
                "second_ms": statistics.median(one.second_ms for one in taken),
            }
            for name, taken in servers.items()
        }
        for label, servers in times.items()
    }


class _Start(NamedTuple):
    health_s: float
    token_s: float
    second_ms: float


def _start(stage: Stage, name: str, cpus: set[int]) -> _Start:
    first, second, *_ = stage.scene.requests()
    with Server(name, stage.scene.environment(), cpus=cpus) as server:
        health = server.wait()
        server.ask(first)
        token = server.since_start()
        server.ask(second)
        return _Start(health, token, (server.since_start() - token) * 1000)


def late_start(stage: Stage) -> dict[str, float]:
    """Return the seconds from the mint's start to its first token where each upstream call takes 50 ms."""
    stage.say(f"start, {_CONCURRENT_LATENCY_MS} ms upstream")
    stage.scene.set_latency(_CONCURRENT_LATENCY_MS)
    taken = []
    for _ in range(stage.effort.starts):
        everywhere = stage.server_cpus | os.sched_getaffinity(stage.scene.pid)
        with Server("mint", stage.scene.environment(), cpus=everywhere) as server:
            server.ask(stage.scene.requests()[0])
            taken.append(server.since_start())
    stage.scene.set_latency(0)
    return {"latency_ms": _CONCURRENT_LATENCY_MS, "token_s": statistics.median(taken)}


def memory(stage: Stage) -> list[dict[str, float]]:
    """Return the mint's memory in MiB after so many mints, the last of them all that the effort has."""
    points = []
    marks = [1, *(round(stage.effort.mints * share) for share in (0.1, 0.25, 0.5, 0.75, 1.0))]
    done = 0
    with stage.server("mint") as server:
        server.wait()
        for mark in marks:
            stage.say(f"memory after {mark} mints")
            done += len(stage.load(server, _CPU_CLIENTS, max_calls=mark - done, seconds=600).latencies)
            points.append({"mints": done, "pss_mib": pss_mib(server.pid)})
    return points


def cpu_per_request(stage: Stage) -> dict[str, dict[str, float]]:
    """Return milliseconds of CPU per request of each server, kernel's share included."""
    used: dict[str, list[tuple[Cpu, int]]] = {"mint": [], "baseline": [], "empty": []}
    with ExitStack() as started:
        servers = [started.enter_context(stage.server(name)) for name in used]
        stage.warm(servers)
        # The target is tenths of a millisecond: more rounds than elsewhere make the median stable.
        for number in range(_CPU_ROUNDS * stage.effort.rounds):
            for server in servers:
                stage.say(f"CPU per request: {server.name}, round {number + 1}")
                before = cpu(server.pid)
                answered = len(stage.load(server, _CPU_CLIENTS, seconds=stage.effort.seconds).latencies)
                used[server.name].append((cpu(server.pid) - before, answered))
    return {
        name: {
            "ms": statistics.median(spent.total / count for spent, count in runs) * 1000,
            "user_ms": statistics.median(spent.user / count for spent, count in runs) * 1000,
            "system_ms": statistics.median(spent.system / count for spent, count in runs) * 1000,
        }
        for name, runs in used.items()
    }
