"""Render the results as Markdown tables that also read well in a terminal, as JSON, and as a picture."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench import kms
from bench.picture import picture
from bench.profile_tables import profile_tables
from bench.server import ROOT
from bench.tables import table
from bench.targets import targets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OUT = ROOT / "bench/out"
_DOCS = ROOT / "docs/bench"
_PROFILE = ROOT / "docs/profile.md"
_README = ROOT / "README.md"
_SHOWN = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
_EMPTY = "`empty` is a function that answers every request at once: its figures are those of the server around it."
_BUSY = 0.3
"""CPUs that others may use on average before the reader is told not to trust absolute figures."""


def write(results: dict[str, Any], *, docs: bool) -> list[Path]:
    """Write JSON, tables and picture; with ``docs`` also where the documentation shows them. Return the paths."""
    results["targets"] = [asdict(target) for target in targets(results)]
    written = []
    for folder in (_OUT, _DOCS) if docs else (_OUT,):
        folder.mkdir(parents=True, exist_ok=True)
        written += [folder / "results.json", folder / "results.md", folder / "results.svg"]
        written[-3].write_text(json.dumps(results, indent=1) + "\n")
        written[-2].write_text(f"# Benchmark\n\nWritten by `make bench`.\n\n{text(results)}\n")
        written[-1].write_text(picture(results["throughput"]))
    if docs:
        _PROFILE.write_text(_profile_page(results))
        _README.write_text(_SHOWN.sub(rf"\1{in_readme(results)}\n\2", _README.read_text()))
        written += [_PROFILE, _README]
    return written


def in_readme(results: Mapping[str, Any]) -> str:
    """Return what the README shows of the results: no ratio without its reason, no figure without the load."""
    busy = _machine(results).splitlines()[1]
    return f"{_reasons(results)}\n\n{_targets(results)}\n\n{busy}\n\n{_side_by_side(results['throughput'])}"


def text(results: Mapping[str, Any]) -> str:
    """Return everything as Markdown."""
    parts = [_machine(results), _reasons(results), _EMPTY, _targets(results), _throughput(results["throughput"])]
    parts += [_calls(results["calls"]), _starts(results["start"]), _infrequent(results)]
    parts += [kms.shown(results["kms"]), _hostile_clients(results)]
    parts += [_cpu(results), _memory(results["memory"]), profile_tables(results)]
    return "\n\n".join(parts)


def _machine(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    others = machine["others_cpus"] + machine["stolen_cpus"]
    lines = [
        f"{machine['when']}: {machine['cpu']}, {machine['cpus']} CPUs, Python {machine['python']}; "
        f"servers with {' '.join(f'{name}={value}' for name, value in machine['tuning'].items())}, one worker, on "
        + (
            "a CPU of their own."
            if machine["cpus"] > 1
            else "the one CPU there is, shared with their callers: the figures are not reliable."
        ),
        f"Load average at the start: {machine['load_before']:.2f}. During the run, other processes used "
        f"{others:.2f} CPUs on average: "
        + (
            "the machine was busy, so trust the ratios and not the absolute figures."
            if others > _BUSY
            else "the machine was quiet."
        ),
    ]
    if results.get("quick"):
        lines.append("A quick run: one short round of everything, which shows only the order of magnitude.")
    return "\n".join(lines)


def _targets(results: Mapping[str, Any]) -> str:
    rows = [(t.figure, t.wanted, t.got, "met" if t.met else "NOT MET") for t in targets(results)]
    return table(("target", "wanted", "measured", ""), rows)


def _throughput(rows: list[dict[str, Any]]) -> str:
    heads = (
        "upstream",
        "clients",
        "mints/s",
        "baseline",
        "ratio",
        "p50 ms",
        "baseline",
        "ratio",
        "p99 ms",
        "baseline",
    )
    lines = []
    for row in rows:
        ours, theirs, ratio = row["mint"], row["baseline"], row["ratio"]
        cells = [f"{row['latency_ms']} ms", str(row["clients"]), f"{ours['per_second']:.0f}"]
        cells += [f"{theirs['per_second']:.1f}", f"{ratio['per_second']:.1f}x"]
        cells += [f"{ours['p50_ms']:.1f}", f"{theirs['p50_ms']:.0f}", f"{ratio['p50']:.3f}"]
        lines.append([*cells, f"{ours['p99_ms']:.1f}", f"{theirs['p99_ms']:.0f}"])
    return table(heads, lines)


def _reasons(results: Mapping[str, Any]) -> str:
    """Return why each kind of ratio is what it is."""
    alone = next(row for row in results["throughput"] if (row["latency_ms"], row["clients"]) == (0, 1))
    p50_ms = alone["baseline"]["p50_ms"]
    return (
        "The baseline is the plainest mint that works (`bench/baseline/main.py`): for each token it makes\n"
        "five calls in a row, parses the App's PEM key, which OpenSSL also checks, and caches nothing.\n"
        f"Without upstream latency it takes {p50_ms:.0f} ms, nearly all of it CPU time. This mint, once warm,\n"
        "makes two calls, in parallel, and parses a key once. Caching makes most of the difference: a\n"
        "baseline with the same caches would come close.\n\n"
        "With its keys in Cloud KMS, the mint has most signatures made in the background. So it takes about\n"
        "as long as with keys in secrets or files."
    )


def _side_by_side(rows: list[dict[str, Any]]) -> str:
    heads = ("upstream", "clients", "mints/s", "baseline", "p50 ms", "baseline", "p99 ms", "baseline")
    lines = []
    for row in rows:
        ours, theirs = row["mint"], row["baseline"]
        cells = [f"{row['latency_ms']} ms", str(row["clients"])]
        for figure, digits in (("per_second", 0), ("p50_ms", 1), ("p99_ms", 1)):
            cells += [f"{ours[figure]:.{digits}f}", f"{theirs[figure]:.{digits}f}"]
        lines.append(cells)
    return table(heads, lines)


def _calls(calls: Mapping[str, Any]) -> str:
    def shown(kinds: Mapping[str, float]) -> str:
        listed = ", ".join(f"{kind} {count:g}" for kind, count in sorted(kinds.items()))
        return f"{sum(kinds.values()):g} ({listed})"

    rows = [(name, shown(found["cold"]), shown(found["warm"])) for name, found in calls.items()]
    return table(("upstream calls", "from the start to the first token", "per warm mint"), rows)


def _starts(start: Mapping[str, Any]) -> str:
    rows = [
        (
            f"{name}, {label}",
            f"{found['health_s']:.2f} s",
            f"{found['token_s']:.2f} s",
            f"{found['token_worst_s']:.2f} s",
            f"{found['second_ms']:.1f} ms" if "second_ms" in found else "",
        )
        for label, servers in start.items()
        for name, found in servers.items()
    ]
    return table(("from process start to", "first answer", "first token", "worst", "second request takes"), rows)


def _infrequent(results: Mapping[str, Any]) -> str:
    rows = [
        (
            label,
            f"{found['mint']['p50_ms']:.1f}",
            f"{found['baseline']['p50_ms']:.0f}",
            f"{found['ratio']:.3f}",
        )
        for label, found in (
            ("every cache has expired before each mint", results["infrequent"]),
            ("STS and GitHub over TLS, warm", results["tls"]),
        )
    ]
    late = results["late_start"]
    return (
        table(("one client, 50 ms upstream", "p50 ms", "baseline", "ratio"), rows)
        + f"\n\nFrom process start to the first token at {late['latency_ms']} ms: {late['token_s']:.2f} s. "
        + f"Calls with an App JWT per mint, at one mint in 15 minutes: {results['infrequent']['app_calls']:.2f}."
    )


def _hostile_clients(results: Mapping[str, Any]) -> str:
    bodies, slow = results["bodies"], results["slow"]
    return (
        f"16 bodies of 30 MiB without a valid token: memory {bodies['before_mib']:.0f} MiB before, "
        f"{bodies['peak_mib']:.0f} MiB at the peak.\n`/health` of the standalone mint beside {slow['senders']} "
        f"slow senders: p99 {slow['p99_ms']:.0f} ms."
    )


def _cpu(results: Mapping[str, Any]) -> str:
    empty_ms = results["cpu"]["empty"]["ms"]
    rows = [
        (
            name,
            f"{found['ms']:.2f}",
            f"{found['user_ms']:.2f}",
            f"{found['system_ms']:.2f}",
            f"{found['ms'] / empty_ms:.2f}",
        )
        for name, found in results["cpu"].items()
    ]
    loaded = results["concurrent"]
    line = (
        f"{loaded['clients']} clients at {loaded['latency_ms']} ms: {loaded['per_second']:.0f} mints/s, "
        f"p50 {loaded['p50_ms']:.0f} ms, p99 {loaded['p99_ms']:.0f} ms."
    )
    return table(("CPU per request, ms", "all", "user", "kernel", "against empty"), rows) + "\n\n" + line


def _memory(points: list[dict[str, float]]) -> str:
    rows = [(f"{point['mints']:,.0f}", f"{point['pss_mib']:.1f}") for point in points]
    return table(("memory after mints", "PSS, MiB"), rows)


def _profile_page(results: Mapping[str, Any]) -> str:
    return (
        "# Where the CPU time of a mint goes\n\n"
        "Written by `make bench WRITE=1`: the hosted mint, warm, one worker on one CPU, 32 clients, no upstream\n"
        "latency. The serving process is sampled from outside (py-spy); a sample is the thread that holds the\n"
        "interpreter's lock. Shares are of the samples; the microseconds are those shares of the CPU time that\n"
        "Linux counted in a pass without sampling, kernel included.\n\n"
        f"{_EMPTY}\n\n"
        f"{_cpu(results)}\n\n{profile_tables(results)}\n"
    )
