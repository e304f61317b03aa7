"""Compare GitHub's ids of a job's repository and of its owner with ENROLLED_IDS.

A workflow's token has these ids as claims. The token of another CI system's job does not, so GitHub is asked. A
mint usually finds the ids in answers that it needs anyway; only if those lack an id does it ask before
(docs/adr/0084).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mintcore.errors import OrgNotAllowed
from mintcore.policy.decision import EnrolledIds, Facts, IdsQuestion, Rule
from mintcore.policy.names import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mintcore.policy.caller import JobCaller
    from mintcore.policy.policy import TrustPolicy
    from mintcore.policy.scope import Reach

NO_IDS = Rule(
    name="ids",
    passed=True,
    found="no id was compared",
    expected="ENROLLED_IDS has neither the organization nor the repository",
    remedy="",
    failure=OrgNotAllowed,
)
_WITHOUT_ID = (
    "{} gives no id for {}, which this mint compares with the enrolled one, so the name is not enrolled; tell the "
    "mint's operator."
)
_DENIED = (
    "The name {} now belongs to a different account than the one that was enrolled, so it is not enrolled; ask the "
    "mint's operator to enroll it again."
)


class ComparedId(NamedTuple):
    """A name, its id in ENROLLED_IDS, and its present id, empty if it has none."""

    name: str
    enrolled: str
    now: str


def compared_rule(compared: Sequence[ComparedId], source: str, *, report_only: bool = False) -> Rule:
    """Return whether every name still has its enrolled id; ``source`` names the origin of the present ids."""
    if not compared:
        return NO_IDS
    wrong = [one for one in compared if one.enrolled != one.now]
    remedy = _WITHOUT_ID.format(source, ", ".join(one.name for one in wrong)) if wrong else ""
    other = ", ".join(one.name for one in wrong if one.now)
    return Rule(
        name="ids",
        passed=not wrong,
        found=", ".join(f"{one.name} has the id {one.now or 'none'}" for one in compared),
        expected=_expected([(one.name, one.enrolled) for one in compared]),
        remedy=_DENIED.format(other) if other else remedy,
        failure=OrgNotAllowed,
        report_only=report_only,
    )


def enrolled_ids(policy: TrustPolicy, caller: JobCaller) -> EnrolledIds | None:
    """Return the ids in ENROLLED_IDS of the job's repository and its owner, ``None`` if it has neither."""
    repository = caller.repository
    owner_id = policy.enrolled_orgs.get(repository.owner, "")
    repository_id = policy.enrolled_repos.get(repository, "")
    return EnrolledIds(repository, owner_id, repository_id) if owner_id or repository_id else None


def ids_from_answers(policy: TrustPolicy, caller: JobCaller, reach: Reach) -> EnrolledIds | None:
    """Return the ids to compare with GitHub's answers to the mint, ``None`` if those do not contain every id.

    These answers describe the installation and, with the token, each requested repository.
    """
    ids = enrolled_ids(policy, caller)
    if ids is None or reach.foreign or "ids" in policy.report_only:
        return None
    listed = ids.repository.key in map(fold, reach.repos)
    return ids if listed or not ids.repository_id else None


def job_ids_rule(policy: TrustPolicy, caller: JobCaller, facts: Facts, *, later: bool = False) -> Rule:
    """Return whether the job's repository and its owner still have the ids of ENROLLED_IDS.

    The result is open until GitHub has answered. ``later`` tells whether the ids are compared when the token is
    made.
    """
    ids = enrolled_ids(policy, caller)
    if ids is None:
        return NO_IDS
    question, report_only = IdsQuestion(ids), "ids" in policy.report_only
    now = facts.ids.get(question)
    if now is not None:
        return compared_rule(ids_compared(ids, *now), "GitHub", report_only=report_only)
    asked = [(str(ids.repository.owner), ids.owner_id), (str(ids.repository), ids.repository_id)]
    failure = facts.unanswered.get(question)
    found = "not checked here: the id is compared with GitHub's answer when a token is made"
    if failure is not None:
        found = f"GitHub could not be asked for the id ({failure})"
    return Rule(
        name="ids",
        passed=later,
        found=found,
        expected=_expected([(name, number) for name, number in asked if number]),
        remedy="" if later else f"GitHub could not be asked for the id of {ids.repository}; repeat the request.",
        failure=OrgNotAllowed,
        report_only=report_only,
        question=None if later or failure is not None else question,
    )


def ids_compared(ids: EnrolledIds, owner_id: str, repository_id: str) -> list[ComparedId]:
    """Return the comparison of ``ids`` with GitHub's present ids."""
    both = (
        ComparedId(str(ids.repository.owner), ids.owner_id, owner_id),
        ComparedId(str(ids.repository), ids.repository_id, repository_id),
    )
    # If the owner is another account, its repository is another one too, so the first comparison is enough.
    wrong_owner = bool(ids.owner_id) and ids.owner_id != owner_id
    return [one for one in both[: 1 if wrong_owner else 2] if one.enrolled]


def denied(ids: EnrolledIds, owner_id: str, repository_id: str) -> OrgNotAllowed | None:
    """Return the denial of a job whose repository or owner has another id now, ``None`` if both are the same."""
    rule = compared_rule(ids_compared(ids, owner_id, repository_id), "GitHub")
    return None if rule.passed else OrgNotAllowed(rule.remedy, detail=f"rule ids: {rule.found}; {rule.expected}")


def _expected(enrolled: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} must have the id {number}" for name, number in enrolled)
