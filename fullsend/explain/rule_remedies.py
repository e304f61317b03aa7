"""What an operator does about a rule that failed. The mint's own remedies are written for callers.

Decides words only: that the rule failed is the policy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.policy.roles import key_role

if TYPE_CHECKING:
    from mintcore.policy.claims import Caller
    from mintcore.policy.decision import Rule
    from mintcore.policy.names import Role
    from mintcore.policy.policy import TrustPolicy


def for_operator(rule: Rule, policy: TrustPolicy, caller: Caller, role: Role, place: str) -> str:
    """Return what to run or to change; `place` are a deployed mint's options, empty for a file of variables.

    A rule that is not the configuration's to change keeps the caller's remedy.
    """
    if rule.name == "org":
        return _change(f"enroll {caller.org}", f"add {caller.org} to ALLOWED_ORGS", place)
    if rule.name == "workflow_repo" and caller.workflow is not None:
        return _workflow_repo(policy, caller, str(caller.workflow.repo), place)
    if rule.name == "workflow_file" and caller.workflow is not None:
        file = caller.workflow.file
        return _change(f"deploy --workflow-files {file}", f"add {file} to ALLOWED_WORKFLOW_FILES", place)
    if rule.name == "role":
        return _role(policy, role, place)
    return rule.remedy


def _change(command: str, edit: str, place: str) -> str:
    return f"fullsend mint {command} {place}" if place else f"{edit[0].upper()}{edit[1:]}."


def _workflow_repo(policy: TrustPolicy, caller: Caller, host: str, place: str) -> str:
    instead = "Let the job call a reusable workflow from a trusted repository."
    if host == str(caller.repository) and not policy.public:
        own = _change(f"enroll {host}", f"add {host} to PER_REPO_WIF_REPOS", place)
        return f"{instead} Or trust the workflows of {host} for itself: {own}"
    hosts = ",".join([*sorted(str(repo) for repo in policy.host_repos), host])
    every = _change(f"deploy --env WORKFLOW_HOST_REPOS={hosts}", f"set WORKFLOW_HOST_REPOS={hosts}", place)
    return f"{instead} Only if every organization is to trust {host}: {every}"


def _role(policy: TrustPolicy, role: Role, place: str) -> str:
    served = policy.roles.names
    if role in policy.roles.holds:
        roles = ",".join([*served, role])
        return _change(f"deploy --env ALLOWED_ROLES={roles}", f"add {role} to ALLOWED_ROLES", place)
    own = key_role(role)
    added = _change(f"add-role {own} --app-id N --pem FILE.pem", f"give {own} an App in ROLE_APP_IDS", place)
    return f"Served are {', '.join(served) or 'none'}. To serve {role}: {added}"
