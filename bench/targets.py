"""What the mint has to reach, and whether this run says that it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a mint that does not grow may still move by: the allocator's arenas and a last thread's stack.
FLAT_MIB = 3.0


@dataclass(frozen=True, slots=True)
class Target:
    """One figure: what is wanted, what was measured, and whether that is enough."""

    figure: str
    wanted: str
    got: str
    met: bool


def targets(results: Mapping[str, Any]) -> list[Target]:
    """Return each target with what this run has to say to it."""
    calls = sum(results["calls"]["mint"]["warm"].values())
    row = next(row for row in results["throughput"] if (row["clients"], row["latency_ms"]) == (1, 50))
    ratio, cpu_ms = row["ratio"]["p50"], results["cpu"]["mint"]["ms"]
    crowd, start = results["crowd"]["per_second"], results["start"]["all CPUs"]["mint"]
    points = results["memory"]
    most, grown = points[-1]["pss_mib"], growth(points)
    return [
        Target("upstream calls per warm mint", "2", f"{calls:.2f}", calls == 2),  # noqa: PLR2004 - as wanted
        Target("p50, one client, 50 ms upstream, against the baseline", "≤ 0.42", f"{ratio:.3f}", ratio <= 0.42),  # noqa: PLR2004
        Target("CPU per warm mint, one CPU, 32 clients, 0 ms", "≤ 1.1 ms", f"{cpu_ms:.2f} ms", cpu_ms <= 1.1),  # noqa: PLR2004
        Target("mints/s, one CPU, 80 clients, 50 ms upstream", "≥ 600", f"{crowd:.0f}", crowd >= 600),  # noqa: PLR2004
        Target("start to /health", "≤ 0.4 s", f"{start['health_s']:.2f} s", start["health_s"] <= 0.4),  # noqa: PLR2004
        Target("start to the first token, 0 ms", "≤ 0.8 s", f"{start['token_s']:.2f} s", start["token_s"] <= 0.8),  # noqa: PLR2004
        Target(
            f"memory (PSS) after {points[-1]['mints']:,.0f} mints, and flat over their second half",
            f"≤ 130 MiB, ± {FLAT_MIB:.0f}",
            f"{most:.0f} MiB, {grown:+.1f}",
            most <= 130 and abs(grown) <= FLAT_MIB,  # noqa: PLR2004
        ),
    ]


def growth(points: list[dict[str, float]]) -> float:
    """Return by how many MiB memory changed over the second half of the mints."""
    half = next(point for point in points if point["mints"] >= points[-1]["mints"] / 2)
    return points[-1]["pss_mib"] - half["pss_mib"]
