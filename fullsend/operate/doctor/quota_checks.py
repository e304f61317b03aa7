"""Check GitHub's rate limit for each App: every token that the mint creates counts against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fullsend.github.quota import Quota

LOW = 0.1
"""Less than this part of the hour's requests left is a problem."""


def quotas_of(snapshot: Snapshot) -> Mapping[str, Quota]:
    """Return the quota by the App's name; one App can serve several roles."""
    facts = [report.facts for report in snapshot.apps.values() if report.facts is not None]
    return {app.slug: app.quota for app in facts if app.quota is not None}


def quotas(snapshot: Snapshot) -> Iterator[Finding]:
    """Find Apps whose requests GitHub will soon refuse."""
    for app, quota in quotas_of(snapshot).items():
        if quota.remaining < quota.limit * LOW:
            what = f"GitHub accepts only {quota.remaining} more requests of the App {app} until {quota.ends}."
            fix = (
                "Find the caller with the most mints in the log, and set RATE_LIMIT. If all callers need their "
                "tokens, give one role a separate App: fullsend github create-app"
            )
            yield Finding("app_quota_low", what, fix)
