"""Who may have a token: organization, workflow, role.

The answer is a :class:`Decision` that holds every rule, what it looked at and what it found. The error
sentence, the audit event, ``/v1/status`` and ``fullsend mint explain`` are all renderings of it, so that none
of them can say something the mint did not decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mintcore.errors import Denied, OrgNotAllowed, RoleNotAllowed, WorkflowNotAllowed
from mintcore.policy.names import Repo, fold, repo_provider_id

if TYPE_CHECKING:
    from mintcore.policy.claims import Caller
    from mintcore.policy.names import Org, Role
    from mintcore.policy.roles import RoleBook, RoleGrant

# The repository that holds an organization's own copies of the workflows.
CONFIG_REPO: Final = ".fullsend"


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What the operator has configured.

    ``orgs`` is ``None`` in public mode. ``workflow_files`` holds folded names; ``None`` is ``*``, any file, and
    an empty set denies every tight-mode request.
    """

    orgs: frozenset[Org] | None
    workflow_files: frozenset[str] | None
    host_repos: frozenset[Repo]
    per_repo_repos: frozenset[Repo]
    roles: RoleBook

    @property
    def public(self) -> bool:
        """Whether any organization may ask."""
        return self.orgs is None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and how it came out.

    ``found`` is what the caller brought, ``expected`` what would pass, ``remedy`` the sentence for a genuine
    caller that was denied; a rule that passed need not have one. None of them names anything of another
    organization.
    """

    name: str
    passed: bool
    found: str
    expected: str
    remedy: str
    failure: type[Denied]

    def fields(self) -> dict[str, str | bool]:
        """Return the rule as JSON values, for those who may know why: the caller itself and the operator.

        A rule that failed has the ``code`` that a request would be answered with, and what would have to change.
        """
        looked_at: dict[str, str | bool] = {
            "rule": self.name,
            "passed": self.passed,
            "found": self.found,
            "expected": self.expected,
        }
        return looked_at if self.passed else {**looked_at, "code": self.failure.code, "change": self.remedy}


@dataclass(frozen=True, slots=True)
class Decision:
    """Every rule that was looked at, in the contract's order."""

    rules: tuple[Rule, ...]

    @property
    def denial(self) -> Rule | None:
        """The first rule that did not pass, which is the one the caller hears of."""
        return next((rule for rule in self.rules if not rule.passed), None)

    @property
    def allowed(self) -> bool:
        """Whether every rule passed."""
        return self.denial is None

    def require(self) -> None:
        """Raise the denial (a subclass of Denied), if there is one."""
        rule = self.denial
        if rule is not None:
            raise rule.failure(rule.remedy, detail=f"rule {rule.name}: {rule.found}; {rule.expected}")


def decide(policy: TrustPolicy, caller: Caller, role: Role) -> Decision:
    """Return whether ``caller`` may have a token of ``role``."""
    return Decision((_org(policy, caller), *_workflow(policy, caller), _role(policy, role)))


def decide_status(policy: TrustPolicy, caller: Caller) -> Decision:
    """Return whether ``caller`` may see ``/v1/status``: its organization has to be served, no more."""
    return Decision((_org(policy, caller),))


def workflow_allowed(policy: TrustPolicy, caller: Caller) -> bool:
    """Return whether the caller's workflow would be trusted, for ``/v1/status``."""
    return Decision(_workflow(policy, caller)).allowed


def grant_for(policy: TrustPolicy, role: Role) -> RoleGrant:
    """Return the role's App and permissions; ask only after :meth:`Decision.require`."""
    return policy.roles.serves[role]


def provider_id(policy: TrustPolicy, repository: Repo, default: str) -> str:
    """Return the workload identity provider that judges tokens of ``repository``."""
    return repo_provider_id(repository) if repository in policy.per_repo_repos else default


def _org(policy: TrustPolicy, caller: Caller) -> Rule:
    passed = policy.orgs is None or caller.org in policy.orgs
    return Rule(
        name="org",
        passed=passed,
        found=f"the caller's organization is {caller.org}",
        expected="any organization is served" if policy.public else "it has to be one of ALLOWED_ORGS",
        remedy=""
        if passed
        else f"This mint does not serve the organization {caller.org}; ask the mint's operator to enroll it.",
        failure=OrgNotAllowed,
    )


def _workflow(policy: TrustPolicy, caller: Caller) -> tuple[Rule, ...]:
    workflow = caller.workflow
    if workflow is None:
        return (
            Rule(
                name="workflow_ref",
                passed=False,
                found=f"job_workflow_ref is {caller.workflow_text[:200]!r}: {caller.workflow_problem}",
                expected="it has to be owner/repo/.github/workflows/FILE@REF",
                remedy="The token's job_workflow_ref cannot be read as owner/repo/.github/workflows/FILE@REF: "
                f"{caller.workflow_problem}.",
                failure=WorkflowNotAllowed,
            ),
        )
    rules = (_workflow_repo(policy, caller, workflow.repo),)
    return rules if policy.public else (*rules, _workflow_file(policy, workflow.file))


def _workflow_repo(policy: TrustPolicy, caller: Caller, host: Repo) -> Rule:
    trusted = _trusted_hosts(policy, caller)
    listed = " or ".join(sorted(str(repo) for repo in trusted)) or "no repository"
    passed = host in trusted
    return Rule(
        name="workflow_repo",
        passed=passed,
        found=f"the workflow lives in {host}",
        expected=f"it has to live in {listed}",
        remedy=""
        if passed
        else f"The workflow lives in {host}, and this mint trusts workflows in {listed} only; call a reusable "
        "workflow from there, or ask the mint's operator to enroll this repository.",
        failure=WorkflowNotAllowed,
    )


def _trusted_hosts(policy: TrustPolicy, caller: Caller) -> frozenset[Repo]:
    # In public mode anyone can write what is in their own repositories, so these prove nothing.
    if policy.public:
        return policy.host_repos
    own = {Repo(caller.org, CONFIG_REPO)}
    if caller.repository in policy.per_repo_repos:
        own.add(caller.repository)
    return policy.host_repos | own


def _workflow_file(policy: TrustPolicy, file: str) -> Rule:
    files = policy.workflow_files
    return Rule(
        name="workflow_file",
        passed=files is None or fold(file) in files,
        found=f"the workflow file is {file}",
        expected="any file is trusted"
        if files is None
        else "it has to be one of ALLOWED_WORKFLOW_FILES" + ("" if files else ", which is not set"),
        remedy=f"The workflow file {file} is not one this mint trusts; ask the mint's operator to add it to "
        "ALLOWED_WORKFLOW_FILES.",
        failure=WorkflowNotAllowed,
    )


def _role(policy: TrustPolicy, role: Role) -> Rule:
    served = policy.roles.names
    return Rule(
        name="role",
        passed=role in policy.roles.serves,
        found=f"the role is {role}",
        expected=f"it has to be one of {', '.join(served) or 'no role at all'}",
        remedy=f"This mint does not serve the role {role}; it serves {', '.join(served) or 'none'}.",
        failure=RoleNotAllowed,
    )
