"""The jobs that the protections would deny, found in audit events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.doctor.rehearsal import protected, rehearse
from tests.unit.operate.plan_values import ENVIRONMENT

CALLER = {
    "repository": "my-org/app",
    "repository_id": "10",
    "owner": "my-org",
    "owner_id": "1",
    "workflow_ref": "my-org/.fullsend/.github/workflows/triage.yml@refs/heads/main",
    "run_id": "7",
    "event": "push",
}
EVENT: dict[str, Any] = {
    "event": "mint",
    "outcome": "granted",
    "role": "triage",
    "repos": ["app"],
    "caller": CALLER,
}


def names(*events: dict[str, Any], **environment: str) -> list[tuple[str, str, int]]:
    found = rehearse(events, ENVIRONMENT | environment)
    return [(one.rule, one.repository, one.times) for one in found.stopped]


def test_a_job_that_gets_its_own_repository_is_not_stopped() -> None:
    assert names(EVENT, EVENT) == []


def test_a_job_that_gets_another_repository_is_counted_with_what_to_change() -> None:
    other = EVENT | {"repos": ["payroll"]}
    assert names(other, other, EVENT) == [("repo_scope", "my-org/app", 2)]
    (stopped,) = rehearse([other], ENVIRONMENT).stopped
    assert stopped.workflow == CALLER["workflow_ref"]
    assert stopped.change


def test_an_account_with_another_id_is_stopped() -> None:
    assert names(EVENT, ENROLLED_IDS='{"my-org": 2}') == [("ids", "my-org/app", 1)]
    assert names(EVENT, ENROLLED_IDS='{"my-org": 1}') == []


def test_a_claim_that_would_be_required_stops_another_value() -> None:
    assert names(EVENT, REQUIRED_CLAIMS='{"event_name": ["workflow_dispatch"]}') == [("claims", "my-org/app", 1)]


def test_a_branch_of_a_workflow_host_that_is_not_listed_is_stopped() -> None:
    host = CALLER | {"workflow_ref": "fullsend-ai/fullsend/.github/workflows/triage.yml@refs/heads/dev"}
    assert names(EVENT | {"caller": host}) == [("workflow_refs", "my-org/app", 1)]


def test_a_caller_that_named_no_repositories_and_got_all_is_told_apart() -> None:
    everything = EVENT | {"repos": [], "scope": []}
    found = rehearse([everything, everything, EVENT | {"scope": ["my-org/app"]}], ENVIRONMENT)
    assert found.stopped == ()
    (narrowed,) = found.narrowed
    assert (narrowed.repository, narrowed.role, narrowed.times) == ("my-org/app", "triage", 2)
    kept = '{"triage": "organization", "*": "caller"}'
    assert rehearse([everything], ENVIRONMENT | {"REPO_SCOPE": kept}).narrowed == ()


@pytest.mark.parametrize(
    ("event", "environment"),
    [
        (EVENT | {"repos": ["payroll"]}, {"GRANTS": "1"}),
        (EVENT | {"repos": ["x"], "target_org": "other"}, {"GRANTS": "1"}),
        (EVENT, {"REQUIRED_CLAIMS": '{"environment": ["production"]}'}),
    ],
)
def test_what_depends_on_github_or_on_a_claim_that_no_event_holds_is_undecided(
    event: dict[str, Any], environment: dict[str, str]
) -> None:
    found = rehearse([event], ENVIRONMENT | environment)
    assert (found.stopped, found.decided, found.undecided) == ((), 1, 1)


def test_what_a_mint_that_reports_was_told_by_github_is_decided() -> None:
    event = EVENT | {"repos": ["payroll"], "would_deny": ["repo_scope"]}
    found = rehearse([event], ENVIRONMENT | {"GRANTS": "1"})
    assert [one.rule for one in found.stopped] == ["repo_scope"]
    assert found.undecided == 0


def test_denied_and_status_events_are_left_out_and_incomplete_ones_are_counted() -> None:
    found = rehearse(
        [EVENT | {"outcome": "denied"}, EVENT | {"event": "status"}, EVENT | {"caller": {}}, EVENT], ENVIRONMENT
    )
    assert (found.decided, found.unreadable, found.stopped) == (1, 1, ())


def test_a_job_of_another_system_is_not_decided_as_a_workflow() -> None:
    job = {"repository": "my-org/app", "owner": "my-org", "entry": 0, "issuer": "gitlab", "project": "a/b"}
    found = rehearse([EVENT | {"caller": job, "repos": ["payroll"]}], ENVIRONMENT)
    assert (found.decided, found.unreadable, found.stopped) == (0, 1, ())


@pytest.mark.parametrize("scope", ["", "organization", '{"coder": "organization"}', "caller"])
def test_a_choice_of_the_operator_is_kept(scope: str) -> None:
    on = protected({"REPO_SCOPE": scope, "WORKFLOW_REFS": "refs/heads/x"})
    assert on["REPO_SCOPE"] == (scope if scope not in {"", "organization"} else "caller")
    assert on["WORKFLOW_REFS"] == "refs/heads/x"


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=2)


@given(
    st.dictionaries(
        st.sampled_from([*EVENT, "level", "target_org", "asked_permissions", "would_deny", "scope"]), JSON
    ),
    JSON,
)
def test_odd_events_never_raise(fields: dict[str, Any], owner: Any) -> None:
    event = EVENT | fields | {"event": "mint", "outcome": "granted"}
    if isinstance(event["caller"], dict):
        event["caller"] = CALLER | {"owner": owner}
    rehearse([event], ENVIRONMENT)
