"""Find in a mint's audit events which granted requests the protections would deny, before they deny.

The mint's own policy decides each event again, with every protection on and reporting. Pure. If an event lacks data
(a claim that only REQUIRED_CLAIMS reads, an answer of GitHub), the rule stays open.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fullsend.operate.plan.deployment import NEW_REPO_SCOPE, NEW_WORKFLOW_REFS, REPO_SCOPE, WORKFLOW_REFS
from mintcore.errors import InvalidToken, MintError
from mintcore.policy.claims import check_claims
from mintcore.policy.policy import REPORTABLE
from mintcore.policy.token_request import parse_token_request
from mintcore.policy.trust import decide
from mintcore.settings.environment import read_hosted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mintcore.policy.decision import Decision
    from mintcore.policy.policy import TrustPolicy

REPORT_ONLY = "REPORT_ONLY"
_ANY = "rehearsal"
# The claim of each field of an event's caller (docs/audit-event.schema.json).
_CLAIMS = {
    "repository": "repository",
    "owner": "repository_owner",
    "repository_id": "repository_id",
    "owner_id": "repository_owner_id",
    "workflow_ref": "job_workflow_ref",
    "workflow_sha": "job_workflow_sha",
    "top_workflow_ref": "workflow_ref",
    "run_id": "run_id",
    "run_attempt": "run_attempt",
    "event": "event_name",
    "ref": "ref",
    "sha": "sha",
    "actor": "actor",
    "actor_id": "actor_id",
}


@dataclass(frozen=True, slots=True, order=True)
class DeniedCaller:
    """A caller whose requests a rule would deny, their number, and the change that would allow them."""

    rule: str
    repository: str
    workflow: str
    role: str
    change: str
    times: int = 0


@dataclass(frozen=True, slots=True, order=True)
class NarrowedCaller:
    """A caller that named no repositories, got all of them, and would get only its own repository."""

    repository: str
    workflow: str
    role: str
    times: int = 0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The callers that would be denied or get less, and the numbers of decided and undecided granted requests.

    ``undecided`` of the decided ones depend on data that an event lacks: GitHub's answer about a grant or a commit,
    or a claim that only REQUIRED_CLAIMS reads.
    """

    stopped: tuple[DeniedCaller, ...]
    decided: int
    unreadable: int
    narrowed: tuple[NarrowedCaller, ...] = ()
    undecided: int = 0


def protected(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with every protection on and all of them reporting."""
    scope = environment.get(REPO_SCOPE, "")
    refs = environment.get(WORKFLOW_REFS, "")
    return {
        **environment,
        REPO_SCOPE: scope if scope not in {"", "organization"} else NEW_REPO_SCOPE,
        WORKFLOW_REFS: refs or NEW_WORKFLOW_REFS,
        REPORT_ONLY: ",".join(REPORTABLE),
    }


def rehearse(events: Iterable[Mapping[str, Any]], environment: Mapping[str, str]) -> Rehearsal:
    """Return the callers of granted requests that would be denied. Raises ConfigurationError."""
    policy = read_hosted(protected(environment)).common.policy
    held = {name: values for name, values in policy.required_claims.items() if name in _CLAIMS.values()}
    lacks_claims = len(held) < len(policy.required_claims)
    policy = replace(policy, required_claims=held)
    counted: Counter[DeniedCaller] = Counter()
    narrowed: Counter[NarrowedCaller] = Counter()
    decided = unreadable = undecided = 0
    for event in events:
        if event.get("event") != "mint" or event.get("outcome") != "granted":
            continue
        decision = _decision(event, policy)
        if decision is None:
            unreadable += 1
            continue
        decided += 1
        repository, workflow = (str(event["caller"].get(name, "")) for name in ("repository", "workflow_ref"))
        role = str(event.get("role", ""))
        would_deny = [(rule.name, rule.remedy) for rule in decision.rules if rule.would_deny]
        would_deny += _known_then(event, decision)
        for name, change in would_deny:
            counted[DeniedCaller(name, repository, workflow, role, change)] += 1
        if not would_deny:
            undecided += lacks_claims or any(rule.question is not None for rule in decision.rules)
        if _gets_less(event, decision):
            narrowed[NarrowedCaller(repository, workflow, role)] += 1
    stopped = (replace(one, times=times) for one, times in counted.items())
    less = (replace(one, times=times) for one, times in narrowed.items())
    return Rehearsal(tuple(sorted(stopped)), decided, unreadable, tuple(sorted(less)), undecided)


def _known_then(event: Mapping[str, Any], decision: Decision) -> list[tuple[str, str]]:
    """Return the rules that depend on GitHub and that a reporting mint noted as denying at the time."""
    listed = event.get("would_deny")
    denied = listed if isinstance(listed, list) else []
    rules = [rule.name for rule in decision.rules if rule.question is not None and rule.name in denied]
    return [(name, "GitHub's answer at the time denied it; the event has the details.") for name in rules]


def _gets_less(event: Mapping[str, Any], decision: Decision) -> bool:
    """Return whether a request without repositories got all of them and would now get only its own."""
    got_all = event.get("scope") == [] and not event.get("repos")
    return got_all and decision.entitlement is not None and bool(decision.entitlement.repos)


def _decision(event: Mapping[str, Any], policy: TrustPolicy) -> Decision | None:
    caller = event.get("caller")
    if not isinstance(caller, dict) or "issuer" in caller:
        return None  # the event of another CI system's job lacks the claims that its entry matches
    claims: dict[str, Any] = {claim: caller.get(field, "") for field, claim in _CLAIMS.items()}
    claims |= {"iss": _ANY, "aud": _ANY, "exp": 1, "nbf": 0, "iat": 0}
    asked = {name: event[name] for name in ("role", "repos", "level", "target_org") if event.get(name)}
    if event.get("asked_permissions"):
        asked["permissions"] = event["asked_permissions"]
    try:
        return decide(
            policy,
            check_claims(claims, issuer=_ANY, audience=_ANY, now=0),
            parse_token_request(json.dumps(asked, default=str).encode()),
        )
    except (InvalidToken, MintError):
        return None
