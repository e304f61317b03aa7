"""What a job of another CI system learns about its entry, and what a stranger does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.ci.gitlab import GitLabJob
from mintcore.errors import MintError
from mintcore.policy.trust import decide_status, roles_of, workflow_allowed
from tests.job_doubles import MATCHES, entry, proven
from tests.unit.policy.callers_world import CODER, TRIAGE, asked, policy

if TYPE_CHECKING:
    from mintcore.policy.caller import Job
    from mintcore.policy.names import Role
    from mintcore.policy.policy import TrustPolicy


def test_a_stranger_learns_nothing_that_an_entry_expects() -> None:
    hidden = {"project_id": "4711", "ref_path": "refs/heads/secret", "environment": "hidden"}
    decision = asked(proven("gitlab", GitLabJob(project_id="9")), entry(match=hidden, **{"as": "acme/private"}))
    assert decision.denial is not None
    told = decision.denial.remedy + decision.denial.found + decision.denial.expected
    assert not [word for word in ("4711", "secret", "hidden", "private") if word in told]
    assert "but project_id is '9'. Fix: ask the mint's operator" in told


@pytest.mark.parametrize("guess", ["refs/heads/secret", "refs/heads/wrong"])
def test_a_stranger_cannot_confirm_a_guess_about_an_entry(guess: str) -> None:
    given = entry(match={"project_id": "4711", "ref_path": "refs/heads/secret"})
    decision = asked(proven("gitlab", GitLabJob(project_id="9"), ref_path=guess), given)
    assert decision.denial is not None
    assert "ref_path" not in decision.denial.remedy + decision.denial.found + decision.denial.expected


def test_the_entry_that_has_the_role_is_named_with_what_fails() -> None:
    entries = (entry(roles=["triage"]), entry(match={"project_id": "4711"}))
    job = proven("gitlab", GitLabJob(protected=False))
    denial = asked(job, *entries, role=TRIAGE).denial
    assert denial is not None
    assert "CALLERS[0] allows triage and fails: ref_protected is 'false' and must be 'true'." in denial.remedy
    stranger = asked(job, entry(match={"project_id": "9"}, roles=["triage"]), entries[1], role=TRIAGE).denial
    assert stranger is not None
    assert "and fails" not in stranger.remedy


def test_a_claim_that_is_missing_is_said_in_a_sentence() -> None:
    denial = asked(proven("gitlab", ref_protected=None)).denial
    assert denial is not None
    assert "but the token has no ref_protected, which must be 'true'." in denial.remedy


def test_a_job_of_the_project_learns_what_its_entry_expects() -> None:
    given = entry(match=MATCHES["gitlab"] | {"ref_path": "refs/heads/r*"})
    decision = asked(proven("gitlab", GitLabJob(ref="wip")), given)
    assert decision.denial is not None
    assert "ref_path is 'refs/heads/wip' and must begin with 'refs/heads/r'" in decision.denial.remedy


def test_the_nearest_entry_is_the_one_with_the_fewest_claims_that_fail() -> None:
    entries = (entry(match={"project_id": "9", "sha": "x"}), entry(match={"project_id": "4711", "sha": "x"}))
    decision = asked(proven("gitlab"), *entries)
    assert decision.denial is not None
    assert "The closest is CALLERS[1], but sha is" in decision.denial.remedy


def test_status_is_about_the_entry_of_the_job() -> None:
    entries = (entry(roles=["triage"]), entry(roles=["coder"], **{"as": "other/app"}), entry("buildkite"))
    given, job = policy(*entries), proven("gitlab")
    assert str(decide_status(given, job).acting_caller().org) == "acme"
    assert code_of_status(given, job, CODER) == "org_not_allowed"
    assert (roles_of(given, job), workflow_allowed(given, job)) == (("triage",), True)
    stranger = proven("gitlab", GitLabJob(project_id="9"))
    assert code_of_status(given, stranger, None) == "claims_not_allowed"
    assert (roles_of(given, stranger), workflow_allowed(given, stranger)) == ((), False)


def code_of_status(given: TrustPolicy, job: Job, role: Role | None) -> str:
    try:
        decide_status(given, job, role).require()
    except MintError as failure:
        return failure.code
    return "allowed"
