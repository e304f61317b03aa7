"""Render where the CPU time of a mint goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping


def profile_tables(results: Mapping[str, Any]) -> str:
    """Return the shares by step, library and function, and the CPU time that each share is."""
    profile, cpu_ms = results["profile"], results["cpu"]["mint"]["ms"]
    if "missing" in profile:
        return f"No profile: {profile['missing']}."
    parts = []
    for kind, head in (("steps", "step"), ("libraries", "library of the running line"), ("functions", "function")):
        rows = [
            (f"`{what}`" if kind == "functions" else what, f"{share:.1%}", f"{share * cpu_ms * 1000:.0f}")
            for what, share in list(profile[kind].items())[:25]
        ]
        parts.append(table((head, "share", "µs per mint"), rows))
    parts.append(
        f"{profile['samples']} samples; {profile['torn']} incomplete samples are left out. A difference of a few\n"
        "in a hundred is chance. As a check: gunicorn, framework and Flask together should take as long as the\n"
        "empty function."
    )
    return "\n\n".join(parts)
