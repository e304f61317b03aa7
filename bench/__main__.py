"""``python -m bench``: every measurement in one run, printed as tables and written to bench/out/.

``--quick`` takes under a minute and shows a direction; ``--write`` also writes what the documentation shows
to docs/bench/ and docs/profile.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from contextlib import nullcontext
from time import perf_counter
from typing import Any

from bench import hostile_clients, infrequent_mints, kms, passes, profile, report, tls
from bench.client import LoadError
from bench.measure import Machine, cpu_model, on_cpus
from bench.scene import Scene
from bench.server import ServerError, runtime_python, tuning
from bench.stage import Effort, Stage


def main() -> int:
    """Run the benchmark, print its tables and write them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of everything, in under a minute")
    parser.add_argument("--write", action="store_true", help="write docs/bench/ and docs/profile.md too")
    wanted = parser.parse_args()
    if wanted.quick and wanted.write:
        parser.error("--write publishes the figures of a full run. Fix: leave --quick out")
    try:
        results = _run(Effort.quick() if wanted.quick else Effort.full())
    except (ServerError, LoadError) as error:
        print(f"the benchmark failed: {error}", file=sys.stderr)
        return 1
    results["quick"] = wanted.quick
    for path in report.write(results, docs=wanted.write):
        print(f"written: {path}", file=sys.stderr)
    print(report.text(results))
    return 0


def _run(effort: Effort) -> dict[str, Any]:
    cpus = sorted(os.sched_getaffinity(0))
    server_cpus, our_cpus = ({cpus[0]}, {cpus[-1]}) if len(cpus) > 1 else (set(cpus), set(cpus))
    before, started, load_before = Machine.now(), perf_counter(), os.getloadavg()
    with on_cpus(our_cpus) if len(cpus) > 1 else nullcontext(), Scene() as scene:
        stage = Stage(scene, server_cpus, effort, _say)
        results: dict[str, Any] = {
            "start": passes.start_times(stage),
            "late_start": passes.late_start(stage),
            "calls": passes.upstream_calls(stage),
            "cpu": passes.cpu_per_request(stage),
            "throughput": passes.throughput(stage),
            "infrequent": infrequent_mints.measure(stage),
            "kms": kms.with_kms(stage),
            "tls": tls.over_tls(stage),
            "concurrent": passes.concurrent_clients(stage),
            "bodies": hostile_clients.large_bodies(stage),
            "slow": hostile_clients.slow_senders(stage),
            "memory": passes.memory(stage),
            "profile": profile.take(stage),
        }
    return results | {"machine": _machine(before, perf_counter() - started, load_before, cpus)}


def _machine(before: Machine, seconds: float, load_before: tuple[float, ...], cpus: list[int]) -> dict[str, Any]:
    now = Machine.now()
    ours = now.ours - before.ours
    return {
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
        "cpu": cpu_model(),
        "cpus": len(cpus),
        "python": runtime_python(),
        "tuning": tuning(),
        "load_before": load_before[0],
        "others_cpus": max(0.0, now.busy - before.busy - ours) / seconds,
        "stolen_cpus": (now.stolen - before.stolen) / seconds,
        "seconds": seconds,
    }


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
