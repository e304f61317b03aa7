"""Check the traffic targets of a Cloud Run service, and find the revisions that they mean."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fullsend_sandbox.google.errors import invalid

KIND = "TRAFFIC_TARGET_ALLOCATION_TYPE_"
LATEST = f"{KIND}LATEST"
REVISION = f"{KIND}REVISION"
WHOLE = 100

Target = Mapping[str, Any]


def to_latest() -> list[dict[str, Any]]:
    """Return the target that always means the newest revision that is ready."""
    return [{"type": LATEST, "percent": WHOLE}]


def check_traffic(traffic: Sequence[Target], revisions: Collection[str]) -> None:
    """Check what was written. Raises RefusedError."""
    if sum(target.get("percent", 0) for target in traffic) != WHOLE:
        raise invalid("Traffic targets' percent must add up to 100.")
    tags = [target["tag"] for target in traffic if target.get("tag")]
    if len(tags) != len(set(tags)):
        raise invalid("A traffic tag may be used once.")
    for target in traffic:
        if target.get("percent", 0) < 0:
            raise invalid("A traffic target's percent must not be negative.")
        _check_target(target, revisions)


def _check_target(target: Target, revisions: Collection[str]) -> None:
    kind, revision = target.get("type"), target.get("revision")
    if kind == LATEST:
        if revision:
            raise invalid(f"A traffic target of type {LATEST} must not name a revision.")
    elif kind == REVISION:
        if revision not in revisions:
            raise invalid(f"Revision named '{revision}' in traffic does not exist.")
    else:
        raise invalid(f"A traffic target must have the type {LATEST} or {REVISION}.")


def targets_of(traffic: Sequence[Target], latest_ready: str | None) -> list[tuple[str, int]]:
    """Return names of revisions and their per cent; before a revision is ready, without entries that need one."""
    shares: dict[str, int] = {}
    for target in traffic:
        revision = latest_ready if target["type"] == LATEST else target["revision"]
        if revision is not None:
            shares[revision] = shares.get(revision, 0) + target.get("percent", 0)
    return [(revision, percent) for revision, percent in shares.items() if percent]
