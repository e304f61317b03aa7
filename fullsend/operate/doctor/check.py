"""Read a snapshot, and run all checks over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.client.mint_health import probe
from fullsend.failure import BadInput, Failure
from fullsend.github.apps import KeyMismatch
from fullsend.github.github_errors import GitHubError
from fullsend.operate.doctor import (
    admission_checks,
    issuer_checks,
    key_checks,
    kms_checks,
    name_checks,
    protection_checks,
    provenance_checks,
    quota_checks,
    service_checks,
)
from fullsend.operate.doctor.finding import (
    AppReport,
    BuilderReport,
    Check,
    Finding,
    KmsReport,
    Snapshot,
)
from fullsend.operate.doctor.read_names import read_names
from fullsend.operate.gcp.read_state import roles_of
from fullsend.operate.model import environment
from fullsend.operate.model.kms_names import keys_in_use
from fullsend.operate.operate_errors import NotThere
from fullsend.operate.plan.build_account import unable_builder
from mintcore.policy.names import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.github.apps import GitHubApps
    from fullsend.github.name_resolver import NameResolver
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.mint_state import MintState
    from mintcore.secret import Secret

CHECKS: tuple[Check, ...] = (
    service_checks.apis,
    service_checks.function,
    service_checks.traffic,
    service_checks.threads,
    service_checks.source,
    provenance_checks.provenance,
    service_checks.variables,
    service_checks.builder,
    name_checks.names,
    admission_checks.pool,
    admission_checks.provider,
    admission_checks.organizations,
    admission_checks.repositories,
    issuer_checks.providers,
    issuer_checks.unlisted_issuers,
    issuer_checks.entries,
    issuer_checks.published,
    key_checks.secrets,
    kms_checks.keys,
    key_checks.apps,
    quota_checks.quotas,
    protection_checks.protections,
)


def check(snapshot: Snapshot) -> list[Finding]:
    """Return every finding, in the order of the checks."""
    return [finding for check in CHECKS for finding in check(snapshot)]


def read_snapshot(
    cloud: Cloud, state: MintState, *, github: GitHubApps, resolver: NameResolver, bundle_hash: str
) -> Snapshot:
    """Read a snapshot once; `state` has Google's part, GitHub and the mint are asked. Raises OperateError."""
    in_kms = keys_in_use(state.serving_environment)
    kms = {Role(role): _kms_report(cloud, version) for role, version in in_kms.items()}
    apps = {role: _ask(cloud, state, role, github) for role in sorted(roles_of(state.serving_environment))}
    return Snapshot(
        state=state,
        apps=apps,
        accounts=read_names(state.serving_environment, resolver, _installed(apps)),
        kms=kms,
        issuers=issuer_checks.read_published(state),
        health=probe(state.url) if state.url else None,
        bundle_hash=bundle_hash,
        builder=_builder(cloud),
    )


def _installed(apps: Mapping[Role, AppReport]) -> dict[str, str]:
    """Return the names of the accounts with an App, by lowercased name."""
    facts = [report.facts for report in apps.values() if report.facts is not None]
    return {one.login.lower(): one.login for found in facts for one in found.installations}


def _kms_report(cloud: Cloud, version: str) -> KmsReport:
    key = version.partition("/cryptoKeyVersions/")[0]
    try:
        found = cloud.kms.version(version)
        return KmsReport(version, found.state, found.algorithm, frozenset(cloud.kms.signers(key)))
    except NotThere:
        return KmsReport(version)
    except Failure as error:
        return KmsReport(version, unreadable=error.message, fix=error.remedy)


def _ask(cloud: Cloud, state: MintState, role: Role, github: GitHubApps) -> AppReport:
    version = keys_in_use(state.serving_environment).get(role)
    if version is not None:
        return _ask_with_kms(cloud, state, role, version, github)
    found = state.secrets.get(role)
    if found is None or not found.versions or found.versions[0].state != "ENABLED":
        return AppReport()  # the check of the secrets reports it
    try:
        app_id = environment.app_ids(state.serving_environment).get(role, "")
        key = cloud.secrets.value(state.location.secret(role))
    except Failure as error:
        return AppReport(unreadable=error.message, fix=error.remedy)
    return _report(github, app_id, key)


def _ask_with_kms(cloud: Cloud, state: MintState, role: Role, version: str, github: GitHubApps) -> AppReport:
    app_id = environment.app_ids(state.serving_environment).get(role, "")
    try:
        assertion = cloud.kms.app_assertion(version, app_id, github.now())
    except Failure as error:
        return AppReport(unreadable=error.message, fix=error.remedy)
    return _report(github, app_id, assertion)


def _report(github: GitHubApps, app_id: str, key: Secret | str) -> AppReport:
    try:
        return AppReport(facts=github.app_everywhere(app_id, key))
    except (BadInput, KeyMismatch) as error:
        return AppReport(refused=error.message, fix=error.remedy)
    except GitHubError as error:
        return AppReport(unreadable=error.message, fix=error.remedy)


def _builder(cloud: Cloud) -> BuilderReport:
    email = unable_builder(cloud)
    return BuilderReport(email, may_build=not email)
