"""Plans as values: from what is and what should be to the steps, without any network."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fullsend.operate.gcp.run import EVERYONE
from fullsend.operate.model import names
from fullsend.operate.model.cloud_run_service import Service, edited
from fullsend.operate.model.deployable_variables import check_names, known_names
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.environment import SOURCE_HASH
from fullsend.operate.model.federation import DELETED, Pool, Provider, inference_provider, mint_provider
from fullsend.operate.model.inference_members import condition_for, member_for
from fullsend.operate.model.mint_state import MINT_APIS, MintState, SecretState, Version
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.bundle import Bundle
from fullsend.operate.plan.deployment import deploy
from fullsend.operate.plan.deployment_spec import DeploymentSpec, RoleKey
from fullsend.operate.plan.enrollment import enroll_org, enroll_repo
from fullsend.operate.plan.inference_access import APIS, InferenceState, deprovision, provision
from fullsend.operate.plan.steps.admission_steps import AdmitOrgs, CheckAdmission
from fullsend.operate.plan.steps.federation_steps import UNDELETE, PutPool, PutProvider
from fullsend.operate.plan.steps.function_steps import DeployFunction
from fullsend.operate.plan.steps.inference_steps import CheckInference
from fullsend.operate.plan.steps.project_steps import GrantProjectRole, RevokeProjectRole
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend.operate.plan.steps.serving_steps import WaitHealthy
from mintcore.policy.names import Org, Repo, Role, parse_repo
from mintcore.secret import Secret
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.plan.steps.step import Step

PLACE = names.MintLocation("my-project")
BUNDLE = Bundle(b"zip", "a" * 64, "1.0.0")
TRIAGE = RoleKey(Role("triage"), "7", "triage.pem", Secret("key"))
WANTED = DeploymentSpec(orgs=(Org("my-org"),), roles=(TRIAGE,), workflow_files=("triage.yml",))
ENVIRONMENT = {
    "ALLOWED_ORGS": "my-org",
    "ALLOWED_WORKFLOW_FILES": "triage.yml",
    "GCP_PROJECT_NUMBER": "42",
    "OIDC_AUDIENCE": "fullsend-mint",
    "ROLE_APP_IDS": '{"triage": "7"}',
    "THREADS": "80",
    "MALLOC_ARENA_MAX": "1",
    "WIF_POOL_NAME": "fullsend-pool",
    "WIF_PROVIDER_NAME": "github-oidc",
    SOURCE_HASH: BUNDLE.sha256,
}


def service(environment: Mapping[str, str] = ENVIRONMENT, **changes: Any) -> Service:
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    raw = {
        "etag": "e1",
        "template": {
            "containers": [{"image": "new", "env": variables, "resources": {"startupCpuBoost": True}}],
            "revision": "r2",
        },
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "trafficStatuses": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "revision": "r2", "percent": 100}],
        "latestCreatedRevision": "x/r2",
        "latestReadyRevision": "x/r2",
    }
    return Service({**raw, **changes})


def running(environment: Mapping[str, str] = ENVIRONMENT, **changes: Any) -> MintState:
    spec = mint_provider("42", "github-oidc", "assertion.repository_owner == 'my-org'", environment)
    state = MintState(
        location=PLACE,
        number="42",
        apis=frozenset(MINT_APIS),
        account=True,
        pool=Pool(),
        providers={"github-oidc": Provider(spec)},
        secrets={
            Role("triage"): SecretState(
                (Version(1, "ENABLED"),), frozenset({f"serviceAccount:{PLACE.service_account}"})
            )
        },
        function={"state": "ACTIVE"},
        service=service(environment),
        invokers=frozenset({EVERYONE}),
    )
    return replace(state, **changes)


def kinds(steps: list[Step]) -> list[str]:
    return [type(step).__name__ for step in steps]


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


def test_settings_the_mint_would_not_start_with_are_refused_with_its_sentence() -> None:
    with pytest.raises(BadInput, match="REQUEST_DEADLINE_SECONDS is not a whole number"):
        deploy(running(), DeploymentSpec(variables=(("REQUEST_DEADLINE_SECONDS", "soon"),)), BUNDLE)


def test_the_variables_of_the_hosted_mint_are_those_of_the_documentation() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \| [●○] ", page, re.MULTILINE))
    assert known_names() == documented


@pytest.mark.parametrize(
    "name",
    [
        "OTEL_SERVICE_NAME",
        "MALLOC_ARENA_MAX",
        "HTTPS_PROXY",
        "RATE_LIMIT",
        "WORKERS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ],
)
def test_a_variable_that_something_in_the_deployment_looks_at_is_taken(name: str) -> None:
    check_names([(name, "1")])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ALLOWED_ORG", "Did you mean ALLOWED_ORGS?"),
        ("WORKER", "Did you mean WORKERS?"),
        ("PEM_DIR", "docs/configuration.md"),
        ("X", "docs/"),
    ],
)
def test_a_variable_that_nothing_looks_at_is_refused_and_can_be_unset(name: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_names([(name, "1")])
    assert hint in refused.value.remedy
    check_names([(name, "")])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("ALLOWED_ORGS", "mint unenroll ORG"),
        ("ROLE_APP_IDS", "mint remove-role"),
        ("PER_REPO_WIF_REPOS", "mint enroll ORG/REPO"),
        ("WIF_POOL_NAME", "by themselves"),
        ("FULLSEND_SOURCE_SHA256", "by themselves"),
        ("FULLSEND_REPO_ONLY_ORGS", "by themselves"),
        ("FULLSEND_KEY_CODER", "by themselves"),
    ],
)
@pytest.mark.parametrize("value", ["x", ""])
def test_a_variable_with_a_command_of_its_own_is_refused_and_the_command_named(
    name: str, instead: str, value: str
) -> None:
    with pytest.raises(BadInput, match=f"{name} is not set with --env") as refused:
        check_names([(name, value)])
    assert instead in refused.value.remedy


def test_a_custom_role_keeps_its_permissions_when_another_gets_some() -> None:
    state = running(ENVIRONMENT | {"CUSTOM_ROLE_PERMISSIONS": '{"scanner": {"contents": "read"}}'})
    both = '{"scanner": {"contents": "read"}, "other": {"issues": "read"}}'
    assert "EditEnvironment" in kinds(
        deploy(state, DeploymentSpec(variables=(("CUSTOM_ROLE_PERMISSIONS", both),)), BUNDLE)
    )
    for given in ("", '{"other": {"issues": "read"}}'):
        with pytest.raises(BadInput, match="leaves out scanner") as refused:
            deploy(state, DeploymentSpec(variables=(("CUSTOM_ROLE_PERMISSIONS", given),)), BUNDLE)
        assert "fullsend mint remove-role scanner" in refused.value.remedy


def test_a_key_shows_nowhere_in_a_plan() -> None:
    deployment = DeploymentSpec(
        orgs=(Org("o"),), roles=(RoleKey(Role("triage"), "7", "t.pem", Secret("very-secret")),)
    )
    steps = deploy(MintState(PLACE, number="42"), deployment, BUNDLE)
    shown = "\n".join(
        [*map(repr, steps), *(s.title() for s in steps), *(x for s in steps for x in s.gcloud(PLACE))]
    )
    assert "very-secret" not in shown


def test_enrolling_writes_the_condition_then_the_environment_then_looks_again() -> None:
    steps = enroll_org(running(), Org("New-Org"))
    assert steps == [
        AdmitOrgs(((Org("New-Org"), ""),), "assertion.repository_owner in ['my-org', 'New-Org']"),
        EditEnvironment(Edit(add_orgs=(Org("New-Org"),)), {"ALLOWED_ORGS": "my-org,New-Org"}),
        CheckAdmission(),
    ]


def test_an_organization_in_another_case_is_written_anew() -> None:
    steps = enroll_org(running(), Org("My-Org"))
    assert kinds(steps) == ["AdmitOrgs", "EditEnvironment", "CheckAdmission"]
    assert steps[0] == AdmitOrgs(((Org("My-Org"), ""),), "assertion.repository_owner == 'My-Org'")


def test_a_condition_written_by_hand_is_not_changed_by_an_enrollment() -> None:
    state = running()
    spec = replace(state.providers["github-oidc"].spec, condition="assertion.actor == 'me'")
    with pytest.raises(BadInput, match="was not written by this command line"):
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


def test_an_edit_carries_the_etag_of_its_read_and_names_no_revision() -> None:
    body = edited(service(), None, Edit(add_orgs=(Org("new"),)))
    assert body is not None
    assert body["etag"] == "e1"
    assert "revision" not in body["template"]
    assert edited(service(), None, Edit(add_orgs=(Org("my-org"),))) is None


def test_an_edit_after_a_rollback_starts_from_the_revision_that_serves() -> None:
    pinned = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "r1", "percent": 100}]
    held = service(traffic=pinned, trafficStatuses=pinned)
    body = edited(held, {"containers": [{"image": "old", "env": []}]}, Edit(add_orgs=(Org("new"),)))
    assert body is not None
    assert body["template"]["containers"] == [{"image": "old", "env": [{"name": "ALLOWED_ORGS", "value": "new"}]}]


def test_variables_from_secrets_survive_an_edit() -> None:
    reference = {"name": "REDIS", "valueSource": {"secretKeyRef": {"secret": "s"}}}
    held = service(template={"containers": [{"env": [reference]}]})
    body = edited(held, None, Edit(add_orgs=(Org("new"),)))
    assert body is not None
    assert reference in body["template"]["containers"][0]["env"]


def test_inference_narrows_by_binding_and_ends_with_the_last() -> None:
    state = InferenceState("42", frozenset(), None, None, frozenset())
    steps = provision(state, parse_repo("o/r"))
    member = (
        "principalSet://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/"
        "fullsend-inference/attribute.repository/o/r"
    )
    assert steps[-2:] == [GrantProjectRole("roles/aiplatform.user", member), CheckInference(parse_repo("o/r"))]
    there = replace(state, pool=Pool(), members=frozenset({member}))
    assert deprovision(there, parse_repo("O/R"))[0] == RevokeProjectRole("roles/aiplatform.user", member)
    assert kinds(deprovision(there, parse_repo("o/r"))) == ["RevokeProjectRole", "DeletePool"]


def test_inference_looks_afterwards_whether_everyone_is_still_in() -> None:
    one, other = Org("o"), Org("p")
    members = frozenset(member_for("42", target) for target in (one, other))
    spec = inference_provider("42", "github-oidc", condition_for([one, other]).cel())
    there = InferenceState("42", frozenset(APIS), Pool(), Provider(spec), members)
    assert provision(there, one) == []
    assert kinds(deprovision(there, one)) == ["RevokeProjectRole", "PutProvider", "CheckInference"]


def test_of_owners_in_two_spellings_the_condition_keeps_the_one_it_has() -> None:
    bound: list[Org | Repo] = [parse_repo("Octo/a"), parse_repo("octo/b"), Org("p")]
    members = frozenset(member_for("42", target) for target in bound)
    spec = inference_provider("42", "github-oidc", "assertion.repository_owner in ['octo', 'p']")
    there = InferenceState("42", frozenset(APIS), Pool(), Provider(spec), members)
    put = next(step for step in deprovision(there, Org("p")) if isinstance(step, PutProvider))
    assert put.spec.condition == "assertion.repository_owner == 'octo'"


def test_the_inference_condition_is_one_repository_or_the_owners_of_all() -> None:
    one, other = parse_repo("o/r"), Org("p")
    assert condition_for([one]).cel() == "assertion.repository == 'o/r'"
    assert condition_for([one, other]).cel() == "assertion.repository_owner in ['o', 'p']"
