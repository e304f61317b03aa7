from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.unit.sandbox.google.google_operator import (
    ACCOUNT,
    FUNCTION,
    REGION,
    SERVICE,
    STAND_IN_ENVIRONMENT,
    Operator,
    eventually,
    finished,
    refusal,
    source,
)

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane

ZIP = {"Content-Type": "application/zip"}


def create(operator: Operator, body: dict[str, Any]) -> Any:
    return operator.functions.create(parent=REGION, functionId="fullsend-mint", body=body)


def status(url: str, method: str = "GET") -> int:
    return urllib3.request(method, url, retries=False).status


def test_a_function_is_a_service_with_one_revision_that_gets_all_traffic(operator: Operator) -> None:
    service = operator.deploy_stand_in()
    function = operator.functions.get(name=FUNCTION).execute()
    assert (function["state"], function["serviceConfig"]["service"]) == ("ACTIVE", SERVICE)
    assert function["url"] == function["serviceConfig"]["uri"] == service["uri"]
    assert service["latestReadyRevision"] == f"{SERVICE}/revisions/{function['serviceConfig']['revision']}"
    assert service["trafficStatuses"] == [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}]


def test_every_caller_is_refused_until_all_users_may_invoke_it(operator: Operator) -> None:
    url = operator.deploy_stand_in()["uri"]
    assert status(f"{url}/health") == 403
    operator.open_door()
    assert status(f"{url}/health") == 200
    assert status(f"{url}/v1/token", "POST") == 401


def test_the_version_of_the_uploaded_source_answers(control_plane: ControlPlane, operator: Operator) -> None:
    operator.deploy_stand_in()
    operator.open_door()
    health = urllib3.request("GET", f"{control_plane.function_url()}/health", retries=False)
    assert health.json() == {"status": "ok", "version": "1.2.3"}


def test_a_patched_function_keeps_its_address_and_serves_the_new_source(operator: Operator) -> None:
    url = operator.deploy_stand_in()["uri"]
    operator.open_door()
    newer = source(**{"main.py": "", "mintcore/version.py": 'VERSION = "2.0.0"\n'})
    body = operator.function(newer, **STAND_IN_ENVIRONMENT)
    begun = operator.functions.patch(name=FUNCTION, updateMask="buildConfig.source", body=body).execute()
    assert "error" not in finished(begun, operator.function_operations)
    assert operator.service()["uri"] == url
    assert urllib3.request("GET", f"{url}/health", retries=False).json()["version"] == "2.0.0"


def test_patching_a_function_overwrites_what_was_changed_on_its_service(operator: Operator) -> None:
    service = operator.deploy_stand_in()
    operator.patch(operator.with_variable(service, "ALLOWED_ORGS", "octo-org"), "template")
    labels = {"labels": {"bundle": "abc"}}
    begun = operator.functions.patch(name=FUNCTION, updateMask="labels", body=labels).execute()
    finished(begun, operator.function_operations)
    names = [one["name"] for one in operator.service()["template"]["containers"][0]["env"]]
    assert "ALLOWED_ORGS" not in names


def test_a_function_that_is_being_deployed_cannot_be_changed(operator: Operator) -> None:
    operator.deploy_stand_in()
    patch = operator.functions.patch(name=FUNCTION, updateMask="labels", body={"labels": {"a": "b"}})

    def both() -> tuple[int, str] | None:
        operation = patch.execute()
        try:
            return refusal(patch)[:2]
        except AssertionError:
            return None  # it was done before the second came
        finally:
            finished(operation, operator.function_operations)
            operator.control_plane.wait()

    assert eventually(both) == (409, "ABORTED")


def test_creating_it_twice_is_already_exists(operator: Operator) -> None:
    operator.deploy_stand_in()
    again = create(operator, operator.function(source(), **STAND_IN_ENVIRONMENT))
    assert refusal(again)[:2] == (409, "ALREADY_EXISTS")


def test_a_revision_that_does_not_start_fails_the_operation_and_the_function(operator: Operator) -> None:
    failed = operator.create(operator.function(source()))
    assert (failed["error"]["code"], "is not ready" in failed["error"]["message"]) == (3, True)
    assert operator.functions.get(name=FUNCTION).execute()["state"] == "FAILED"


def test_an_account_without_a_role_cannot_build_and_one_of_the_folder_can(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.without_default_grants()
    failed = operator.create(operator.function(source(), **STAND_IN_ENVIRONMENT))
    assert failed["error"]["code"] == 3
    assert "due to a missing permission on the build service account" in failed["error"]["message"]
    assert operator.functions.get(name=FUNCTION).execute()["state"] == "FAILED"
    control_plane.grant_above("roles/cloudbuild.builds.builder", control_plane.project.default_account)
    body = operator.function(source(), **STAND_IN_ENVIRONMENT)
    begun = operator.functions.patch(name=FUNCTION, body=body).execute()
    assert "error" not in finished(begun, operator.function_operations)


def test_a_chosen_build_account_is_the_one_that_needs_the_role(operator: Operator) -> None:
    body = operator.function(source(), **STAND_IN_ENVIRONMENT)
    body["buildConfig"]["serviceAccount"] = "projects/octo-project/serviceAccounts/own@octo-project.iam"
    assert "missing permission on the build service account" in operator.create(body)["error"]["message"]


def test_a_failed_function_can_be_fixed_by_a_patch(operator: Operator) -> None:
    operator.create(operator.function(source()))
    body = operator.function(source(), **STAND_IN_ENVIRONMENT)
    begun = operator.functions.patch(name=FUNCTION, body=body).execute()
    assert "error" not in finished(begun, operator.function_operations)
    assert operator.functions.get(name=FUNCTION).execute()["state"] == "ACTIVE"


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"not a zip", "not a zip archive"),
        (source(**{"mint.py": ""}), "missing main.py"),
        (source(**{"main.py": "", "../../outside.py": ""}), "outside of it"),
        (source()[:-10], "not a zip archive"),
    ],
)
def test_a_source_that_cannot_be_built_fails_the_operation(
    operator: Operator, archive: bytes, message: str
) -> None:
    failed = operator.create(operator.function(archive, **STAND_IN_ENVIRONMENT))
    assert message in failed["error"]["message"]
    assert refusal(operator.services.get(name=SERVICE))[0] == 404


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("buildConfig", {"runtime": "python27"}, "runtime"),
        ("buildConfig", {"entryPoint": ""}, "entry point"),
        ("buildConfig", {"source": {"storageSource": {"bucket": "b", "object": "o"}}}, "does not exist"),
        ("serviceConfig", {"environmentVariables": {"PORT": "1"}}, "reserved env names were provided: PORT"),
        ("serviceConfig", {"environmentVariables": {"BIG": "x" * 32_768}}, "32768"),
        ("serviceConfig", {"environmentVariables": {"A=B": "x"}}, "name that is empty"),
        ("serviceConfig", {"maxInstanceRequestConcurrency": 80}, "Total cpu < 1"),
        ("serviceConfig", {"maxInstanceRequestConcurrency": 0}, "concurrency"),
        ("serviceConfig", {"availableMemory": "much"}, "quantity"),
        ("serviceConfig", {"availableCpu": "many"}, "number"),
        ("serviceConfig", {"timeoutSeconds": 9999}, "timeout"),
        ("serviceConfig", {"serviceAccountEmail": ACCOUNT}, "does not exist"),
        ("labels", {"bundle": "0" * 64}, "label"),
        ("labels", {"Upper": "x"}, "label"),
    ],
)
def test_a_function_that_google_refuses_is_refused(
    operator: Operator, part: str, changes: dict[str, Any], message: str
) -> None:
    body = operator.function(source(), **STAND_IN_ENVIRONMENT)
    code, _, text = refusal(create(operator, body | {part: body.get(part, {}) | changes}))
    assert (code, message in text) == (400, True), text


@pytest.mark.parametrize("function", ["Upper", "ends-", "1first", "x" * 64, ""])
def test_a_bad_function_id_is_refused(operator: Operator, function: str) -> None:
    body = operator.function(source())
    assert refusal(operator.functions.create(parent=REGION, functionId=function, body=body))[0] == 400


def test_deploying_takes_the_permission_to_act_as_the_service_account(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.deny("iam.serviceAccounts.actAs")
    assert "iam.serviceAccounts.actAs" in refusal(create(operator, operator.function(source())))[2]


def test_a_deleted_function_takes_its_service_and_its_address_along(operator: Operator) -> None:
    url = operator.deploy_stand_in()["uri"]
    begun = operator.functions.delete(name=FUNCTION).execute()
    finished(begun, operator.function_operations)
    assert refusal(operator.functions.get(name=FUNCTION))[0] == 404
    assert refusal(operator.services.get(name=SERVICE))[0] == 404
    with pytest.raises(urllib3.exceptions.HTTPError):
        status(url)
    operator.deploy_stand_in()


@pytest.mark.parametrize(
    ("headers", "spoil", "answer"),
    [
        (ZIP, "", 200),
        (ZIP, "x", 403),
        ({"Content-Type": "application/octet-stream"}, "", 403),
        ({}, "", 403),
        (ZIP | {"Authorization": "Bearer ya29.x"}, "", 400),
    ],
)
def test_an_upload_must_be_just_as_it_was_signed(
    operator: Operator, headers: dict[str, str], spoil: str, answer: int
) -> None:
    offer = operator.functions.generateUploadUrl(parent=REGION, body={"environment": "GEN_2"}).execute()
    given = urllib3.request("PUT", offer["uploadUrl"] + spoil, body=b"zip", headers=headers, retries=False)
    assert given.status == answer


def test_an_upload_url_is_valid_for_thirty_minutes(control_plane: ControlPlane, operator: Operator) -> None:
    offer = operator.functions.generateUploadUrl(parent=REGION, body={}).execute()
    control_plane.clock.offset = 1801
    # The bucket keeps its own time, as each loopback service does.
    answer = urllib3.request("PUT", offer["uploadUrl"], body=b"zip", headers=ZIP, retries=False)
    assert answer.status == 400
