"""Measure a mint whose App keys are in Cloud KMS, beside one whose keys are in secrets."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from bench.pace import PAUSE_SECONDS
from bench.server import Server
from bench.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.stage import Stage

_LATENCY_MS = 50
_CALLS = 20
_WARM_SECONDS = 2.0
"""How long a mint may continue to fetch values after its first answer."""


def with_kms(stage: Stage) -> dict[str, Any]:
    """Return the p50 of warm and infrequent mints and while the App JWT is renewed, and the calls per warm mint.

    Infrequent is one mint in 15 minutes, with all lifetimes scaled to it. The hosted mint's App JWT and its last
    acceptance by STS have then always expired; a standalone mint renews its App JWT.
    """
    stage.say(f"keys in Cloud KMS, {_LATENCY_MS} ms upstream")
    stage.scene.set_latency(_LATENCY_MS)
    scene = stage.scene
    hosted = {"kms": scene.kms_environment(), "secrets": scene.environment()}
    standalone = {"kms": scene.standalone_kms_environment(), "secrets": scene.standalone_environment()}
    scaled = {"BENCH_LIFETIMES": "scaled"}
    found = {
        "warm": _compared(stage, "mint", hosted, {}),
        "app_jwt_renewed": _compared(stage, "short-lifetimes", hosted, {"BENCH_LIFETIMES": "renewed"}),
        "infrequent": _compared(stage, "short-lifetimes", hosted, scaled),
        "infrequent_standalone": _compared(stage, "short-lifetimes-standalone", standalone, scaled),
    }
    stage.scene.set_latency(0)
    return found | {"calls": _calls_per_mint(stage)}


def shown(kms: Mapping[str, Any]) -> str:
    """Return the table for the report."""
    labels = {
        "warm": "warm",
        "app_jwt_renewed": "the App JWT is renewed in the background",
        "infrequent": "one mint in 15 minutes: Cloud KMS signs during the exchange at STS",
        "infrequent_standalone": "the same, standalone: the App JWT is renewed once in five minutes",
    }
    rows = [
        (
            label,
            f"{kms[kind]['kms']['p50_ms']:.1f}",
            f"{kms[kind]['secrets']['p50_ms']:.1f}",
            f"{kms[kind]['ratio']:.3f}",
            f"{kms[kind]['signatures']:.2f}",
        )
        for kind, label in labels.items()
    ]
    heads = ("one client, 50 ms upstream", "Cloud KMS, p50 ms", "secrets or files", "ratio", "signatures per mint")
    calls = ", ".join(f"{kind} {count:g}" for kind, count in sorted(kms["calls"].items()))
    return f"{table(heads, rows)}\n\nUpstream calls per warm mint with Cloud KMS: {calls}."


def _compared(
    stage: Stage, name: str, environments: Mapping[str, dict[str, str]], extra: dict[str, str]
) -> dict[str, Any]:
    known = stage.scene.requests()
    with ExitStack() as started:
        servers = {
            keys: started.enter_context(Server(name, environment | extra, cpus=stage.server_cpus))
            for keys, environment in environments.items()
        }
        for server in servers.values():
            server.ask(known[0])
        sleep(_WARM_SECONDS)
        times: dict[str, list[float]] = {keys: [] for keys in servers}
        before = stage.scene.calls()
        for number in range(stage.effort.infrequent):
            for keys, server in servers.items():
                begun = perf_counter()
                server.ask(known[number % len(known)])
                times[keys].append((perf_counter() - begun) * 1000)
            sleep(PAUSE_SECONDS)
        signed = stage.scene.calls_since(before).get("sign", 0)
    found: dict[str, Any] = {keys: {"p50_ms": statistics.median(one)} for keys, one in times.items()}
    found["ratio"] = found["kms"]["p50_ms"] / found["secrets"]["p50_ms"]
    found["signatures"] = signed / stage.effort.infrequent
    return found


def _calls_per_mint(stage: Stage) -> dict[str, float]:
    with Server("mint", stage.scene.kms_environment(), cpus=stage.server_cpus) as server:
        server.ask(stage.scene.requests()[0])
        stage.load(server, 1, seconds=1.0)  # what is fetched in the background belongs to the start
        before = stage.scene.calls()
        mints = len(stage.load(server, 1, max_calls=_CALLS).latencies)
        return {kind: calls / mints for kind, calls in stage.scene.calls_since(before).items()}
