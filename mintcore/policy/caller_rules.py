"""Rules about a job of another CI system: the entry of CALLERS that it matches, and what that entry allows.

The first entry in the list that matches and has the role decides. Attack: anyone can run jobs at a public issuer,
so a job learns what an entry expects only if the entry pins the job's own project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mintcore.errors import ClaimsNotAllowed, PermissionsNotAllowed, RoleNotAllowed
from mintcore.policy.caller import Job, JobCaller
from mintcore.policy.caller_entry import is_exact, value_matches
from mintcore.policy.decision import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.names import Role
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.roles import RoleGrant

_MAX_SHOWN = 120


class MatchedEntry(NamedTuple):
    """The rule, and the caller that the job becomes by its entry; ``None`` if no entry matches."""

    rule: Rule
    caller: JobCaller | None


def match_job(policy: TrustPolicy, job: Job, role: Role | None) -> MatchedEntry:
    """Return the entry of CALLERS that decides about ``job``; ``role`` is ``None`` if the job requests no role."""
    entries = entries_of(policy, job)
    entry = next((one for one in entries if role is None or role in one.roles), entries[0] if entries else None)
    if entry is None:
        return MatchedEntry(_denied(job, [one for one in policy.callers if one.issuer == job.issuer]), None)
    rule = Rule(
        name="callers",
        passed=True,
        found=f"the job is {_named(job)}, which {entry.name} lists",
        expected="an entry of CALLERS must match the job",
        remedy="",
        failure=ClaimsNotAllowed,
    )
    caller = JobCaller(
        entry.acts_as,
        job,
        entry,
        claims=job.claims,
        token_id=job.token_id,
        expires_at=job.expires_at,
        issuer=job.issuer,
        owner_id="" if "ids" in policy.report_only else policy.enrolled_orgs.get(entry.acts_as.owner, ""),
    )
    return MatchedEntry(rule, caller)


def entries_of(policy: TrustPolicy, job: Job) -> list[CallerEntry]:
    """Return the entries that match ``job``, in the order of the list."""
    return [entry for entry in policy.callers if entry.issuer == job.issuer and not failing(entry, job)]


def failing(entry: CallerEntry, job: Job) -> list[str]:
    """Return the claims of ``job`` that do not match the entry."""
    return [claim for claim, wanted in entry.match.items() if not value_matches(job.claims.get(claim), wanted)]


def of_project(entry: CallerEntry, job: Job) -> bool:
    """Return whether ``job`` belongs to the project that the entry pins; other claims may fail."""
    return entry.issuer == job.issuer and not _failing_project_claims(entry, job)


def _failing_project_claims(entry: CallerEntry, job: Job) -> list[str]:
    """Return the claims about the project that do not match the entry."""
    return [claim for claim in failing(entry, job) if claim in entry.identity]


def entry_role_rule(policy: TrustPolicy, caller: JobCaller, role: Role) -> Rule:
    """Return whether the entry has the role. The remedy names an entry of the same project that has it."""
    entry, listed = caller.entry, ", ".join(caller.entry.roles)
    passed = role in entry.roles
    missed = [] if passed else [one for one in policy.callers if role in one.roles and of_project(one, caller.job)]
    other = "".join(f" {one.name} allows {role} and fails: {_wrong(one, caller.job)}." for one in missed[:1])
    return Rule(
        name="callers_role",
        passed=passed,
        found=f"the role is {role}",
        expected=f"{entry.name} has {listed}",
        remedy=""
        if passed
        else f"{entry.name} does not allow this job the role {role}; it allows {listed}.{other} Fix: ask for one "
        "of these, or ask the mint's operator to add the role to the entry.",
        failure=RoleNotAllowed,
    )


def entry_level_rule(caller: JobCaller, grant: RoleGrant, level: str) -> Rule:
    """Return whether ``level``, one of the role's levels, is within the entry's level."""
    entry, order = caller.entry, list(grant.levels)
    highest = entry.level
    passed = not highest or (highest in order and order.index(level) <= order.index(highest))
    return Rule(
        name="callers_level",
        passed=passed,
        found=f"the level is {level}",
        expected=f"{entry.name} allows levels up to {highest}" if highest else f"{entry.name} allows every level",
        remedy=""
        if passed
        else f"{entry.name} allows this job the role {grant.role} up to the level {highest}, and it asks for "
        f"{level}. Fix: ask for {highest}, or ask the mint's operator to raise the level of the entry.",
        failure=PermissionsNotAllowed,
    )


def _denied(job: Job, entries: Sequence[CallerEntry]) -> Rule:
    if not entries:
        missing = f"CALLERS has no entry for the issuer {job.issuer}"
        return _rule(job, missing, "an entry of CALLERS must match the job", f"{missing}. Fix: {_OPERATOR}")
    nearest = min(entries, key=lambda entry: (len(_failing_project_claims(entry, job)), len(failing(entry, job))))
    own = of_project(nearest, job)
    # A stranger that learned which other claims fail could confirm guesses about the entry.
    wrong = failing(nearest, job) if own else _failing_project_claims(nearest, job)
    failures = ", ".join(_failed(nearest, claim, job, with_value=own) for claim in wrong)
    fix = "run the job so that its claims match, or " if own else ""
    wanted = " and ".join(f"{claim} {_must_be(nearest.match[claim])}" for claim in wrong)
    return _rule(
        job,
        f"the closest entry is {nearest.name}, but {failures}",
        wanted if own else "an entry of CALLERS must match the job",
        f"No entry of CALLERS matches this job. The closest is {nearest.name}, but {failures}. Fix: {fix}"
        f"{_OPERATOR}",
    )


def _wrong(entry: CallerEntry, job: Job) -> str:
    return ", ".join(_failed(entry, claim, job, with_value=True) for claim in failing(entry, job))


_OPERATOR = "ask the mint's operator to add an entry to CALLERS for it."


def _rule(job: Job, found: str, expected: str, remedy: str) -> Rule:
    return Rule(
        name="callers",
        passed=False,
        found=f"the job is {_named(job)}; {found}",
        expected=expected,
        remedy=remedy,
        failure=ClaimsNotAllowed,
    )


def _failed(entry: CallerEntry, claim: str, job: Job, *, with_value: bool) -> str:
    value = job.claims.get(claim)
    wanted = _must_be(entry.match[claim])
    if value is None:
        return f"the token has no {claim}, which {wanted}" if with_value else f"the token has no {claim}"
    found = f"{claim} is {value[:_MAX_SHOWN]!r}"
    return f"{found} and {wanted}" if with_value else found


def _must_be(wanted: str) -> str:
    return f"must be {wanted!r}" if is_exact(wanted) else f"must begin with {wanted[:-1]!r}"


def _named(job: Job) -> str:
    number = f" ({job.project_id[:_MAX_SHOWN]})" if job.project_id else ""
    return f"{job.project[:_MAX_SHOWN]!r}{number} of {job.issuer}"
