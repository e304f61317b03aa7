"""Gathering a snapshot, and all checks over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.client.mint_health import probe
from fullsend.failure import BadInput, Failure
from fullsend.github.apps import KeyMismatch
from fullsend.github.github_errors import GitHubError
from fullsend.operate.doctor import admission_checks, key_checks, service_checks
from fullsend.operate.doctor.finding import AppReport, Check, Finding, Snapshot
from fullsend.operate.gcp.read_state import roles_of
from fullsend.operate.model import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.github.apps import GitHubApps
    from fullsend.github.name_resolver import NameResolver
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.names import Role

CHECKS: tuple[Check, ...] = (
    service_checks.apis,
    service_checks.function,
    service_checks.traffic,
    service_checks.threads,
    service_checks.source,
    service_checks.variables,
    admission_checks.pool,
    admission_checks.provider,
    admission_checks.organizations,
    admission_checks.repositories,
    key_checks.secrets,
    key_checks.apps,
)


def check(snapshot: Snapshot) -> list[Finding]:
    """Return every finding, in the order of the checks."""
    return [finding for check in CHECKS for finding in check(snapshot)]


def read_snapshot(
    cloud: Cloud, state: MintState, *, github: GitHubApps, resolver: NameResolver, bundle_hash: str
) -> Snapshot:
    """Look at everything once: Google was, now GitHub and the mint itself."""
    apps = {role: _ask(cloud, state, role, github) for role in sorted(roles_of(state.serving_environment))}
    return Snapshot(
        state=state,
        apps=apps,
        spelling=_spelling(state, apps, resolver),
        health=probe(state.url) if state.url else None,
        bundle_hash=bundle_hash,
    )


def _ask(cloud: Cloud, state: MintState, role: Role, github: GitHubApps) -> AppReport:
    found = state.secrets.get(role)
    if found is None or not found.versions or found.versions[0].state != "ENABLED":
        return AppReport()  # the check of the secrets says so
    try:
        app_id = environment.app_ids(state.serving_environment).get(role, "")
        key = cloud.secrets.value(state.location.secret(role))
    except Failure as error:
        return AppReport(unreadable=error.message, mend=error.remedy)
    try:
        return AppReport(facts=github.app_everywhere(app_id, key))
    except (BadInput, KeyMismatch) as error:
        return AppReport(refused=error.message, mend=error.remedy)
    except GitHubError as error:
        return AppReport(unreadable=error.message, mend=error.remedy)


def _spelling(state: MintState, apps: Mapping[Role, AppReport], resolver: NameResolver) -> dict[str, str]:
    """Return GitHub's case by lowercased name, where installations show it without another call."""
    spelling = {
        one.login.lower(): one.login
        for report in apps.values()
        if report.facts is not None
        for one in report.facts.installations
    }
    for org in environment.orgs(state.serving_environment):
        if org.key not in spelling:
            try:
                spelling[org.key] = resolver.org(org).login
            except Failure:
                continue  # private, renamed or unreachable: the environment's own spelling has to do
    return spelling
