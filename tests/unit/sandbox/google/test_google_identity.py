from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from fullsend_sandbox import names
from fullsend_sandbox.sts import ACCESS_TOKEN, GRANT
from tests.unit.sandbox.google.google_operator import (
    ACCOUNT,
    GLOBAL,
    NUMBER,
    POOL,
    PROJECT,
    PROVIDER,
    Operator,
    refusal,
)

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane
    from fullsend_sandbox.world import World

DAY = 24 * 3600
GITHUB_OIDC = f"{POOL}/providers/github-oidc"
PRINCIPALS = f"principalSet://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools"


def exchange(world: World, repository: str = "octo-org/app") -> int:
    return exchange_at(world, "github-oidc", world.issuer.token(world.job(repository=repository)))


def exchange_at(world: World, provider: str, token: str) -> int:
    fields = {
        "grant_type": GRANT,
        "audience": world.federation.resource("fullsend-pool", provider),
        "requested_token_type": ACCESS_TOKEN,
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    return urllib3.request("POST", f"{world.sts.url}/v1/token", json=fields, retries=False).status


def binding(member: str, role: str = "roles/aiplatform.user") -> dict[str, Any]:
    return {"policy": {"bindings": [{"role": role, "members": [member]}]}}


def test_a_provider_for_githubs_issuer_admits_the_worlds_jobs(world: World, operator: Operator) -> None:
    operator.make_provider()
    assert exchange(world) == 200
    assert exchange(world, "other-org/app") == 401


def test_names_have_the_projects_number_and_what_was_written_is_read_back(operator: Operator) -> None:
    operator.make_provider()
    provider = operator.providers.get(name=GITHUB_OIDC).execute()
    assert provider["name"] == GITHUB_OIDC.replace("octo-project", NUMBER)
    assert {key: provider[key] for key in PROVIDER} == PROVIDER


def test_a_provider_keeps_the_keys_that_were_uploaded_with_it_until_they_are_replaced(
    world: World, operator: Operator
) -> None:
    cluster = world.ci.add("kubernetes", issuer="https://kubernetes.default.svc")
    oidc = {"issuerUri": cluster.issuer, "allowedAudiences": ["fullsend-mint"], "jwksJson": cluster.jwks_text()}
    operator.make_provider()
    body = PROVIDER | {"oidc": oidc, "attributeMapping": {"google.subject": cluster.subject}}
    body |= {"attributeCondition": cluster.condition}
    name = f"{POOL}/providers/ci-clusters"
    operator.providers.create(parent=POOL, workloadIdentityPoolProviderId="ci-clusters", body=body).execute()
    assert operator.providers.get(name=name).execute()["oidc"] == oidc
    assert exchange_at(world, "ci-clusters", cluster.token()) == 200
    cluster.rotate_key(retire=True)
    assert exchange_at(world, "ci-clusters", cluster.token()) == 400
    renewed = {"oidc": {"jwksJson": cluster.jwks_text()}}
    operator.providers.patch(name=name, updateMask="oidc.jwksJson", body=renewed).execute()
    assert exchange_at(world, "ci-clusters", cluster.token()) == 200


def test_uploaded_keys_that_google_cannot_read_are_refused(operator: Operator) -> None:
    operator.make_provider()
    patch = operator.providers.patch(
        name=GITHUB_OIDC, updateMask="oidc.jwksJson", body={"oidc": {"jwksJson": "{}"}}
    )
    assert refusal(patch)[:2] == (400, "INVALID_ARGUMENT")


def test_making_it_twice_is_already_exists(operator: Operator) -> None:
    operator.make_provider()
    again = operator.providers.create(parent=POOL, workloadIdentityPoolProviderId="github-oidc", body=PROVIDER)
    assert refusal(again)[:2] == (409, "ALREADY_EXISTS")
    pool = operator.pools.create(parent=GLOBAL, workloadIdentityPoolId="fullsend-pool", body={})
    assert refusal(pool)[:2] == (409, "ALREADY_EXISTS")


def test_a_patch_changes_what_the_mask_names_alone(world: World, operator: Operator) -> None:
    operator.make_provider()
    body = {"attributeCondition": "assertion.repository_owner == 'other-org'", "disabled": True}
    operator.providers.patch(name=GITHUB_OIDC, updateMask="attributeCondition", body=body).execute()
    assert "disabled" not in operator.providers.get(name=GITHUB_OIDC).execute()
    assert exchange(world, "other-org/app") == 200


@pytest.mark.parametrize("mask", ["attributeConditon", "oidc.issuerURI", "attributeMapping.google.subject", ""])
def test_a_mask_that_is_misspelt_or_missing_is_refused(operator: Operator, mask: str) -> None:
    operator.make_provider()
    patch = operator.providers.patch(name=GITHUB_OIDC, updateMask=mask, body={"disabled": True})
    assert refusal(patch)[:2] == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attributeCondition": "assertion.x =="}, "Error compiling CEL"),
        ({"attributeCondition": "assertion.x == '" + "x" * 4096 + "'"}, "4096"),
        ({"attributeCondition": "true"}, "must reference one of the provider's claims"),
        ({"attributeMapping": {"attribute.a": "assertion.a"}}, "google.subject"),
        ({"oidc": {"issuerUri": "http://example.com"}}, "https://"),
        ({"oidc": None}, "Exactly one provider configuration"),
        ({"oidc": PROVIDER["oidc"] | {"allowedAudiences": ["a"] * 11}}, "At most 10 audiences"),  # type: ignore[operator]
        ({"displayName": "x" * 33}, "display name"),
    ],
)
def test_a_provider_that_google_refuses_is_refused(
    operator: Operator, changes: dict[str, Any], message: str
) -> None:
    operator.pools.create(parent=GLOBAL, workloadIdentityPoolId="fullsend-pool", body={}).execute()
    create = operator.providers.create(
        parent=POOL, workloadIdentityPoolProviderId="github-oidc", body=PROVIDER | changes
    )
    code, _, text = refusal(create)
    assert (code, message in text) == (400, True), text


@pytest.mark.parametrize("pool", ["abc", "gcp-pool", "Fullsend", "a" * 33, "under_score"])
def test_a_bad_pool_id_is_refused(operator: Operator, pool: str) -> None:
    assert refusal(operator.pools.create(parent=GLOBAL, workloadIdentityPoolId=pool, body={}))[0] == 400


def test_a_deleted_provider_keeps_its_name_for_thirty_days_and_can_be_undeleted(
    world: World, operator: Operator
) -> None:
    operator.make_provider()
    operator.providers.delete(name=GITHUB_OIDC).execute()
    assert exchange(world) == 400
    shown = operator.providers.get(name=GITHUB_OIDC).execute()
    assert (shown["state"], "expireTime" in shown) == ("DELETED", True)
    assert operator.providers.list(parent=POOL).execute() == {}
    assert len(operator.providers.list(parent=POOL, showDeleted=True).execute()) == 1
    again = operator.providers.create(parent=POOL, workloadIdentityPoolProviderId="github-oidc", body=PROVIDER)
    assert refusal(again)[1] == "ALREADY_EXISTS"
    patch = operator.providers.patch(name=GITHUB_OIDC, updateMask="disabled", body={"disabled": True})
    assert refusal(patch)[1] == "FAILED_PRECONDITION"
    operator.providers.undelete(name=GITHUB_OIDC, body={}).execute()
    assert exchange(world) == 200
    assert refusal(operator.providers.undelete(name=GITHUB_OIDC, body={}))[1] == "FAILED_PRECONDITION"


def test_after_thirty_days_a_deleted_provider_is_gone(control_plane: ControlPlane, operator: Operator) -> None:
    operator.make_provider()
    operator.providers.delete(name=GITHUB_OIDC).execute()
    control_plane.clock.offset = 30 * DAY + 1
    assert refusal(operator.providers.get(name=GITHUB_OIDC))[:2] == (404, "NOT_FOUND")


def test_a_deleted_pool_takes_its_providers_with_it_until_it_is_undeleted(world: World, operator: Operator) -> None:
    operator.make_provider()
    operator.pools.delete(name=POOL).execute()
    assert exchange(world) == 400
    assert operator.pools.list(parent=GLOBAL).execute() == {}
    assert operator.pools.get(name=POOL).execute()["state"] == "DELETED"
    other = operator.providers.create(parent=POOL, workloadIdentityPoolProviderId="other", body=PROVIDER)
    assert refusal(other)[1] == "FAILED_PRECONDITION"
    operator.pools.undelete(name=POOL, body={}).execute()
    assert exchange(world) == 200


def test_a_disabled_pool_stops_the_exchange(world: World, operator: Operator) -> None:
    operator.make_provider()
    operator.pools.patch(name=POOL, updateMask="disabled", body={"disabled": True}).execute()
    assert operator.pools.get(name=POOL).execute()["disabled"]
    assert exchange(world) == 400


def test_what_a_test_writes_to_the_federation_shows(world: World, operator: Operator) -> None:
    operator.make_provider()
    world.put_provider(names.PROVIDER, "assertion.repository_owner == 'x'", allowed_audiences=("wrong",))
    provider = operator.providers.get(name=GITHUB_OIDC).execute()
    assert provider["attributeCondition"] == "assertion.repository_owner == 'x'"
    assert provider["oidc"]["allowedAudiences"] == ["wrong"]


def test_an_operation_is_done_when_its_time_has_come(control_plane: ControlPlane, operator: Operator) -> None:
    control_plane.slow_operations(60)
    begun = operator.pools.create(parent=GLOBAL, workloadIdentityPoolId="fullsend-pool", body={}).execute()
    assert "done" not in begun
    operations = operator.pools.operations()
    assert "done" not in operations.get(name=begun["name"]).execute()
    control_plane.clock.offset = 61
    assert operations.get(name=begun["name"]).execute()["response"]["state"] == "ACTIVE"


def test_an_unknown_operation_is_not_found(operator: Operator) -> None:
    assert refusal(operator.pools.operations().get(name=f"{POOL}/operations/x"))[0] == 404


def test_a_new_service_account_is_there_at_once_but_policies_know_it_later(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.slow_service_accounts(60)
    made = operator.accounts.create(name=PROJECT, body={"accountId": "fullsend-mint"}).execute()
    assert made["email"] == ACCOUNT
    assert operator.accounts.get(name=f"{PROJECT}/serviceAccounts/{ACCOUNT}").execute() == made
    grant = operator.projects.setIamPolicy(resource=PROJECT, body=binding(f"serviceAccount:{ACCOUNT}"))
    assert refusal(grant) == (400, "INVALID_ARGUMENT", f"Service account {ACCOUNT} does not exist.")
    control_plane.clock.offset = 61
    assert grant.execute()["bindings"][0]["members"] == [f"serviceAccount:{ACCOUNT}"]


def test_making_an_account_twice_is_already_exists(operator: Operator) -> None:
    operator.make_account()
    again = operator.accounts.create(name=PROJECT, body={"accountId": "fullsend-mint"})
    assert refusal(again)[:2] == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize("account", ["short", "Upper-case", "ends-with-", "x" * 31, "", "1digit-first"])
def test_a_bad_account_id_is_refused(operator: Operator, account: str) -> None:
    assert refusal(operator.accounts.create(name=PROJECT, body={"accountId": account}))[0] == 400


def test_an_account_made_again_does_not_inherit_what_the_deleted_one_had(operator: Operator) -> None:
    operator.make_account()
    operator.projects.setIamPolicy(resource=PROJECT, body=binding(f"serviceAccount:{ACCOUNT}")).execute()
    operator.accounts.delete(name=f"projects/-/serviceAccounts/{ACCOUNT}").execute()
    operator.make_account()
    policy = operator.projects.getIamPolicy(resource=PROJECT, body={}).execute()
    [deleted] = policy["bindings"][0]["members"]
    assert deleted.startswith(f"deleted:serviceAccount:{ACCOUNT}?uid=")
    policy["bindings"][0]["members"].append(f"serviceAccount:{ACCOUNT}")
    status, _, sentence = refusal(operator.projects.setIamPolicy(resource=PROJECT, body={"policy": policy}))
    assert (status, "Remove the deleted one" in sentence) == (400, True)


def test_an_account_that_is_not_there_is_not_found(operator: Operator) -> None:
    assert refusal(operator.accounts.get(name=f"{PROJECT}/serviceAccounts/{ACCOUNT}"))[0] == 404


@pytest.mark.parametrize(
    ("member", "role", "message"),
    [
        ("allUsers", "roles/viewer", "allUsers"),
        ("somebody", "roles/viewer", "unknown type"),
        ("user:a b@example.com", "roles/viewer", "unknown type"),
        ("user:a@example.com", "viewer", "Invalid role"),
        (f"{PRINCIPALS}/fullsend-inference/attribute.repository/o/r", "roles/viewer", "Identity Pool does not"),
    ],
)
def test_a_project_policy_that_google_refuses_is_refused(
    operator: Operator, member: str, role: str, message: str
) -> None:
    code, _, text = refusal(operator.projects.setIamPolicy(resource=PROJECT, body=binding(member, role)))
    assert (code, message in text) == (400, True), text


def test_a_principal_set_of_a_pool_that_exists_can_be_bound(operator: Operator) -> None:
    operator.make_provider()
    member = f"{PRINCIPALS}/fullsend-pool/attribute.repository/octo-org/app"
    operator.projects.setIamPolicy(resource=PROJECT, body=binding(member)).execute()
    policy = operator.projects.getIamPolicy(resource=PROJECT, body={}).execute()
    assert policy["bindings"] == [{"role": "roles/aiplatform.user", "members": [member]}]


def test_a_policy_write_with_an_old_etag_is_aborted_and_changes_nothing(operator: Operator) -> None:
    read = operator.projects.getIamPolicy(resource=PROJECT, body={}).execute()
    first = {"policy": {"etag": read["etag"], **binding("user:a@example.com")["policy"]}}
    second = {"policy": {"etag": read["etag"], **binding("user:b@example.com")["policy"]}}
    operator.projects.setIamPolicy(resource=PROJECT, body=first).execute()
    assert refusal(operator.projects.setIamPolicy(resource=PROJECT, body=second))[:2] == (409, "ABORTED")
    policy = operator.projects.getIamPolicy(resource=PROJECT, body={}).execute()
    assert policy["bindings"][0]["members"] == ["user:a@example.com"]


@pytest.mark.parametrize("name", [PROJECT, f"projects/{NUMBER}"])
def test_the_project_is_found_by_id_and_by_number(operator: Operator, name: str) -> None:
    project = operator.projects.get(name=name).execute()
    assert (project["name"], project["projectId"]) == (f"projects/{NUMBER}", "octo-project")


def test_version_one_of_the_resource_manager_tells_the_number_too(operator: Operator) -> None:
    v1 = operator.api("cloudresourcemanager", "v1").projects()
    assert v1.get(projectId="octo-project").execute()["projectNumber"] == NUMBER
