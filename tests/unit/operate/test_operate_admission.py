"""The tokens that a provider admits, by name and by id, while several operators work."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model import admission
from fullsend.operate.model.conditions import parse
from fullsend.operate.model.federation import Provider, mint_provider
from fullsend.operate.model.mint_state import MintState
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.deployment import deploy, edit_for
from fullsend.operate.plan.deployment_notes import notes
from fullsend.operate.plan.deployment_spec import DeploymentSpec, RoleKey
from fullsend.operate.plan.enrollment import enroll_org, enroll_repo, still_covered, unenroll_org, unenroll_repo
from fullsend.operate.plan.steps.admission_steps import AdmitOrgs, DropOrgs
from fullsend.operate.plan.steps.federation_steps import PutProvider
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from mintcore.policy.names import Org, Role, parse_repo
from mintcore.secret import Secret
from tests.unit.operate.plan_values import BUNDLE, ENVIRONMENT, PLACE, TRIAGE, WANTED, running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fullsend.operate.plan.steps.step import Step

PINNED = ENVIRONMENT | {"ENROLLED_IDS": '{"my-org": 1}'}


def admitting(condition: str, environment: Mapping[str, str] = ENVIRONMENT) -> MintState:
    return running(
        environment, providers={"github-oidc": Provider(mint_provider("42", "github-oidc", condition, environment))}
    )


def changes(steps: Sequence[Step]) -> dict[str, str]:
    return {
        name: value for step in steps if isinstance(step, EditEnvironment) for name, value in step.changes.items()
    }


def test_an_enrollment_pins_the_owners_id_in_the_environment_and_in_the_condition() -> None:
    state = admitting("assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1']", PINNED)
    steps = enroll_org(state, Org("New"), "22")
    assert steps[0] == AdmitOrgs(
        ((Org("New"), "22"),),
        "assertion.repository_owner in ['my-org', 'New'] && assertion.repository_owner_id in ['1', '22']",
    )
    assert json.loads(changes(steps)["ENROLLED_IDS"]) == {"my-org": 1, "New": 22}
    assert changes(steps)["ALLOWED_ORGS"] == "my-org,New"


def test_enrolling_again_adds_the_id_that_an_older_enrollment_lacks() -> None:
    steps = enroll_org(admitting("assertion.repository_owner == 'my-org'"), Org("my-org"), "1")
    assert changes(steps) == {"ENROLLED_IDS": '{"my-org": 1}'}
    assert isinstance(steps[0], AdmitOrgs)
    assert steps[0].condition == "assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1']"


def test_ids_are_not_pinned_while_one_organization_has_none() -> None:
    (first, *_) = enroll_org(admitting("assertion.repository_owner == 'my-org'"), Org("New"), "22")
    assert isinstance(first, AdmitOrgs)
    assert first.condition == "assertion.repository_owner in ['my-org', 'New']"


def test_an_organization_enrolled_without_an_id_is_not_locked_out_by_the_others_ids() -> None:
    state = admitting("assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1']", PINNED)
    (first, *_) = enroll_org(state, Org("New"))
    assert isinstance(first, AdmitOrgs)
    assert "_id" not in first.condition


@pytest.mark.parametrize(
    "condition",
    [
        "assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1']",
        "assertion.repository_owner in ['by-hand', 'my-org'] && assertion.repository_owner_id in ['1']",
        "assertion.repository_owner in ['my-org', 'theirs'] && assertion.repository_owner_id in ['1', '9']",
    ],
)
@pytest.mark.parametrize("ids", ['{"my-org": 1}', ""])
def test_an_organization_added_by_hand_is_not_locked_out_by_the_others_ids(condition: str, ids: str) -> None:
    variables = ENVIRONMENT | {"ALLOWED_ORGS": "my-org,by-hand", "ENROLLED_IDS": ids}
    found = admission.shared(parse(condition), variables)
    assert found.ids == frozenset()
    assert {"my-org", "by-hand"} <= found.spelled()


def test_another_operators_enrollment_under_way_keeps_its_id() -> None:
    under_way = "assertion.repository_owner in ['my-org', 'theirs'] && assertion.repository_owner_id in ['1', '9']"
    found = admission.shared(parse(under_way), PINNED, add=[(Org("New"), "22")])
    assert found.ids == {"1", "9", "22"}
    assert found.spelled() == {"my-org", "theirs", "New"}


def test_an_unenrollment_takes_name_and_id_out_and_keeps_its_repositories() -> None:
    environment = PINNED | {"ALLOWED_ORGS": "my-org,old", "PER_REPO_WIF_REPOS": "old/app"}
    environment["ENROLLED_IDS"] = '{"my-org": 1, "old": 2, "old/app": 3}'
    both = "assertion.repository_owner in ['my-org', 'old'] && assertion.repository_owner_id in ['1', '2']"
    steps = unenroll_org(admitting(both, environment), Org("old"))
    assert changes(steps)["ALLOWED_ORGS"] == "my-org"
    assert json.loads(changes(steps)["ENROLLED_IDS"]) == {"my-org": 1, "old/app": 3}
    assert "FULLSEND_REPO_ONLY_ORGS" not in changes(steps)
    assert steps[-1] == DropOrgs(
        ((Org("old"), "2"),), "assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1']"
    )


def test_a_repository_is_enrolled_by_itself_with_its_ids_and_without_its_owner() -> None:
    steps = enroll_repo(running(), parse_repo("Other/App"), "8", "7")
    (put,) = [step for step in steps if isinstance(step, PutProvider)]
    assert put.spec.condition == (
        "assertion.repository == 'Other/App' && assertion.repository_owner_id in ['7'] && "
        "assertion.repository_id == '8'"
    )
    assert changes(steps) == {"PER_REPO_WIF_REPOS": "Other/App", "ENROLLED_IDS": '{"Other/App": 8}'}


def test_a_repositorys_unenrollment_says_what_still_lets_it_mint() -> None:
    repo = parse_repo("my-org/app")
    assert "fullsend mint unenroll my-org" in still_covered(ENVIRONMENT, repo)
    assert "public" in still_covered(ENVIRONMENT | {"ALLOWED_ORGS": "*"}, repo)
    assert still_covered(ENVIRONMENT, parse_repo("other/app")) == ""


OLD = ENVIRONMENT | {
    "ALLOWED_ORGS": "my-org,solo",
    "FULLSEND_REPO_ONLY_ORGS": "solo",
    "PER_REPO_WIF_REPOS": "solo/app",
}


def test_a_deployment_moves_repository_only_organizations_out_of_the_list_and_says_so() -> None:
    state = admitting("assertion.repository_owner == 'my-org'", OLD)
    assert "solo" not in str(
        [step.condition for step in deploy(state, DeploymentSpec(), BUNDLE) if isinstance(step, AdmitOrgs)]
    )
    moved = changes(deploy(state, DeploymentSpec(), BUNDLE))
    assert moved == {"ALLOWED_ORGS": "my-org", "FULLSEND_REPO_ONLY_ORGS": ""}
    assert notes(state, DeploymentSpec(), edit_for(state, DeploymentSpec()).apply(OLD)) == [
        "Removed from ALLOWED_ORGS: solo, listed there only for single repositories.",
        "Enrolled separately, so their tokens reach only themselves: solo/app.",
        "FULLSEND_REPO_ONLY_ORGS is no longer used.",
    ]


def test_an_old_repository_only_organization_without_a_repository_is_told_apart() -> None:
    before = OLD | {"PER_REPO_WIF_REPOS": "", "FULLSEND_REPO_ONLY_ORGS": "solo,gone"}
    state = admitting("assertion.repository_owner == 'my-org'", before)
    removed, lost, unused = notes(state, DeploymentSpec(), edit_for(state, DeploymentSpec()).apply(before))
    assert "gone" not in removed + lost + unused
    assert "No repository of solo is enrolled, so its jobs no longer mint." in lost
    assert "fullsend mint enroll solo" in lost


def test_the_last_repository_of_an_old_repository_only_organization_takes_it_along() -> None:
    moved = changes(unenroll_repo(running(OLD), parse_repo("solo/app")))
    assert moved == {"ALLOWED_ORGS": "my-org", "FULLSEND_REPO_ONLY_ORGS": "", "PER_REPO_WIF_REPOS": ""}


def test_required_claims_reach_every_provider() -> None:
    environment = ENVIRONMENT | {"PER_REPO_WIF_REPOS": "a/b"}
    state = admitting("assertion.repository_owner == 'my-org'", environment)
    own = mint_provider(
        "42", "gh-a-b", "assertion.repository == 'a/b' && assertion.repository_id == '8'", environment
    )
    state = replace(state, providers={**state.providers, "gh-a-b": Provider(own)})
    wanted = DeploymentSpec(require=(("event_name", ("push", "workflow_dispatch")),))
    steps = deploy(state, wanted, BUNDLE)
    clause = " && (assertion.event_name in ['push', 'workflow_dispatch'])"
    conditions = {step.provider: step.spec.condition for step in steps if isinstance(step, PutProvider)}
    (admit,) = [step for step in steps if isinstance(step, AdmitOrgs)]
    assert admit.condition == "assertion.repository_owner == 'my-org'" + clause
    assert conditions == {
        "gh-a-b": "assertion.repository == 'a/b' && assertion.repository_id == '8'" + clause,
    }
    assert json.loads(changes(steps)["REQUIRED_CLAIMS"]) == {"event_name": ["push", "workflow_dispatch"]}


def test_google_does_not_deny_what_the_mint_only_reports() -> None:
    state = admitting("assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1']", PINNED)
    reports = DeploymentSpec(require=(("event_name", ("push",)),), variables=(("REPORT_ONLY", "claims,ids"),))
    (admit,) = [step for step in deploy(state, reports, BUNDLE) if isinstance(step, AdmitOrgs)]
    assert admit.condition == "assertion.repository_owner == 'my-org'"
    after = edit_for(state, reports).apply(PINNED)
    assert json.loads(after["REQUIRED_CLAIMS"]) == {"event_name": ["push"]}
    reporting = admitting("assertion.repository_owner == 'my-org'", after)
    ended = DeploymentSpec(variables=(("REPORT_ONLY", ""),))
    (admit,) = [step for step in deploy(reporting, ended, BUNDLE) if isinstance(step, AdmitOrgs)]
    assert admit.condition == (
        "assertion.repository_owner == 'my-org' && assertion.repository_owner_id in ['1'] && "
        "(assertion.event_name in ['push'])"
    )


def test_a_claim_without_a_value_is_no_longer_required() -> None:
    environment = ENVIRONMENT | {"REQUIRED_CLAIMS": '{"event_name": ["push"]}'}
    state = admitting("assertion.repository_owner == 'my-org' && (assertion.event_name in ['push'])", environment)
    steps = deploy(state, DeploymentSpec(require=(("event_name", ()),)), BUNDLE)
    assert changes(steps) == {"REQUIRED_CLAIMS": ""}
    assert [step.condition for step in steps if isinstance(step, AdmitOrgs)] == [
        "assertion.repository_owner == 'my-org'"
    ]


def test_a_new_mint_has_the_protections_on_and_an_old_one_stays_as_it_is() -> None:
    new = edit_for(MintState(PLACE, number="42"), replace(WANTED, ids=(("my-org", "1"),))).apply({})
    assert new["REPO_SCOPE"] == "caller"
    assert json.loads(new["ENROLLED_IDS"]) == {"my-org": 1}
    assert "WORKFLOW_REFS" not in new
    public = edit_for(MintState(PLACE, number="42"), DeploymentSpec(public=True, roles=(TRIAGE,))).apply({})
    assert public["WORKFLOW_REFS"] == "refs/heads/main,refs/tags/*,commits"
    old = edit_for(running(), DeploymentSpec()).apply(ENVIRONMENT)
    assert old == ENVIRONMENT
    said = DeploymentSpec(public=True, repo_scope="organization", workflow_refs="refs/heads/release")
    chosen = edit_for(MintState(PLACE, number="42"), said).apply({})
    assert (chosen["REPO_SCOPE"], chosen["WORKFLOW_REFS"]) == ("organization", "refs/heads/release")


def test_a_custom_role_without_permissions_is_refused_rather_than_never_served() -> None:
    scanner = RoleKey(Role("scanner"), "9", "scanner.pem", Secret("key"))
    with pytest.raises(BadInput, match="scanner is not a built-in role") as refused:
        deploy(running(), DeploymentSpec(roles=(scanner,)), BUNDLE)
    assert "--env CUSTOM_ROLE_PERMISSIONS=" in refused.value.remedy
    given = (("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"contents": "read"}}'),)
    assert deploy(running(), DeploymentSpec(roles=(scanner,), variables=given), BUNDLE)


def test_a_mint_that_is_public_no_longer_says_whom_it_serves_again() -> None:
    state = running(ENVIRONMENT | {"ALLOWED_ORGS": "*,my-org,old"})
    wanted = DeploymentSpec(orgs=(Org("my-org"),), public=False)
    (told,) = notes(state, wanted, edit_for(state, wanted).apply(state.environment))
    assert "Also enrolled, because they were before the mint became public: old." in told
    assert notes(running(), DeploymentSpec(), ENVIRONMENT) == []
