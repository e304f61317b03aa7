"""Check the origin of the running source: compare Cloud Functions' source with a release's digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, Kind, Snapshot
from fullsend.operate.model.provenance import source_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend.operate.model.provenance import Provenance

_SHOWN = 12
_MAX_NAMES = 5


def provenance(snapshot: Snapshot) -> Iterator[Finding]:
    """Find a source that differs from the published one of its version, if a published digest was given."""
    published = snapshot.provenance
    if published is None:
        return
    if published.served.unreadable:
        what = f"The source in Cloud Functions was not checked: {published.served.unreadable}"
        yield Finding("provenance_not_checked", what, published.served.fix, Kind.UNCHECKED)
        return
    yield from _served(snapshot, published)
    running = snapshot.state.source_hash
    if running != published.served.sha256:
        what = (
            f"The serving revision was built from the source {running[:_SHOWN] or '(unknown)'}, but Cloud "
            f"Functions now has {published.served.sha256[:_SHOWN]}, so the serving source was not compared."
        )
        yield Finding("serves_another_source", what, snapshot.command("deploy"))


def _served(snapshot: Snapshot, published: Provenance) -> Iterator[Finding]:
    served = published.served
    if served.others:
        more = ", …" if len(served.others) > _MAX_NAMES else ""
        what = f"The source has files that no release has: {', '.join(served.others[:_MAX_NAMES])}{more}."
        yield Finding("source_with_other_files", what, snapshot.command("deploy"))
    version = snapshot.health.version if snapshot.health is not None else ""
    name = source_name(version)
    wanted = published.digests.get(name)
    if not version or wanted is None:
        what = f"{published.file} has no digest of {name if version else 'a source'}: the mint reports version " + (
            f"{version}." if version else "nothing."
        )
        fix = f"gh release download v{version or 'VERSION'} --pattern SHA256SUMS\nThen give this file: --provenance"
        yield Finding("provenance_missing", what, fix)
    elif wanted != served.sha256:
        what = (
            f"The mint reports version {version} and runs the source {served.sha256[:_SHOWN]}; "
            f"{published.file} has {wanted[:_SHOWN]} for {name}."
        )
        yield Finding("source_not_published", what, snapshot.command("deploy"))
