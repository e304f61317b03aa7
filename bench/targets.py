"""Compare a run with the mint's performance targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# A mint without a leak may still change by this: the allocator's arenas and a last thread's stack.
FLAT_MIB = 3.0


@dataclass(frozen=True, slots=True)
class Target:
    """One figure: its target, its measurement, and whether it meets the target."""

    figure: str
    wanted: str
    got: str
    met: bool


def targets(results: Mapping[str, Any]) -> list[Target]:
    """Return each target with this run's measurement."""
    calls = sum(results["calls"]["mint"]["warm"].values())
    row = next(row for row in results["throughput"] if (row["clients"], row["latency_ms"]) == (1, 50))
    ratio, cpu_ms = row["ratio"]["p50"], results["cpu"]["mint"]["ms"]
    infrequent, concurrent = results["infrequent"], results["concurrent"]["per_second"]
    start, late = results["start"]["all CPUs"]["mint"], results["late_start"]["token_s"]
    points = results["memory"]
    most, grown = points[-1]["pss_mib"], growth(points)
    peak, p99 = results["bodies"]["peak_mib"], results["slow"]["p99_ms"]
    return [
        _at_most("upstream calls per warm mint", 2, calls, "{:.2f}"),
        _at_most("time (p50) ÷ five-call baseline: one client, 50 ms, warm", 0.19, ratio, "{:.3f}"),
        _at_most("time (p50) ÷ baseline: one client, 50 ms, expired caches", 0.22, infrequent["ratio"], "{:.3f}"),
        *_with_kms(results["kms"]),
        _at_most("calls with an App JWT per mint, one mint in 15 minutes", 1.05, infrequent["app_calls"], "{:.2f}"),
        _at_most("time (p50) ÷ baseline: one client, 50 ms, TLS", 0.19, results["tls"]["ratio"], "{:.3f}"),
        _at_most("CPU per warm mint, one CPU, 32 clients, 0 ms", 1.0, cpu_ms, "{:.2f} ms"),
        Target("mints/s, one CPU, 80 clients, 50 ms", "≥ 840", f"{concurrent:.0f}", concurrent >= 840),  # noqa: PLR2004
        _at_most("start to /health", 0.4, start["health_s"], "{:.2f} s"),
        _at_most("start to the first token, 0 ms", 0.40, start["token_s"], "{:.2f} s"),
        _at_most("start to the first token, 50 ms", 0.50, late, "{:.2f} s"),
        _at_most("second request after a start, 0 ms", 5, start["second_ms"], "{:.1f} ms"),
        _at_most("peak memory (PSS), 16 bodies of 30 MiB without valid token", 110, peak, "{:.0f} MiB"),
        _at_most("p99 of /health beside 200 slow senders, standalone", 1000, p99, "{:.0f} ms"),
        Target(
            f"memory (PSS) after {points[-1]['mints']:,.0f} mints, and flat over their second half",
            f"≤ 130 MiB, ± {FLAT_MIB:.0f}",
            f"{most:.0f} MiB, {grown:+.1f}",
            most <= 130 and abs(grown) <= FLAT_MIB,  # noqa: PLR2004
        ),
    ]


def _with_kms(kms: Mapping[str, Any]) -> list[Target]:
    warm, renewed = kms["warm"]["ratio"], kms["app_jwt_renewed"]["ratio"]
    hosted, standalone = kms["infrequent"]["ratio"], kms["infrequent_standalone"]["ratio"]
    return [
        _at_most("upstream calls per warm mint, keys in Cloud KMS", 2, sum(kms["calls"].values()), "{:.2f}"),
        _at_most("time (p50), Cloud KMS ÷ secrets: 50 ms, warm", 1.1, warm, "{:.3f}"),
        _at_most("time (p50), Cloud KMS ÷ secrets: 50 ms, App JWT renewed", 1.1, renewed, "{:.3f}"),
        _at_most("time (p50), Cloud KMS ÷ secrets: one mint in 15 minutes", 1.1, hosted, "{:.3f}"),
        _at_most("time (p50), Cloud KMS ÷ files: one mint in 15 minutes", 1.1, standalone, "{:.3f}"),
    ]


def _at_most(figure: str, wanted: float, got: float, form: str) -> Target:
    return Target(figure, f"≤ {form.format(wanted)}", form.format(got), got <= wanted)


def growth(points: list[dict[str, float]]) -> float:
    """Return by how many MiB memory changed over the second half of the mints."""
    half = next(point for point in points if point["mints"] >= points[-1]["mints"] / 2)
    return points[-1]["pss_mib"] - half["pss_mib"]
