"""Access to inference as values: bindings, the provider's condition, and the check afterwards."""

from __future__ import annotations

from dataclasses import replace

from fullsend.operate.model.federation import Pool, Provider, inference_provider
from fullsend.operate.model.inference_members import condition_for, member_for
from fullsend.operate.plan.inference_access import APIS, InferenceState, deprovision, provision
from fullsend.operate.plan.steps.federation_steps import PutProvider
from fullsend.operate.plan.steps.inference_steps import CheckInference
from fullsend.operate.plan.steps.project_steps import GrantProjectRole, RevokeProjectRole
from mintcore.policy.names import Org, Repo, parse_repo
from tests.unit.operate.plan_values import kinds


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
