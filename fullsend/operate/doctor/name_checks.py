"""Check the enrolled names: renamed, unknown to GitHub, or taken over by another account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, NameReport, Snapshot
from fullsend.operate.model import environment
from mintcore.policy.names import Org, Repo

if TYPE_CHECKING:
    from collections.abc import Iterator


def enrolled(variables: environment.Variables) -> list[Org | Repo]:
    """Return every organization and repository that is enrolled."""
    return [*environment.orgs(variables), *environment.repos(variables)]


def names(snapshot: Snapshot) -> Iterator[Finding]:
    """Find names that GitHub no longer knows, and names that now belong to another account."""
    ids = environment.ids(snapshot.environment)
    for target in enrolled(snapshot.environment):
        report = snapshot.accounts.get(str(target).lower(), NameReport())
        pinned = ids.get(str(target).lower(), "")
        if report.gone:
            yield _gone(snapshot, target, report, pinned)
        elif pinned and report.number and report.number != pinned:
            yield _taken_over(snapshot, target, report, pinned)


def _gone(snapshot: Snapshot, target: Org | Repo, report: NameReport, pinned: str) -> Finding:
    unenroll = snapshot.command(f"unenroll {target}")
    if report.known_as:
        by = f" (id {pinned})" if pinned else ""
        what = f"GitHub now knows {target}{by} as {report.known_as}: its jobs are no longer admitted."
        return Finding("renamed", what, f"{snapshot.command(f'enroll {report.known_as}')}\n{unenroll}")
    kind = "organization or user" if isinstance(target, Org) else "repository"
    what = f"GitHub knows no {kind} {target}: it was renamed or deleted, or this login cannot see it."
    return Finding("name_unknown", what, f"{unenroll}\nIf it is private, set GH_TOKEN to a token that can see it.")


def _taken_over(snapshot: Snapshot, target: Org | Repo, report: NameReport, pinned: str) -> Finding:
    kind = "account" if isinstance(target, Org) else "repository"
    now = f"; the enrolled {kind} is now {report.known_as}" if report.known_as else ""
    what = (
        f"The name {target} now belongs to another {kind}: it has the id {report.number}, and {pinned} was "
        f"enrolled{now}. The mint denies its requests."
    )
    again = snapshot.command(f"enroll {target}")
    return Finding(
        "name_taken_over", what, f"{snapshot.command(f'unenroll {target}')}\nIf you trust the new {kind}: {again}"
    )
