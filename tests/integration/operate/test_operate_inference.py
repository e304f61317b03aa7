"""The use of models: provisioned, shown and taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model import names as ours
from fullsend_sandbox import names

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


def test_inference_is_provisioned_shown_and_taken_away(operator: Operator) -> None:
    operator.done("inference", "provision", "octo-org/app", "--as-spelled")
    shown = operator.done("inference", "status", "octo-org/app", "--format", "env")
    assert f"FULLSEND_GCP_PROJECT_ID={names.PROJECT_ID}" in shown.stdout
    operator.done("inference", "provision", names.OTHER_ORG)

    operator.done("inference", "deprovision", "octo-org/app", "--yes")

    shown = operator.run("inference", "status", "octo-org/app")
    assert shown.exit_code == 3
    assert f"fullsend inference provision octo-org/app --project {names.PROJECT_ID}" in shown.stderr
    assert operator.run("inference", "status", names.OTHER_ORG).exit_code == 0
    cloud = operator.cloud()
    with cloud.session:
        (left,) = cloud.project.members("roles/aiplatform.user")
    assert left.endswith(f"/workloadIdentityPools/fullsend-inference/attribute.repository_owner/{names.OTHER_ORG}")


def test_of_two_spellings_of_a_name_the_last_one_provisioned_may_use_models(operator: Operator) -> None:
    operator.done("inference", "provision", "Octo-ORG/lib", "--as-spelled")
    operator.done("inference", "provision", "Octo-ORG", "--as-spelled")

    operator.done("inference", "provision", "octo-org", "--as-spelled")

    shown = json.loads(operator.done("inference", "status", "octo-org", "--json").stdout)
    assert shown["condition"] == "assertion.repository_owner == 'octo-org'"
    cloud = operator.cloud()
    with cloud.session:
        members = cloud.project.members("roles/aiplatform.user")
    assert sorted(member.partition("/attribute.")[2] for member in members) == [
        "repository/Octo-ORG/lib",
        "repository_owner/octo-org",
    ]
    again = operator.done("inference", "provision", "octo-org", "--as-spelled")
    assert "octo-org can use models already." in again.stderr


def test_a_binding_in_another_spelling_than_the_condition_is_not_healthy_and_goes_with_the_other(
    operator: Operator,
) -> None:
    operator.done("inference", "provision", "Octo-ORG", "--as-spelled")
    operator.done("inference", "provision", names.OTHER_ORG)
    cloud = operator.cloud()
    with cloud.session:
        (bound,) = (one for one in cloud.project.members("roles/aiplatform.user") if one.endswith("/Octo-ORG"))
        provider = cloud.location.provider(ours.INFERENCE_POOL, ours.PROVIDER)
        cloud.federation.set_condition(provider, "assertion.repository_owner in ['octo-org', 'other-org']")

        shown = operator.run("inference", "status", "octo-org", "--json")
        assert shown.exit_code == 3
        found = json.loads(shown.stdout)
        assert (found["granted"], found["admitted"]) == (True, False)

        cloud.project.grant("roles/aiplatform.user", bound.replace("Octo-ORG", "octo-org"))
        assert operator.run("inference", "status", "octo-org").exit_code == 0

        operator.done("inference", "deprovision", "OCTO-org", "--yes")

        (left,) = cloud.project.members("roles/aiplatform.user")
        found_provider = cloud.federation.provider(provider)
    assert left.endswith(f"/{names.OTHER_ORG}")
    assert found_provider is not None
    assert found_provider.spec.condition == f"assertion.repository_owner == '{names.OTHER_ORG}'"


@pytest.mark.parametrize("foreign", ["repository/not-a-repo", "repository_owner/no one", "repository/a/b/c"])
def test_a_binding_without_members_stops_no_inference_command(operator: Operator, foreign: str) -> None:
    operator.done("inference", "provision", names.ORG)
    pool = f"projects/{names.PROJECT_NUMBER}/locations/global/workloadIdentityPools/fullsend-inference"
    stranger = f"principalSet://iam.googleapis.com/{pool}/attribute.{foreign}"
    cloud = operator.cloud()
    with cloud.session:
        cloud.project.grant("roles/aiplatform.user", stranger)

        operator.done("inference", "status", names.ORG)
        operator.done("inference", "provision", names.OTHER_ORG)
        operator.done("inference", "deprovision", names.OTHER_ORG, "--yes")
        operator.done("inference", "deprovision", names.ORG, "--yes")

        assert cloud.project.members("roles/aiplatform.user") == {stranger}


def test_where_models_may_not_be_used_no_provider_is_named_for_a_shell(operator: Operator) -> None:
    for other in ("", "octo-org/app"):
        if other:
            operator.done("inference", "provision", other, "--as-spelled")
        shown = operator.run("inference", "status", names.OTHER_ORG, "--format", "env")
        assert (shown.exit_code, shown.stdout) == (3, f"FULLSEND_GCP_PROJECT_ID={names.PROJECT_ID}\n")


def test_a_provider_that_does_not_exist_has_no_name(operator: Operator) -> None:
    before = json.loads(operator.run("inference", "status", names.ORG, "--json").stdout)
    assert (before["provider"], before["wif_provider"]) == (False, "")
    operator.done("inference", "provision", names.ORG)
    after = json.loads(operator.done("inference", "status", names.ORG, "--format", "json", "--json").stdout)
    assert after["wif_provider"].endswith("/workloadIdentityPools/fullsend-inference/providers/github-oidc")


def test_inference_is_not_admitted_before_it_is_provisioned(operator: Operator) -> None:
    shown = operator.run("inference", "status", "octo-org", "--json")
    assert shown.exit_code == 3
    assert json.loads(shown.stdout)["admitted"] is False
