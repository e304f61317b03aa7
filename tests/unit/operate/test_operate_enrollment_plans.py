"""Enrollments as values: the condition of the provider, then the environment, then the check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fullsend.operate.model.edits import Edit
from fullsend.operate.model.federation import DELETED, Provider, mint_provider
from fullsend.operate.model.mint_state import MintState
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.enrollment import enroll_org, enroll_repo
from fullsend.operate.plan.steps.admission_steps import AdmitOrgs, CheckAdmission
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from mintcore.policy.names import Org, parse_repo
from tests.unit.operate.plan_values import ENVIRONMENT, PLACE, kinds, running, service


def test_enrolling_writes_the_condition_then_the_environment_then_looks_again() -> None:
    steps = enroll_org(running(), Org("New-Org"))
    assert steps == [
        AdmitOrgs(((Org("New-Org"), ""),), "assertion.repository_owner in ['my-org', 'New-Org']"),
        EditEnvironment(Edit(add_orgs=(Org("New-Org"),)), {"ALLOWED_ORGS": "my-org,New-Org"}),
        CheckAdmission(),
    ]


def test_an_organization_in_another_case_is_written_again() -> None:
    steps = enroll_org(running(), Org("My-Org"))
    assert kinds(steps) == ["AdmitOrgs", "EditEnvironment", "CheckAdmission"]
    assert steps[0] == AdmitOrgs(((Org("My-Org"), ""),), "assertion.repository_owner == 'My-Org'")


def test_a_condition_written_by_hand_is_not_changed_by_an_enrollment() -> None:
    state = running()
    spec = replace(state.providers["github-oidc"].spec, condition="assertion.actor == 'me'")
    with pytest.raises(BadInput, match="was not written by fullsend"):
        enroll_org(replace(state, providers={"github-oidc": Provider(spec)}), Org("new"))


def test_enrolling_without_a_mint_says_how_to_make_one() -> None:
    with pytest.raises(NotThere) as refused:
        enroll_org(MintState(PLACE), Org("o"))
    assert "fullsend mint deploy --project my-project" in refused.value.remedy


def test_a_repositorys_deleted_provider_of_another_is_taken_only_when_that_one_left() -> None:
    spec = mint_provider("42", "gh-a-b-c", "assertion.repository == 'a-b/c'", ENVIRONMENT)
    state = running()
    providers = {**state.providers, "gh-a-b-c": Provider(spec, state=DELETED)}
    assert "PutProvider" in kinds(enroll_repo(replace(state, providers=providers), parse_repo("a/b-c")))
    listed = {**ENVIRONMENT, "PER_REPO_WIF_REPOS": "a-b/c"}
    with pytest.raises(BadInput, match="belongs to a-b/c"):
        enroll_repo(replace(state, providers=providers, service=service(listed)), parse_repo("a/b-c"))
