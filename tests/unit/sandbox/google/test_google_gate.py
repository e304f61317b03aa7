from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from tests.unit.sandbox.google.google_operator import GLOBAL, POOL, PROJECT, PROVIDER, REGION, Operator, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.google.control_plane import ControlPlane


def get(control_plane: ControlPlane, **changes: str | None) -> tuple[int, dict[str, Any]]:
    user = {"Authorization": f"Bearer {control_plane.access_token(of_user=True)}"}
    headers = {k: v for k, v in (control_plane.headers() | user | changes).items() if v is not None}
    url = f"{control_plane.endpoint('secretmanager')}v1/{PROJECT}/secrets"
    answer = urllib3.request("GET", url, headers=headers, retries=False)
    return answer.status, answer.json().get("error", {})


def reason(error: dict[str, Any]) -> str:
    found: str = error["details"][0]["reason"]
    return found


def test_a_call_with_token_and_quota_project_passes(control_plane: ControlPlane) -> None:
    assert get(control_plane) == (200, {})


@pytest.mark.parametrize(
    ("headers", "status", "why"),
    [
        ({"Authorization": None}, 401, "CREDENTIALS_MISSING"),
        ({"Authorization": "Basic b3A6b3A="}, 401, "CREDENTIALS_MISSING"),
        ({"Authorization": "Bearer ya29.somebody-else"}, 401, "ACCESS_TOKEN_EXPIRED"),
        ({"x-goog-user-project": None}, 403, "SERVICE_DISABLED"),
        ({"x-goog-user-project": "other-project"}, 403, "USER_PROJECT_DENIED"),
    ],
)
def test_a_call_without_its_headers_is_refused_with_googles_reason(
    control_plane: ControlPlane, headers: dict[str, str | None], status: int, why: str
) -> None:
    answered, error = get(control_plane, **headers)
    assert (answered, reason(error)) == (status, why)


def test_a_service_accounts_token_needs_no_quota_project(control_plane: ControlPlane) -> None:
    bare = f"Bearer {control_plane.access_token()}"
    assert get(control_plane, **{"Authorization": bare, "x-goog-user-project": None}) == (200, {})


def test_a_login_can_expire(control_plane: ControlPlane) -> None:
    headers = control_plane.headers()
    control_plane.expire_login()
    assert get(control_plane, **headers)[0] == 401


def test_an_api_that_is_not_enabled_says_where_to_enable_it(control_plane: ControlPlane) -> None:
    control_plane.disable("secretmanager")
    status, error = get(control_plane)
    assert (status, reason(error)) == (403, "SERVICE_DISABLED")
    assert "Secret Manager API has not been used in project 123456789012" in error["message"]


def test_enabling_an_api_is_an_operation_and_then_it_answers(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.disable("secretmanager", "run")
    body = {"serviceIds": ["secretmanager.googleapis.com", "run.googleapis.com"]}
    begun = operator.usage.batchEnable(parent=PROJECT, body=body).execute()
    assert operator.usage_operations.get(name=begun["name"]).execute()["done"]
    assert operator.usage.get(name=f"{PROJECT}/services/run.googleapis.com").execute()["state"] == "ENABLED"
    assert get(control_plane)[0] == 200


def test_enabling_what_is_enabled_is_done_at_once(operator: Operator) -> None:
    body = {"serviceIds": ["run.googleapis.com"]}
    done = operator.usage.batchEnable(parent=PROJECT, body=body).execute()
    assert done["name"] == "operations/noop.DONE_OPERATION"


def test_an_unknown_service_cannot_be_enabled(operator: Operator) -> None:
    body = {"serviceIds": ["secretmanger.googleapis.com"]}
    assert refusal(operator.usage.batchEnable(parent=PROJECT, body=body))[1] == "PERMISSION_DENIED"


def test_a_denied_permission_is_named_and_can_be_granted(control_plane: ControlPlane, operator: Operator) -> None:
    control_plane.deny("secretmanager.secrets.create")
    create = operator.secrets.create(parent=PROJECT, secretId="s", body={"replication": {"automatic": {}}})
    code, status, message = refusal(create)
    assert (code, status) == (403, "PERMISSION_DENIED")
    assert "'secretmanager.secrets.create'" in message
    control_plane.allow("secretmanager.secrets.create")
    assert create.execute()["name"].endswith("/secrets/s")


def test_a_limit_hits_its_method_as_often_as_told(control_plane: ControlPlane, operator: Operator) -> None:
    control_plane.limit("secretmanager.projects.secrets.list", 2)
    calls = [refusal(operator.secrets.list(parent=PROJECT)) for _ in range(2)]
    assert [call[:2] for call in calls] == [(429, "RESOURCE_EXHAUSTED")] * 2
    assert operator.secrets.list(parent=PROJECT).execute() == {"totalSize": 0}


def test_a_limit_may_be_a_glob(control_plane: ControlPlane, operator: Operator) -> None:
    control_plane.limit("iam.*", 1)
    operator.secrets.list(parent=PROJECT).execute()
    assert refusal(operator.accounts.list(name=PROJECT))[0] == 429


def test_another_project_is_forbidden(operator: Operator) -> None:
    assert refusal(operator.secrets.list(parent="projects/not-mine"))[:2] == (403, "PERMISSION_DENIED")


def test_a_method_that_the_sandbox_lacks_says_so(operator: Operator) -> None:
    assert refusal(operator.projects.undelete(name=PROJECT))[:2] == (501, "UNIMPLEMENTED")


def post(control_plane: ControlPlane, api: str, path: str, body: object, method: str = "POST") -> tuple[int, str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = control_plane.endpoint(api) + path
    answer = urllib3.request(method, url, body=raw, headers=control_plane.headers(), retries=False)
    return answer.status, answer.json().get("error", {}).get("message", "")


PROVIDERS = f"v1/{POOL}/providers?workloadIdentityPoolProviderId=github-oidc"


@pytest.mark.parametrize(
    ("api", "path", "body", "message"),
    [
        (
            "iam",
            PROVIDERS,
            PROVIDER | {"attributeConditon": "true"},
            "Unknown name \"attributeConditon\" at 'workload_identity_pool_provider': Cannot find field.",
        ),
        (
            "iam",
            PROVIDERS,
            PROVIDER | {"oidc": {"issuerURI": "https://x"}},
            "Unknown name \"issuerURI\" at 'workload_identity_pool_provider.oidc': Cannot find field.",
        ),
        ("iam", PROVIDERS, {"disabled": "yes"}, "Invalid value at 'workload_identity_pool_provider.disabled'"),
        ("iam", PROVIDERS, {"attributeMapping": {"a": 1}}, "attribute_mapping[a]' (TYPE_STRING), 1"),
        ("iam", PROVIDERS + "&updateMask=x", PROVIDER, 'Unknown name "updateMask": Cannot bind query parameter.'),
        ("iam", PROVIDERS, b"{", "Invalid JSON payload received."),
        ("iam", PROVIDERS, [], "Root element must be a message."),
        ("serviceusage", f"v1/{PROJECT}/services:batchEnable", {"serviceIds": "run"}, "(TYPE_REPEATED)"),
        ("secretmanager", f"v1/{PROJECT}/secrets/s:setIamPolicy", {"bindings": []}, 'Unknown name "bindings"'),
        ("cloudfunctions", f"v2/{REGION}/functions?functionId=f", {"state": "UP"}, "(TYPE_ENUM)"),
        (
            "cloudfunctions",
            f"v2/{REGION}/functions?functionId=f",
            {"serviceConfig": {"envVariables": {}}},
            "at 'function.service_config'",
        ),
        ("secretmanager", f"v1/{PROJECT}/secrets/s:addVersion", {"payload": {"data": "n*t"}}, "(TYPE_BYTES)"),
    ],
)
def test_what_the_discovery_document_does_not_have_is_refused_in_googles_words(
    control_plane: ControlPlane, api: str, path: str, body: object, message: str
) -> None:
    status, text = post(control_plane, api, path, body)
    assert status == 400
    assert message in text


def test_a_refused_payload_is_not_repeated(control_plane: ControlPlane) -> None:
    _, text = post(
        control_plane, "secretmanager", f"v1/{PROJECT}/secrets/s:addVersion", {"payload": {"data": "s3cr*t"}}
    )
    assert "s3cr" not in text


def test_snake_case_fields_and_output_only_fields_are_taken(
    control_plane: ControlPlane, operator: Operator
) -> None:
    body = {"display_name": "a pool", "state": "DELETED", "name": "ignored"}
    path = f"v1/{GLOBAL}/workloadIdentityPools?workload_identity_pool_id=fullsend-pool"
    assert post(control_plane, "iam", path, body)[0] == 200
    pool = operator.pools.get(name=POOL).execute()
    assert (pool["displayName"], pool["state"]) == ("a pool", "ACTIVE")


def test_a_path_that_no_document_has_is_not_found(control_plane: ControlPlane) -> None:
    assert post(control_plane, "iam", f"v1/{PROJECT}/serviceAcounts", {})[0] == 404


def test_application_default_credentials_of_the_sandbox_get_a_token_that_works(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    file = tmp_path / "adc.json"
    environment = control_plane.environment(file)
    assert environment["GOOGLE_APPLICATION_CREDENTIALS"] == str(file)
    assert file.stat().st_mode & 0o077 == 0
    credentials = service_account.Credentials.from_service_account_file(
        file, scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    credentials.refresh(Request())
    assert credentials.project_id == "octo-project"
    assert get(control_plane, Authorization=f"Bearer {credentials.token}")[0] == 200


def test_after_the_last_write_of_the_budget_no_write_gets_through(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.fail_after(1)
    operator.secrets.create(parent=PROJECT, secretId="a", body={"replication": {"automatic": {}}}).execute()
    with pytest.raises(OSError, match=r".*"):
        operator.secrets.create(parent=PROJECT, secretId="b", body={"replication": {"automatic": {}}}).execute()
    assert operator.secrets.list(parent=PROJECT).execute()["totalSize"] == 1
    control_plane.stop_failing()
    operator.secrets.create(parent=PROJECT, secretId="b", body={"replication": {"automatic": {}}}).execute()
    assert control_plane.writes == 2


def test_the_answer_to_the_last_write_can_be_lost(control_plane: ControlPlane, operator: Operator) -> None:
    control_plane.fail_after(1, lose_last_answer=True)
    with pytest.raises(OSError, match=r".*"):
        operator.secrets.create(parent=PROJECT, secretId="a", body={"replication": {"automatic": {}}}).execute()
    assert operator.secrets.get(name=f"{PROJECT}/secrets/a").execute()["name"].endswith("/secrets/a")


def test_a_switch_that_would_do_nothing_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(ValueError, match=r"secretmanager\.version\.add"):
        control_plane.deny("secretmanager.version.add")
    with pytest.raises(ValueError, match=r"answers no method"):
        control_plane.limit("run.projects.services.patch", 1)
    with pytest.raises(ValueError, match=r"it has cloudbuild, cloudfunctions, "):
        control_plane.endpoint("functions")


def test_the_environment_of_a_command_names_every_api_and_a_token(control_plane: ControlPlane) -> None:
    environment = control_plane.environment()
    assert environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN"] == control_plane.endpoint("run")
    token = environment["CLOUDSDK_AUTH_ACCESS_TOKEN"]
    assert get(control_plane, Authorization=f"Bearer {token}")[0] == 200
