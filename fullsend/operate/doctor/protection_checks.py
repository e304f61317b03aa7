"""Check which protections are off, as on older mints. Each fix first reports, and denies only later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, Kind, Snapshot
from fullsend.operate.model import environment
from fullsend.operate.model.environment import REPORT_ONLY
from fullsend.operate.plan.deployment import NEW_REPO_SCOPE, NEW_WORKFLOW_REFS, REPO_SCOPE, WORKFLOW_REFS

if TYPE_CHECKING:
    from collections.abc import Iterator


def protections(snapshot: Snapshot) -> Iterator[Finding]:
    """Find each protection that is off, or that only reports."""
    variables = snapshot.environment
    if not _is_caller_scope(variables.get(REPO_SCOPE, "")):
        what = "REPO_SCOPE is off: a job can get a token for every repository of its organization."
        more = (
            "Afterwards, a request without repositories gets only the calling repository. First see which jobs "
            "that changes: {snapshot.command('doctor --events FILE')}"
        )
        yield _off(snapshot, "repo_scope_off", what, f"--repo-scope {NEW_REPO_SCOPE}", "repo_scope", more)
    if snapshot.is_public() and not variables.get(WORKFLOW_REFS, "").strip():
        what = "WORKFLOW_REFS is off: the mint is public and trusts any commit, tag or branch of a workflow host."
        yield _off(snapshot, "workflow_refs_off", what, f"--workflow-refs '{NEW_WORKFLOW_REFS}'", "workflow_refs")
    yield from _ids(snapshot)
    for rule in environment.items(variables, REPORT_ONLY):
        left = ",".join(one for one in environment.items(variables, REPORT_ONLY) if one != rule)
        what = f"The rule {rule} only reports: requests that it would deny are granted."
        fix = (
            "First see which jobs it would stop: fullsend audit find --would-deny FILE\n"
            f"Then: {snapshot.command(f'deploy --env {REPORT_ONLY}={left}')}"
        )
        yield Finding("rule_only_reports", what, fix, Kind.PROTECTION_OFF)
    if environment.items(variables, environment.REPO_ONLY):
        what = (
            f"{environment.REPO_ONLY} comes from an older version: its organizations are in ALLOWED_ORGS only for "
            "single repositories, but their tokens can reach the whole organization."
        )
        yield Finding("repo_only_orgs", what, snapshot.command("deploy"), Kind.PROTECTION_OFF)


def _is_caller_scope(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return text.strip() == NEW_REPO_SCOPE
    try:
        scopes = json.loads(text)
    except ValueError:
        return False
    return isinstance(scopes, dict) and scopes.get("*") == NEW_REPO_SCOPE


def _off(snapshot: Snapshot, code: str, what: str, option: str, rule: str, *more: str) -> Finding:
    command = snapshot.command(f"deploy {option} {_reporting(snapshot, rule)}")
    fix = "\n".join((command, "This reports first and denies nothing.", *more))
    return Finding(code, what, fix, Kind.PROTECTION_OFF)


def _reporting(snapshot: Snapshot, rule: str) -> str:
    """Return the option that makes a rule only report, in addition to those that already do."""
    listed = environment.items(snapshot.environment, REPORT_ONLY)
    return f"--env {REPORT_ONLY}={','.join([*listed, *([] if rule in listed else [rule])])}"


def _ids(snapshot: Snapshot) -> Iterator[Finding]:
    known = environment.ids(snapshot.environment)
    # Such an organization is listed only for single repositories, so enrolling it would widen access.
    names = [*environment.admitted_orgs(snapshot.environment), *environment.repos(snapshot.environment)]
    unpinned = [str(one) for one in names if str(one).lower() not in known]
    if unpinned:
        listed = ", ".join(unpinned)
        what = f"ENROLLED_IDS has no id for {listed}: another account that takes over such a name can mint."
        report = snapshot.command(f"deploy {_reporting(snapshot, 'ids')}")
        only = environment.reports_only(snapshot.environment, "ids")
        first = "The rule ids only reports already." if only else f"To report first: {report}"
        fix = "\n".join([first, *(snapshot.command(f"enroll {name}") for name in unpinned)])
        yield Finding("ids_not_pinned", what, fix, Kind.PROTECTION_OFF)
