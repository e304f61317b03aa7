"""Rules about the job's workflow: it comes from a trusted repository, a listed file and a trusted ref."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import WorkflowNotAllowed
from mintcore.policy.decision import CommitQuestion, Facts, Rule
from mintcore.policy.names import fold
from mintcore.policy.policy import CONFIG_REPO
from mintcore.policy.workflow_ref import is_commit

if TYPE_CHECKING:
    from mintcore.policy.caller import WorkflowCaller
    from mintcore.policy.names import Repo
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.ref_patterns import RefPatterns
    from mintcore.policy.workflow_ref import WorkflowRef


def workflow_rules(policy: TrustPolicy, caller: WorkflowCaller) -> tuple[Rule, ...]:
    """Return the rules about the workflow's repository and file."""
    workflow = caller.workflow
    if workflow is None:
        return (_unreadable(caller),)
    rules = (_repo_rule(policy, caller, workflow.repo),)
    return rules if policy.public else (*rules, _file_rule(policy, workflow.file))


def refs_rule(policy: TrustPolicy, caller: WorkflowCaller, facts: Facts) -> Rule:
    """Return whether a host's workflow runs at a ref in WORKFLOW_REFS.

    For a commit the result may be open, because only GitHub knows whether the host contains it.
    """
    workflow, patterns = caller.workflow, policy.workflow_refs
    if patterns is None or workflow is None or workflow.repo not in policy.host_repos:
        return Rule(
            name="workflow_refs",
            passed=True,
            found=f"the workflow is read at {workflow.ref}" if workflow else "the token has no workflow ref",
            expected="any ref is trusted" if patterns is None else "only refs of WORKFLOW_HOST_REPOS are checked",
            remedy="",
            failure=WorkflowNotAllowed,
        )
    question = _question(workflow, patterns)
    contained = None if question is None else facts.commits.get(question)
    passed = patterns.match(workflow.ref) or bool(contained)
    open_question = question if contained is None and question not in facts.unanswered else None
    return Rule(
        name="workflow_refs",
        passed=passed,
        found=f"the workflow is read at {workflow.ref}" + _said(question, facts),
        expected=f"it must match WORKFLOW_REFS: {patterns}",
        remedy="" if passed else _remedy(workflow, patterns),
        failure=WorkflowNotAllowed,
        report_only="workflow_refs" in policy.report_only,
        question=None if passed else open_question,
    )


def _question(workflow: WorkflowRef, patterns: RefPatterns) -> CommitQuestion | None:
    if not patterns.commits or not is_commit(workflow.ref):
        return None
    return CommitQuestion(workflow.repo, workflow.ref.lower(), patterns.exact)


def _said(question: CommitQuestion | None, facts: Facts) -> str:
    if question is None:
        return ""
    if question in facts.unanswered:
        return f"; whether {question.host} contains it could not be asked ({facts.unanswered[question]})"
    contained = facts.commits.get(question)
    if contained is None:
        return f"; GitHub has to say whether {question.host} contains it"
    return f"; {question.host} {'contains' if contained else 'does not contain'} it"


def _remedy(workflow: WorkflowRef, patterns: RefPatterns) -> str:
    if is_commit(workflow.ref) and patterns.commits:
        return (
            f"The commit {workflow.ref} is not part of {' or '.join(patterns.exact)} of {workflow.repo}; use a "
            "commit that is, or one of those refs."
        )
    return f"This mint does not trust {workflow.repo} at {workflow.ref}; call the workflow at {patterns}."


def _unreadable(caller: WorkflowCaller) -> Rule:
    return Rule(
        name="workflow_ref",
        passed=False,
        found=f"job_workflow_ref is {caller.workflow_text[:200]!r}: {caller.workflow_problem}",
        expected="it must be owner/repo/.github/workflows/FILE@REF",
        remedy="The token's job_workflow_ref cannot be read as owner/repo/.github/workflows/FILE@REF: "
        f"{caller.workflow_problem}.",
        failure=WorkflowNotAllowed,
    )


def _repo_rule(policy: TrustPolicy, caller: WorkflowCaller, host: Repo) -> Rule:
    own = _own_hosts(policy, caller)
    listed = " or ".join(sorted({*map(str, policy.host_repos), *own})) or "no repository"
    passed = host in policy.host_repos or fold(str(host)) in map(fold, own)
    return Rule(
        name="workflow_repo",
        passed=passed,
        found=f"the workflow lives in {host}",
        expected=f"it must live in {listed}",
        remedy=""
        if passed
        else f"The workflow lives in {host}, and this mint trusts workflows in {listed} only; call a reusable "
        "workflow from there, or ask the mint's operator to enroll this repository.",
        failure=WorkflowNotAllowed,
    )


def _own_hosts(policy: TrustPolicy, caller: WorkflowCaller) -> tuple[str, ...]:
    """Return the caller's own repositories whose workflows are trusted."""
    # In public mode, anyone can push to their own repository, so its workflows prove nothing.
    if policy.public:
        return ()
    config = f"{caller.org}/{CONFIG_REPO}"
    return (config, str(caller.repository)) if caller.repository in policy.per_repo_repos else (config,)


def _file_rule(policy: TrustPolicy, file: str) -> Rule:
    files = policy.workflow_files
    passed = files is None or fold(file) in files
    return Rule(
        name="workflow_file",
        passed=passed,
        found=f"the workflow file is {file}",
        expected="any file is trusted"
        if files is None
        else "it must be in ALLOWED_WORKFLOW_FILES" + ("" if files else ", which is not set"),
        remedy=""
        if passed
        else f"This mint does not trust the workflow file {file}; ask the mint's operator to add it to "
        "ALLOWED_WORKFLOW_FILES.",
        failure=WorkflowNotAllowed,
    )
