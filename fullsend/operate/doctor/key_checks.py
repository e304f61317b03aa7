"""Check the roles: their secrets, their Apps, and the Apps' installations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import AppReport, Finding, Kind, NameReport, Snapshot
from fullsend.operate.gcp.read_state import roles_of
from fullsend.operate.gcp.secret_manager import ACCESSOR, ENABLED
from fullsend.operate.model import environment
from fullsend.operate.model.app_permissions import missing, permissions_of, used_by
from fullsend.operate.model.mint_state import SecretState
from fullsend.operate.model.names import secret_id
from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend.github.apps import AppFacts, Installation
    from mintcore.policy.names import Role


def secrets(snapshot: Snapshot) -> Iterator[Finding]:
    """Find secrets that are missing, have no usable version, or that the mint may not read."""
    for role in sorted(set(roles_of(snapshot.environment)) - snapshot.kms.keys()):
        found = snapshot.state.secrets.get(role, SecretState())
        again = snapshot.command(f"add-role {role} --app-id {_app_id(snapshot, role)} --pem FILE.pem")
        if found.versions is None:
            yield Finding("secret_missing", f"The secret {secret_id(role)} does not exist.", again)
            continue
        if found.latest is None:
            yield Finding("secret_empty", f"The secret {secret_id(role)} has no version.", again)
        elif found.latest.state != ENABLED:
            yield _unusable_version(snapshot, role, found)
        if snapshot.state.member not in found.readers:
            project = snapshot.state.location.project
            fix = (
                f"gcloud secrets add-iam-policy-binding {secret_id(role)} --project {project} "
                f"--role {ACCESSOR} --member {snapshot.state.member}"
            )
            yield Finding("secret_without_access", f"The mint may not read the secret {secret_id(role)}.", fix)


def _unusable_version(snapshot: Snapshot, role: Role, found: SecretState) -> Finding:
    version = found.latest
    number, state = (version.number, version.state) if version is not None else (0, "")
    what = f"The newest version ({number}) of {secret_id(role)} is {state}; the mint reads only the newest."
    if state == "DISABLED":
        where = f"--secret {secret_id(role)} --project {snapshot.state.location.project}"
        return Finding("secret_version_disabled", what, f"gcloud secrets versions enable {number} {where}")
    fix = snapshot.command(f"add-role {role} --app-id {_app_id(snapshot, role)} --pem FILE.pem")
    return Finding("secret_version_disabled", what, fix)


def _app_id(snapshot: Snapshot, role: Role) -> str:
    try:
        return environment.app_ids(snapshot.environment).get(role, "APP_ID")
    except BadInput:
        return "APP_ID"


def apps(snapshot: Snapshot) -> Iterator[Finding]:
    """Find keys of other Apps, and Apps or installations that lack a permission."""
    for role in sorted(roles_of(snapshot.environment)):
        if not permissions_of(role, snapshot.environment):
            what = f"The role {role} is neither built in nor in CUSTOM_ROLE_PERMISSIONS: it is not served."
            app_id = _app_id(snapshot, role)
            where = "--kms" if role in snapshot.kms else "--use-existing-secret"
            fix = f"add-role {role} --app-id {app_id} {where} --permission NAME:LEVEL"
            yield Finding("role_without_permissions", what, snapshot.command(fix))
        report = snapshot.apps.get(role, AppReport())
        if report.unreadable:
            what = f"The App of the role {role} was not checked: {report.unreadable}"
            yield Finding("app_not_checked", what, report.fix, Kind.UNCHECKED)
        if report.refused:
            yield _key_of_another_app(snapshot, role, report)
        if report.facts is not None:
            yield from _app(snapshot, role, report.facts)


def _key_of_another_app(snapshot: Snapshot, role: Role, report: AppReport) -> Finding:
    """Return the finding with both possible fixes: another key for the App ID, or another App ID for the key."""
    in_kms = role in snapshot.kms
    place = snapshot.kms[role].version if in_kms else secret_id(role)
    what = f"The key in {place} is not App {_app_id(snapshot, role)}'s: {report.refused}"
    replace = snapshot.command(f"{'import-key' if in_kms else 'rotate-key'} {role} --pem FILE.pem")
    keep = f"add-role {role} --app-id APP_ID {'--kms' if in_kms else '--use-existing-secret'}"
    fix = f"{replace}\nor, if the App ID is wrong: {snapshot.command(keep)}"
    return Finding("key_of_another_app", what, fix)


def _app(snapshot: Snapshot, role: Role, facts: AppFacts) -> Iterator[Finding]:
    needed = used_by(role, snapshot.environment)
    lacking = missing(needed, facts.permissions)
    if lacking:
        what = f"The App {facts.slug} of the role {role} lacks {', '.join(lacking)}."
        fix = f"Add it on the App's page under 'Permissions': {facts.page}"
        yield Finding("app_lacks_permission", what, fix)
    installed = {one.login.lower(): one for one in facts.installations}
    known = environment.ids(snapshot.environment)
    for org in environment.orgs(snapshot.environment):
        found = installed.get(org.key)
        report, pinned = snapshot.accounts.get(org.key, NameReport()), known.get(org.key, "")
        if report.gone or (pinned and report.number and report.number != pinned):
            continue  # the check of the names reports this problem
        if found is None:
            what = f"The App {facts.slug} of the role {role} is not installed on {org}."
            # GitHub does not say whether an App is private.
            private = "" if org.key == facts.owner.lower() else "; make the App public first, if it is private"
            yield Finding(
                "app_not_installed", what, f"An owner of {org} installs it: {facts.page}/installations/new{private}"
            )
        else:
            asked = {name: level for name, level in needed.items() if not missing({name: level}, facts.permissions)}
            yield from _installation(role, facts, found, missing(asked, found.permissions))


def _installation(role: Role, facts: AppFacts, found: Installation, lacking: list[str]) -> Iterator[Finding]:
    if found.suspended:
        what = f"The App {facts.slug} of the role {role} is suspended on {found.login}."
        yield Finding("installation_suspended", what, f"An owner of {found.login} unsuspends it: {found.page}")
    if lacking:
        what = f"{found.login} has not accepted {', '.join(lacking)} for the App {facts.slug} of the role {role}."
        fix = f"An owner of {found.login} reviews the request: {found.page}"
        yield Finding("permissions_not_accepted", what, fix)
