"""A policy with entries for jobs of other CI systems, and what one of them asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mintcore.errors import MintError
from mintcore.policy.names import RepoName, Role
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from tests.job_doubles import settings

if TYPE_CHECKING:
    from mintcore.policy.caller import Job
    from mintcore.policy.decision import Decision
    from mintcore.policy.policy import TrustPolicy

CODER, TRIAGE = Role("coder"), Role("triage")


def policy(*entries: dict[str, Any], **changes: str) -> TrustPolicy:
    return settings(*entries, **changes).policy


def asked(job: Job, *entries: dict[str, Any], role: Role = CODER, **more: Any) -> Decision:
    changes = {name: more.pop(name) for name in list(more) if name.isupper()}
    repos = tuple(RepoName(name) for name in more.pop("repos", ()))
    return decide(policy(*entries, **changes), job, TokenRequest(role, repos, **more))


def code(decision: Decision) -> str:
    try:
        decision.granted()
    except MintError as failure:
        return failure.code
    return "granted"
