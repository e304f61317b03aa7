"""Rules about the caller: it is enrolled, with the same account, and its token has the required claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.errors import ClaimsNotAllowed, OrgNotAllowed
from mintcore.policy.caller_entry import value_matches
from mintcore.policy.decision import Rule
from mintcore.policy.enrolled_ids import ComparedId, compared_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mintcore.policy.caller import Caller, WorkflowCaller
    from mintcore.policy.policy import TrustPolicy

_MAX_SHOWN = 120
_NO_CLAIMS = Rule(
    name="claims",
    passed=True,
    found="no claim was looked at",
    expected="no claim is required",
    remedy="",
    failure=ClaimsNotAllowed,
)


def org_rule(policy: TrustPolicy, caller: Caller) -> Rule:
    """Return whether the caller's organization, or the calling repository by itself, is enrolled."""
    by_itself = policy.is_enrolled_alone(caller.repository)
    passed = policy.orgs is None or caller.org in policy.orgs or by_itself
    return Rule(
        name="org",
        passed=passed,
        found=f"the caller's organization is {caller.org}"
        + (f", and {caller.repository} is enrolled by itself" if by_itself else ""),
        expected="any organization is served"
        if policy.public
        else "it must be in ALLOWED_ORGS, or the repository in PER_REPO_WIF_REPOS",
        remedy=""
        if passed
        else f"This mint does not serve the organization {caller.org}; ask the mint's operator to enroll it.",
        failure=OrgNotAllowed,
    )


def claims_rule(policy: TrustPolicy, caller: Caller) -> Rule:
    """Return whether the token has an accepted value for every claim in REQUIRED_CLAIMS."""
    if not policy.required_claims:
        return _NO_CLAIMS
    wrong = [
        (name, accepted)
        for name, accepted in policy.required_claims.items()
        if not any(value_matches(caller.claims.get(name), value) for value in accepted)
    ]
    found = ", ".join(
        f"{name} is {caller.claims[name][:_MAX_SHOWN]!r}" if name in caller.claims else f"the token has no {name}"
        for name in policy.required_claims
    )
    wanted, failed = _listed(policy.required_claims.items()), _listed(wrong)
    return Rule(
        name="claims",
        passed=not wrong,
        found=found,
        expected=wanted,
        remedy=f"The mint does not accept the token's claims: {failed}. Run the job so that its claims match, or "
        "ask the mint's operator to change REQUIRED_CLAIMS."
        if wrong
        else "",
        failure=ClaimsNotAllowed,
        report_only="claims" in policy.report_only,
    )


def _listed(claims: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    return "; ".join(f"{name} must be {' or '.join(accepted)}" for name, accepted in claims)


def ids_rule(policy: TrustPolicy, caller: WorkflowCaller) -> Rule:
    """Return whether the names in ENROLLED_IDS still belong to the accounts that were enrolled."""
    return compared_rule(list(_compared(policy, caller)), "The OIDC token", report_only="ids" in policy.report_only)


def _compared(policy: TrustPolicy, caller: WorkflowCaller) -> Iterator[ComparedId]:
    owner = policy.enrolled_orgs.get(caller.org)
    if owner is not None:
        yield ComparedId(str(caller.org), owner, caller.run.owner_id)
    repository = policy.enrolled_repos.get(caller.repository)
    if repository is not None:
        yield ComparedId(str(caller.repository), repository, caller.run.repository_id)
