"""Decide which repositories a token may reach: the caller's scope, and the grants of targets beyond it.

A token is for the caller's own organization, or for one that granted this caller this role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mintcore.errors import GrantsNotEnabled, ScopeNotAllowed, TargetNotGranted
from mintcore.policy.caller import JobCaller
from mintcore.policy.decision import Facts, GrantQuestion, Rule, Target
from mintcore.policy.grants import grants_to, variable_name
from mintcore.policy.names import Org, Repo, RepoName, fold
from mintcore.policy.policy import CALLER, CONFIG_REPO

if TYPE_CHECKING:
    from mintcore.policy.caller import Caller
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.token_request import TokenRequest

_MAX_SHOWN = 10


class Reach(NamedTuple):
    """A request with its defaults filled in: ``repos`` of ``target``, all of them if empty."""

    target: Target
    repos: tuple[RepoName, ...]
    foreign: bool

    def __str__(self) -> str:
        if not self.repos:
            return f"every repository of the installation on {self.target.org}"
        names = [f"{self.target.org}/{name}" for name in self.repos]
        more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
        return ", ".join(names[:_MAX_SHOWN]) + more


def reach_of(policy: TrustPolicy, caller: Caller, request: TokenRequest) -> Reach:
    """Return the reach of ``request``. Without a list it is the calling repository if the scope is ``caller``."""
    own = Target(caller.org, caller.owner_id)
    if request.target_org is not None and request.target_org != caller.org:
        return Reach(Target(request.target_org), request.repos, foreign=True)
    if request.repos or request.everything or not _to_itself(policy, caller, request):
        return Reach(own, request.repos, foreign=False)
    return Reach(own, (RepoName(caller.repository.name),), foreign=False)


def scope_rule(policy: TrustPolicy, caller: Caller, request: TokenRequest, reach: Reach, facts: Facts) -> Rule:
    """Return whether the caller may reach what it asks for."""
    if reach.foreign:
        return _foreign_rule(policy, caller, request, reach, facts)
    if _in_scope(policy, caller, request, reach):
        return Rule(
            name="repo_scope",
            passed=True,
            found=f"it asks for {reach}",
            expected=_scope(policy, caller, request),
            remedy="",
            failure=ScopeNotAllowed,
        )
    # REPORT_ONLY tries out a new limit. It must not remove a limit that always applied.
    report_only = "repo_scope" in policy.report_only and not _has_fixed_scope(policy, caller)
    if policy.grants:
        return _granted_rule("repo_scope", caller, request, reach, facts, report_only=report_only)
    return Rule(
        name="repo_scope",
        passed=False,
        found=f"it asks for {reach}",
        expected=_scope(policy, caller, request),
        remedy=f"This job may not ask for {reach}: {_scope(policy, caller, request)}.",
        failure=ScopeNotAllowed,
        report_only=report_only,
    )


def _to_itself(policy: TrustPolicy, caller: Caller, request: TokenRequest) -> bool:
    listed = isinstance(caller, JobCaller)
    return policy.scope_of(request.role, listed=listed) == CALLER or policy.is_enrolled_alone(caller.repository)


def _has_fixed_scope(policy: TrustPolicy, caller: Caller) -> bool:
    """Return whether the caller's scope does not depend on REPO_SCOPE: it is enrolled by itself, or a job."""
    return isinstance(caller, JobCaller) or policy.is_enrolled_alone(caller.repository)


def _in_scope(policy: TrustPolicy, caller: Caller, request: TokenRequest, reach: Reach) -> bool:
    if not _to_itself(policy, caller, request):
        return True
    if not reach.repos:
        return False
    asked, own = {fold(name) for name in reach.repos}, caller.repository.key
    if policy.is_enrolled_alone(caller.repository):
        return asked == {own}
    return own == CONFIG_REPO or asked <= {own, CONFIG_REPO}


def _scope(policy: TrustPolicy, caller: Caller, request: TokenRequest) -> str:
    if policy.is_enrolled_alone(caller.repository):
        return f"{caller.repository} is enrolled by itself and may ask for itself only"
    if not _to_itself(policy, caller, request):
        return f"the role {request.role} may ask for any repository of {caller.org}"
    if caller.repository.key == CONFIG_REPO:
        return f"it may ask for repositories of {caller.org} by name, and not for all of them at once"
    return f"it may ask for {caller.repository} and {caller.org}/{CONFIG_REPO} only"


def _foreign_rule(policy: TrustPolicy, caller: Caller, request: TokenRequest, reach: Reach, facts: Facts) -> Rule:
    if policy.grants:
        return _granted_rule("target_org", caller, request, reach, facts, report_only=False)
    return Rule(
        name="target_org",
        passed=False,
        found=f"it asks for {reach}",
        expected=f"grants are off: it may ask for {caller.org} only",
        remedy=f"This mint gives tokens for the caller's own organization only, which is {caller.org}; leave out "
        "target_org, or ask the mint's operator to set GRANTS=1.",
        failure=GrantsNotEnabled,
    )


def _granted_rule(
    name: str, caller: Caller, request: TokenRequest, reach: Reach, facts: Facts, *, report_only: bool
) -> Rule:
    """Return whether every target grants. Targets with an unknown variable are the open questions, in order."""
    variable = variable_name(request.role)
    org = reach.target.org
    targets: list[Org | Repo] = [Repo(org, repo) for repo in reach.repos] or [org]
    expected = f"each target must list {caller.repository} or {caller.org} in {variable}"
    questions: list[GrantQuestion] = []
    refused = None
    for target in targets:
        asked = GrantQuestion(target, variable)
        value = facts.grants.get(asked)
        if value is None and asked not in facts.unanswered:
            questions.append(asked)
        elif value is None or not grants_to(value, caller.repository):
            refused = target
            break
    return Rule(
        name=name,
        passed=refused is None and not questions,
        found=f"it asks for {reach}" + ("" if refused is None else f", and {refused} does not grant it"),
        expected=expected,
        remedy="" if refused is None else _grant_remedy(refused, caller, request),
        failure=TargetNotGranted,
        report_only=report_only,
        question=questions[0] if questions and refused is None else None,
        more_questions=() if refused is not None else tuple(questions[1:]),
    )


def _grant_remedy(refused: Org | Repo, caller: Caller, request: TokenRequest) -> str:
    refusal = f"{refused} does not grant the role {request.role} to {caller.repository}"
    if refused == caller.repository:
        # The caller needs no grant for this repository; only the other names are outside its scope.
        return (
            f"The request names repositories outside the scope, so each of them must grant, and {refusal}. Fix: "
            f"request the other repositories in a separate request, without {refused}."
        )
    kind, owner = ("repository", refused.owner) if isinstance(refused, Repo) else ("organization", refused)
    return (
        f"{refusal}. Fix: ask an owner of {owner} to run `fullsend github grant {refused} --role {request.role} "
        f"--caller {caller.repository}`, which adds {caller.repository} to the Actions variable "
        f"{variable_name(request.role)} of the {kind} {refused}. The role's GitHub App must be installed there. A "
        "new grant takes up to a minute."
    )
