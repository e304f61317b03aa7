"""What ``fullsend-mint --check`` prints: what this configuration would serve, for a person to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mintcore.settings import StandaloneSettings


def report(settings: StandaloneSettings) -> str:
    """Return the settings and the roles as text in columns; it holds no secret."""
    common, policy = settings.common, settings.common.policy
    told = [
        ("listens on", f":{settings.port}"),
        ("organisations", "any (public mode)" if policy.orgs is None else _list(str(org) for org in policy.orgs)),
        ("workflow files", "any" if policy.workflow_files is None else _list(policy.workflow_files)),
        ("trusted repos", _list(str(repo) for repo in policy.host_repos)),
        ("own workflows", _list(str(repo) for repo in policy.per_repo_repos)),
        ("audience", common.audience),
        ("issuer", common.issuer_url),
        ("GitHub API", common.github_api_url),
        ("rate limit", common.rate_limit or "none"),
        ("other roles", f"forwarded to {settings.fallback_url}" if settings.fallback_url else "denied"),
    ]
    rows = [("ROLE", "APP ID", "KEY", "PERMISSIONS")]
    rows += [
        (
            role,
            grant.app.app_id,
            f"{settings.pem_dir.rstrip('/')}/{grant.app.key_role}.pem",
            " ".join(f"{name}:{level}" for name, level in grant.permissions.items()),
        )
        for role, grant in sorted(policy.roles.serves.items())
    ]
    title = f"fullsend-mint {VERSION}: " + (common.unhealthy or "the settings and the key files are good")
    return "\n".join([title, "", *_columns(told), "", *_columns(rows)])


def _list(items: Iterable[str]) -> str:
    return ", ".join(sorted(items)) or "none"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
