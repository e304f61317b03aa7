"""Decide whether a caller may have a token, and which one: every rule in a fixed order, as one :class:`Decision`.

The service calls it for each request, and ``fullsend mint explain`` calls it offline. It makes no calls and reads
no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import InvalidLevel, PermissionsNotAllowed, RoleNotAllowed
from mintcore.policy.caller import JobCaller, WorkflowCaller
from mintcore.policy.caller_rules import entries_of, entry_level_rule, entry_role_rule, match_job
from mintcore.policy.decision import NO_FACTS, Decision, Entitlement, Facts, Rule
from mintcore.policy.enrolled_ids import ids_from_answers, job_ids_rule
from mintcore.policy.enrollment import claims_rule, ids_rule, org_rule
from mintcore.policy.issuers import issuer_provider_id
from mintcore.policy.levels import missing_access
from mintcore.policy.names import repo_provider_id
from mintcore.policy.scope import reach_of, scope_rule
from mintcore.policy.workflow_rules import refs_rule, workflow_rules

if TYPE_CHECKING:
    from mintcore.policy.caller import Claimant
    from mintcore.policy.levels import Permissions
    from mintcore.policy.names import Role
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.roles import RoleGrant
    from mintcore.policy.token_request import TokenRequest


def decide(
    policy: TrustPolicy,
    claimant: Claimant,
    request: TokenRequest,
    facts: Facts = NO_FACTS,
    *,
    minting: bool = False,
) -> Decision:
    """Return policy's decision on ``request`` of ``claimant``; ``facts`` holds GitHub's answers so far.

    With ``minting`` an allowed decision leads to a token, and a job's ids are compared when the token is made.
    """
    caller: WorkflowCaller | JobCaller
    if isinstance(claimant, WorkflowCaller):
        caller = claimant
        rules = [org_rule(policy, caller), *workflow_rules(policy, caller), _role_rule(policy, request.role)]
    else:
        first, matched = match_job(policy, claimant, request.role)
        if matched is None:
            return Decision((first,))
        caller = matched
        rules = [first, org_rule(policy, caller), _role_rule(policy, request.role)]
        rules.append(entry_role_rule(policy, caller, request.role))
    grant = policy.roles.serves.get(request.role)
    level = request.level or _level_of(caller) or policy.default_level
    permissions: Permissions | None = None
    if grant is not None:
        rules.append(_level_rule(grant, level))
        if level in grant.levels:
            permissions = grant.levels[level] if request.permissions is None else request.permissions
            rules += _within(caller, grant, level, permissions)
    rules.append(claims_rule(policy, caller))
    reach = reach_of(policy, caller, request)
    ids = None
    if isinstance(caller, WorkflowCaller):
        rules += [ids_rule(policy, caller), refs_rule(policy, caller, facts)]
    else:
        ids = ids_from_answers(policy, caller, reach) if minting else None
        rules.append(job_ids_rule(policy, caller, facts, later=ids is not None))
    rules.append(scope_rule(policy, caller, request, reach, facts))
    if grant is None or permissions is None:
        return Decision(tuple(rules), caller=caller)
    entitled = Entitlement(request.role, grant.app, level, permissions, reach.target, reach.repos, ids)
    return Decision(tuple(rules), entitled, caller)


def decide_status(policy: TrustPolicy, claimant: Claimant, role: Role | None = None) -> Decision:
    """Return whether ``claimant`` may see ``/v1/status`` and ask about ``role`` there.

    Its organization or repository must be enrolled, and a job must match an entry of CALLERS.
    """
    if isinstance(claimant, WorkflowCaller):
        return Decision((org_rule(policy, claimant), ids_rule(policy, claimant)), caller=claimant)
    first, matched = match_job(policy, claimant, role)
    if matched is None:
        return Decision((first,))
    return Decision((first, org_rule(policy, matched)), caller=matched)


def workflow_allowed(policy: TrustPolicy, claimant: Claimant) -> bool:
    """Return for ``/v1/status`` whether the claimant's workflow is trusted; a job's is trusted if an entry matches.

    A commit counts as trusted here, because only GitHub can check it.
    """
    if not isinstance(claimant, WorkflowCaller):
        return bool(entries_of(policy, claimant))
    rules = (*workflow_rules(policy, claimant), refs_rule(policy, claimant, NO_FACTS))
    return Decision(rules).denial is None


def roles_of(policy: TrustPolicy, claimant: Claimant) -> tuple[str, ...]:
    """Return the roles that ``/v1/status`` lists: all served roles, or for a job those of its enrolled entries."""
    if isinstance(claimant, WorkflowCaller):
        return tuple(policy.roles.names)
    listing = [entry for entry in entries_of(policy, claimant) if policy.enrolls(entry.acts_as)]
    listed = {role for entry in listing for role in entry.roles}
    return tuple(role for role in policy.roles.names if role in listed)


def provider_id(policy: TrustPolicy, claimant: Claimant, default: str) -> str:
    """Return the workload identity provider for the tokens of ``claimant``."""
    if claimant.issuer:
        return issuer_provider_id(claimant.issuer)
    if isinstance(claimant, WorkflowCaller) and claimant.repository in policy.per_repo_repos:
        return repo_provider_id(claimant.repository)
    return default


def _level_of(caller: WorkflowCaller | JobCaller) -> str:
    return caller.entry.level if isinstance(caller, JobCaller) else ""


def _within(
    caller: WorkflowCaller | JobCaller, grant: RoleGrant, level: str, permissions: Permissions
) -> list[Rule]:
    """Return whether the level is within the entry's, and the permissions within the level."""
    inside = _permissions_rule(grant, level, permissions)
    return [entry_level_rule(caller, grant, level), inside] if isinstance(caller, JobCaller) else [inside]


def _role_rule(policy: TrustPolicy, role: Role) -> Rule:
    served = ", ".join(policy.roles.names)
    passed = role in policy.roles.serves
    return Rule(
        name="role",
        passed=passed,
        found=f"the role is {role}",
        expected=f"it must be one of {served}" if served else "this mint serves no role",
        remedy="" if passed else f"This mint does not serve the role {role}; it serves {served or 'none'}.",
        failure=RoleNotAllowed,
    )


def _level_rule(grant: RoleGrant, level: str) -> Rule:
    levels = ", ".join(grant.levels)
    passed = level in grant.levels
    return Rule(
        name="level",
        passed=passed,
        found=f"the level is {level}",
        expected=f"it must be one of {levels}",
        remedy="" if passed else f"The role {grant.role} has no level {level}; its levels are {levels}.",
        failure=InvalidLevel,
    )


def _permissions_rule(grant: RoleGrant, level: str, asked: Permissions) -> Rule:
    granted = grant.levels[level]
    excess = missing_access(asked, granted)
    listed = ", ".join(f"{name}:{access}" for name, access in granted.items())
    return Rule(
        name="permissions",
        passed=not excess,
        found="it asks for "
        + ("the level's permissions" if asked is granted else ", ".join(f"{n}:{a}" for n, a in asked.items())),
        expected=f"they must be within {listed}",
        remedy=f"The role {grant.role} at level {level} does not include {', '.join(excess)}; it has {listed}."
        if excess
        else "",
        failure=PermissionsNotAllowed,
    )
