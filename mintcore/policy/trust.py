"""Decide who may have a token, and which one: every rule in a fixed order, as one :class:`Decision`.

Called by the service for each request, and by ``fullsend mint explain``. Makes no calls and reads no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import InvalidLevel, PermissionsNotAllowed, RoleNotAllowed
from mintcore.policy.decision import NO_FACTS, Decision, Entitlement, Facts, Rule
from mintcore.policy.enrollment import claims_rule, ids_rule, org_rule
from mintcore.policy.levels import beyond
from mintcore.policy.names import repo_provider_id
from mintcore.policy.scope import reach_of, scope_rule
from mintcore.policy.workflow_rules import refs_rule, workflow_rules

if TYPE_CHECKING:
    from mintcore.policy.claims import Caller
    from mintcore.policy.levels import Permissions
    from mintcore.policy.names import Repo, Role
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.roles import RoleGrant
    from mintcore.policy.token_request import TokenRequest


def decide(policy: TrustPolicy, caller: Caller, request: TokenRequest, facts: Facts = NO_FACTS) -> Decision:
    """Return what ``caller`` may have of ``request``; ``facts`` are what GitHub has answered so far."""
    rules = [org_rule(policy, caller), *workflow_rules(policy, caller), _role_rule(policy, request.role)]
    grant = policy.roles.serves.get(request.role)
    level = request.level or policy.default_level
    permissions: Permissions | None = None
    if grant is not None:
        rules.append(_level_rule(grant, level))
        if level in grant.levels:
            permissions = grant.levels[level] if request.permissions is None else request.permissions
            rules.append(_permissions_rule(grant, level, permissions))
    rules += [claims_rule(policy, caller), ids_rule(policy, caller), refs_rule(policy, caller, facts)]
    reach = reach_of(policy, caller, request)
    rules.append(scope_rule(policy, caller, request, reach, facts))
    if grant is None or permissions is None:
        return Decision(tuple(rules))
    entitled = Entitlement(request.role, grant.app, level, permissions, reach.target, reach.repos)
    return Decision(tuple(rules), entitled)


def decide_status(policy: TrustPolicy, caller: Caller) -> Decision:
    """Return whether ``caller`` may see ``/v1/status``: its organization or repository must be enrolled."""
    return Decision((org_rule(policy, caller), ids_rule(policy, caller)))


def workflow_allowed(policy: TrustPolicy, caller: Caller) -> bool:
    """Return whether the caller's workflow is trusted, for ``/v1/status``.

    A commit that only GitHub can judge counts as trusted here.
    """
    rules = (*workflow_rules(policy, caller), refs_rule(policy, caller, NO_FACTS))
    return Decision(rules).denial is None


def provider_id(policy: TrustPolicy, repository: Repo, default: str) -> str:
    """Return the workload identity provider that judges tokens of ``repository``."""
    return repo_provider_id(repository) if repository in policy.per_repo_repos else default


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
    excess = beyond(asked, granted)
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
