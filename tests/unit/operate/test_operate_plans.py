"""Plans of a deployment as values: from what is and what should be to the steps, without any network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fullsend.operate.model.federation import DELETED, Pool, Provider, mint_provider
from fullsend.operate.model.mint_state import MintState
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import Bundle
from fullsend.operate.plan.deployment import deploy
from fullsend.operate.plan.deployment_spec import DeploymentSpec, RoleKey
from fullsend.operate.plan.steps.federation_steps import UNDELETE, PutPool, PutProvider
from fullsend.operate.plan.steps.function_steps import DeployFunction
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend.operate.plan.steps.serving_steps import WaitHealthy
from mintcore.policy.names import Org, Role
from mintcore.secret import Secret
from tests.unit.operate.plan_values import BUNDLE, ENVIRONMENT, PLACE, WANTED, kinds, running


def test_an_empty_project_gets_every_step_in_the_order_of_need() -> None:
    steps = deploy(MintState(PLACE, number="42"), WANTED, BUNDLE)
    assert kinds(steps) == [
        "EnableApis",
        "CreateServiceAccount",
        "PutPool",
        "PutProvider",
        "CreateSecret",
        "AddKey",
        "GrantSecret",
        "CheckBuilder",
        "DeployFunction",
        "MakePublic",
        "WaitHealthy",
    ]


def test_a_mint_that_is_as_it_should_be_is_only_asked_for_its_health() -> None:
    assert deploy(running(), DeploymentSpec(), BUNDLE) == [WaitHealthy("1.0.0")]


def test_another_source_is_built_and_another_setting_is_not() -> None:
    other = Bundle(b"other", "b" * 64, "1.0.1")
    assert "DeployFunction" in kinds(deploy(running(), DeploymentSpec(), other))
    steps = deploy(running(), DeploymentSpec(variables=(("RATE_LIMIT", "1/minute"),)), BUNDLE)
    assert [step.changes for step in steps if isinstance(step, EditEnvironment)] == [{"RATE_LIMIT": "1/minute"}]
    assert "DeployFunction" not in kinds(steps)


def test_a_deployment_of_somebody_else_under_way_is_waited_for_inside_the_step() -> None:
    steps = deploy(running(function={"state": "DEPLOYING"}), DeploymentSpec(), BUNDLE)
    assert any(isinstance(step, DeployFunction) for step in steps)


def test_deleted_pool_and_provider_are_undeleted_rather_than_created() -> None:
    state = running()
    gone = {"github-oidc": replace(state.providers["github-oidc"], state=DELETED)}
    steps = deploy(replace(state, pool=Pool(state=DELETED), providers=gone), DeploymentSpec(), BUNDLE)
    hows = [step.how for step in steps if isinstance(step, PutPool | PutProvider)]
    assert hows == [UNDELETE, UNDELETE]


def test_a_mint_without_a_role_is_refused_with_an_example() -> None:
    with pytest.raises(BadInput) as refused:
        deploy(MintState(PLACE, number="42"), DeploymentSpec(orgs=(Org("o"),)), BUNDLE)
    assert "--role triage=123456:triage.pem" in refused.value.remedy


def test_a_key_shows_nowhere_in_a_plan() -> None:
    deployment = DeploymentSpec(
        orgs=(Org("o"),), roles=(RoleKey(Role("triage"), "7", "t.pem", Secret("very-secret")),)
    )
    steps = deploy(MintState(PLACE, number="42"), deployment, BUNDLE)
    shown = "\n".join(
        [*map(repr, steps), *(s.title() for s in steps), *(x for s in steps for x in s.gcloud(PLACE))]
    )
    assert "very-secret" not in shown


def test_another_issuer_reaches_a_repositorys_provider_and_leaves_foreign_and_deleted_ones_alone() -> None:
    listed = {**ENVIRONMENT, "PER_REPO_WIF_REPOS": "a/b,a/c,a/d,a/e"}
    spec = mint_provider("42", "gh-a-b", "assertion.repository == 'a/b'", listed)
    foreign = mint_provider("42", "gh-a-c", "assertion.repository == 'x/y'", listed)
    gone = mint_provider("42", "gh-a-d", "assertion.repository == 'a/d'", listed)
    own = {"gh-a-b": Provider(spec), "gh-a-c": Provider(foreign), "gh-a-d": Provider(gone, state=DELETED)}
    state = running(listed)
    state = replace(state, providers={**state.providers, **own})
    issuer = "https://ghes.example/_services/token"
    steps = deploy(state, DeploymentSpec(variables=(("OIDC_ISSUER_URL", issuer),)), BUNDLE)
    put = {step.provider: step.spec.issuer for step in steps if isinstance(step, PutProvider)}
    assert put == {"github-oidc": issuer, "gh-a-b": issuer}
