"""Tell the operator which entry of CALLERS would allow the denied request of another CI system's job."""

from __future__ import annotations

import json
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.caller_rules import of_project
from mintcore.policy.kinds.table import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mintcore.policy.caller import Job, JobCaller
    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.decision import Rule
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.token_request import TokenRequest

_REFS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gitlab": ("ref_path", "ref_protected"),
        "circleci": ("oidc.circleci.com/vcs-origin", "oidc.circleci.com/vcs-ref"),
    }
)
"""The claims that limit an entry to a ref."""


def for_unlisted(rule: Rule, job: Job, policy: TrustPolicy, request: TokenRequest | None, place: str) -> str:
    """Return the entry that would allow a job that no entry matches, for its project and ref."""
    listed = any(of_project(entry, job) for entry in policy.callers)
    role = str(request.role) if request is not None else "ROLE"
    added = _entry({"issuer": job.issuer, "match": _match(job), "as": "OWNER/REPO", "roles": [role]}, place)
    if not listed:
        then = " Then run the job on a protected branch or tag." if job.ref_protected == "false" else ""
        return f"{_said(rule)} No entry has the job's project. Fix: only if this project must mint: {added}{then}"
    if job.ref_protected == "false":
        # An entry with ref_protected would not allow this job, and one without it would allow every branch.
        return f"{_said(rule)} Fix: run the job on a protected branch or tag."
    return f"{_said(rule)} Fix: run the job so that its claims match. Only if this job itself must mint: {added}"


def for_role(rule: Rule, caller: JobCaller, request: TokenRequest | None, place: str) -> str:
    """Return the command that adds the requested role to the job's entry."""
    entry = caller.entry
    if request is None:
        return rule.remedy
    changed = _changed(entry, [*map(str, entry.roles), str(request.role)], entry.level, place)
    return f"{_said(rule)} Fix: ask for one of these. Or give the entry the role: {changed}"


def for_level(rule: Rule, caller: JobCaller, request: TokenRequest | None, place: str) -> str:
    """Return the command that raises the level of the job's entry to the requested one."""
    entry = caller.entry
    if request is None or not request.level:
        return rule.remedy
    raised = _changed(entry, [str(role) for role in entry.roles], request.level, place)
    return f"{_said(rule)} Fix: ask for {entry.level}. Or raise the level of the entry: {raised}"


def _said(rule: Rule) -> str:
    return rule.remedy.partition(" Fix: ")[0]


def _match(job: Job) -> dict[str, str]:
    """Return claims that pin the job's project, and its ref if the kind has claims for it."""
    pinned = next((names for names in KINDS[job.kind].identities if all(job.claims.get(one) for one in names)), ())
    found = {name: job.claims[name] for name in (*pinned, *_REFS.get(job.kind, ())) if job.claims.get(name)}
    # Everyone who can push creates unprotected refs, so an entry never names one.
    return found | ({"ref_protected": "true"} if "ref_protected" in found else {})


def _changed(entry: CallerEntry, roles: Sequence[str], level: str, place: str) -> str:
    """Return the command that gives an entry other roles or another level; match and repository stay."""
    return _entry({**entry.fields(), "roles": list(roles), **({"level": level} if level else {})}, place)


def _entry(fields: Mapping[str, Any], place: str) -> str:
    """Return the command for a deployed mint, or the entry to write in a file."""
    if not place:
        return f"in CALLERS: {json.dumps(fields)}"
    words = [word for claim, value in fields["match"].items() for word in ("--match", f"{claim}={value}")]
    words += ["--as", fields["as"], *(word for role in fields["roles"] for word in ("--role", role))]
    words += ["--level", fields["level"]] if "level" in fields else []
    return f"{shlex.join(['fullsend', 'mint', 'issuer', 'add', fields['issuer'], *words])} {place}"
