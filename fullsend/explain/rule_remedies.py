"""Tell the operator what to change when a rule failed. The mint's own remedies are written for callers.

Policy has decided that the rule failed; this module only describes the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.explain.job_remedies import for_level, for_role
from mintcore.policy.caller import JobCaller, WorkflowCaller
from mintcore.policy.policy import CALLER
from mintcore.policy.roles import key_role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import Rule
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.token_request import TokenRequest
    from mintcore.policy.workflow_ref import WorkflowRef


@dataclass(frozen=True, slots=True)
class Denial:
    """A failed rule, with its request and mint.

    ``place`` holds the command line options that name a deployed mint, empty for a file of variables.
    """

    rule: Rule
    policy: TrustPolicy
    caller: Caller
    request: TokenRequest | None
    place: str

    @property
    def workflow(self) -> WorkflowRef | None:
        """The caller's workflow, ``None`` for a job of another CI system."""
        return self.caller.workflow if isinstance(self.caller, WorkflowCaller) else None

    def change(self, command: str, edit: str) -> str:
        """Return the command for a deployed mint, or the edit of a file."""
        return f"fullsend mint {command} {self.place}" if self.place else f"{edit[0].upper()}{edit[1:]}."


def for_operator(denial: Denial) -> str:
    """Return the command or the edit. A rule that the configuration cannot change keeps the caller's remedy."""
    remedy = _REMEDIES.get(denial.rule.name)
    return remedy(denial) if remedy else denial.rule.remedy


def _org(denial: Denial) -> str:
    org = denial.caller.org
    return denial.change(f"enroll {org}", f"add {org} to ALLOWED_ORGS")


def _ids(denial: Denial) -> str:
    caller, policy = denial.caller, denial.policy
    alone = policy.is_enrolled_alone(caller.repository)
    wanted = str(caller.repository if alone else caller.org)
    again = denial.change(f"enroll {wanted}", f"correct {wanted} in ENROLLED_IDS")
    return f"Find out who owns the name now. If it is the right account, enroll it again: {again}"


def _workflow_repo(denial: Denial) -> str:
    workflow, policy = denial.workflow, denial.policy
    if workflow is None:
        return denial.rule.remedy
    host = str(workflow.repo)
    instead = "Let the job call a reusable workflow from a trusted repository."
    if host == str(denial.caller.repository) and not policy.public:
        own = denial.change(f"enroll {host}", f"add {host} to PER_REPO_WIF_REPOS")
        return f"{instead} Or trust the workflows of {host} only for {host}: {own}"
    hosts = ",".join([*sorted(str(repo) for repo in policy.host_repos), host])
    every = denial.change(f"deploy --env WORKFLOW_HOST_REPOS={hosts}", f"set WORKFLOW_HOST_REPOS={hosts}")
    return f"{instead} Only if every organization may trust {host}: {every}"


def _workflow_file(denial: Denial) -> str:
    workflow = denial.workflow
    if workflow is None:
        return denial.rule.remedy
    file = workflow.file
    return denial.change(f"deploy --workflow-files {file}", f"add {file} to ALLOWED_WORKFLOW_FILES")


def _workflow_refs(denial: Denial) -> str:
    workflow, patterns = denial.workflow, denial.policy.workflow_refs
    # A ref that is not a branch or tag cannot be listed.
    if workflow is None or patterns is None or not workflow.ref.startswith(("refs/heads/", "refs/tags/")):
        return denial.rule.remedy
    refs = f"{patterns},{workflow.ref}".replace(", ", ",")
    trusted = denial.change(f"deploy --env WORKFLOW_REFS={refs}", f"set WORKFLOW_REFS={refs}")
    return f"{denial.rule.remedy} Or trust that ref: {trusted}"


def _role(denial: Denial) -> str:
    if denial.request is None:
        return denial.rule.remedy
    policy, role = denial.policy, denial.request.role
    served = policy.roles.names
    if role in policy.roles.holds:
        roles = ",".join([*served, role])
        return denial.change(f"deploy --env ALLOWED_ROLES={roles}", f"add {role} to ALLOWED_ROLES")
    own = key_role(role)
    added = denial.change(f"add-role {own} --app-id N --pem FILE.pem", f"give {own} an App in ROLE_APP_IDS")
    return f"This mint serves {', '.join(served) or 'no role'}. To serve {role}: {added}"


def _repo_scope(denial: Denial) -> str:
    policy, caller, request = denial.policy, denial.caller, denial.request
    if policy.is_enrolled_alone(caller.repository):
        own = denial.change(f"enroll {caller.org}", f"add {caller.org} to ALLOWED_ORGS")
        return f"{denial.rule.remedy} Only if every repository of {caller.org} may mint: {own}"
    if policy.grants or request is None or _scope_of(denial, request) != CALLER:
        return denial.rule.remedy
    granted = denial.change("deploy --env GRANTS=1", "set GRANTS=1")
    return f"{denial.rule.remedy} Or let the repository grant it: {granted}"


def _scope_of(denial: Denial, request: TokenRequest) -> str:
    return denial.policy.scope_of(request.role, listed=isinstance(denial.caller, JobCaller))


def _target_org(denial: Denial) -> str:
    if denial.policy.grants:
        return denial.rule.remedy
    granted = denial.change("deploy --env GRANTS=1", "set GRANTS=1")
    return f"Only if organizations may grant access to each other: {granted}"


def _entry_role(denial: Denial) -> str:
    caller = denial.caller
    if not isinstance(caller, JobCaller):
        return denial.rule.remedy
    return for_role(denial.rule, caller, denial.request, denial.place)


def _entry_level(denial: Denial) -> str:
    caller = denial.caller
    if not isinstance(caller, JobCaller):
        return denial.rule.remedy
    return for_level(denial.rule, caller, denial.request, denial.place)


_REMEDIES: Mapping[str, Callable[[Denial], str]] = {
    "org": _org,
    "ids": _ids,
    "workflow_repo": _workflow_repo,
    "workflow_file": _workflow_file,
    "workflow_refs": _workflow_refs,
    "role": _role,
    "callers_role": _entry_role,
    "callers_level": _entry_level,
    "repo_scope": _repo_scope,
    "target_org": _target_org,
}
