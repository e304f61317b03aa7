"""The control plane as Google's own REST client libraries see it, used as they are published."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import urllib3
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound
from google.cloud import functions_v2, resourcemanager_v3, run_v2, secretmanager_v1, service_usage_v1
from google.iam.v1 import iam_policy_pb2, policy_pb2  # type: ignore[import-untyped]
from google.oauth2.credentials import Credentials
from google.protobuf.field_mask_pb2 import FieldMask  # type: ignore[import-untyped]

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google.enums import EXCEPTIONS, numbers
from tests.unit.sandbox.google.google_operator import (
    FUNCTION,
    NUMBER,
    PROJECT,
    REGION,
    SERVICE,
    STAND_IN_ENVIRONMENT,
    Operator,
    source,
)

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane

Client = TypeVar("Client")
LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
SECRET = f"{PROJECT}/secrets/a"
AUTOMATIC = secretmanager_v1.Replication(automatic=secretmanager_v1.Replication.Automatic())


def client(kind: type[Client], control_plane: ControlPlane, api: str) -> Client:
    made: Any = kind
    return made(  # type: ignore[no-any-return]
        transport="rest",
        credentials=Credentials(control_plane.access_token()),
        client_options={"api_endpoint": control_plane.endpoint(api).rstrip("/")},
    )


@pytest.fixture
def functions(control_plane: ControlPlane) -> functions_v2.FunctionServiceClient:
    return client(functions_v2.FunctionServiceClient, control_plane, "cloudfunctions")


@pytest.fixture
def services(control_plane: ControlPlane) -> run_v2.ServicesClient:
    return client(run_v2.ServicesClient, control_plane, "run")


@pytest.fixture
def secrets(control_plane: ControlPlane) -> secretmanager_v1.SecretManagerServiceClient:
    return client(secretmanager_v1.SecretManagerServiceClient, control_plane, "secretmanager")


@pytest.fixture
def projects(control_plane: ControlPlane) -> resourcemanager_v3.ProjectsClient:
    return client(resourcemanager_v3.ProjectsClient, control_plane, "cloudresourcemanager")


def deploy(functions: functions_v2.FunctionServiceClient) -> functions_v2.Function:
    offer = functions.generate_upload_url(
        {"parent": REGION, "environment": functions_v2.Environment.GEN_2},
    )
    headers = {"Content-Type": "application/zip"}
    assert urllib3.request("PUT", offer.upload_url, body=source(), headers=headers).status == 200
    function = functions_v2.Function(
        build_config=functions_v2.BuildConfig(
            runtime="python312",
            entry_point="mint",
            source=functions_v2.Source(storage_source=offer.storage_source),
        ),
        service_config=functions_v2.ServiceConfig(
            environment_variables=STAND_IN_ENVIRONMENT,
            ingress_settings=functions_v2.ServiceConfig.IngressSettings.ALLOW_ALL,
        ),
        environment=functions_v2.Environment.GEN_2,
    )
    operation = functions.create_function(parent=REGION, function_id="fullsend-mint", function=function)
    made = operation.result(timeout=60)
    assert operation.metadata.target == FUNCTION
    assert operation.metadata.operation_type == functions_v2.OperationType.CREATE_FUNCTION
    return made  # type: ignore[no-any-return]


def test_cloud_functions_create_get_list_and_update(functions: functions_v2.FunctionServiceClient) -> None:
    made = deploy(functions)
    assert made.state == functions_v2.Function.State.ACTIVE
    assert functions.get_function(name=FUNCTION).service_config.all_traffic_on_latest_revision is True
    assert [one.name for one in functions.list_functions(parent=REGION)] == [FUNCTION]
    made.service_config.timeout_seconds = 90
    mask = FieldMask(paths=["service_config.timeout_seconds"])
    changed = functions.update_function(function=made, update_mask=mask).result(timeout=60)
    assert changed.service_config.timeout_seconds == 90
    assert changed.service_config.environment_variables["WIF_POOL_NAME"] == "fullsend-pool"


def test_cloud_functions_lists_runtimes_and_explains_refusals(
    functions: functions_v2.FunctionServiceClient,
) -> None:
    runtimes = functions.list_runtimes(parent=REGION).runtimes
    assert ("python312", functions_v2.Environment.GEN_2) in [(one.name, one.environment) for one in runtimes]
    with pytest.raises(NotFound, match="fullsend-mint"):
        functions.get_function(name=FUNCTION)


def test_a_function_is_on_its_latest_revision_only_while_traffic_is(
    operator: Operator, functions: functions_v2.FunctionServiceClient, services: run_v2.ServicesClient
) -> None:
    deploy(functions)
    first = services.get_service(name=SERVICE)
    pinned = run_v2.TrafficTarget(
        type_=run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION,
        revision=first.latest_ready_revision.rpartition("/")[2],
        percent=100,
    )
    first.traffic = [pinned]
    first.template.containers[0].env.append(run_v2.EnvVar(name="A", value="b"))
    services.update_service(service=first).result(timeout=60)
    assert functions.get_function(name=FUNCTION).service_config.all_traffic_on_latest_revision is False
    assert "allTrafficOnLatestRevision" not in operator.functions.get(name=FUNCTION).execute()["serviceConfig"]


def test_cloud_run_operations_carry_the_service_as_metadata(
    functions: functions_v2.FunctionServiceClient, services: run_v2.ServicesClient
) -> None:
    deploy(functions)
    service = services.get_service(name=SERVICE)
    assert service.terminal_condition.state == run_v2.Condition.State.CONDITION_SUCCEEDED
    assert [one.type_ for one in service.traffic] == [LATEST]
    service.template.containers[0].env.append(run_v2.EnvVar(name="A", value="b"))
    operation = services.update_service(service=service, update_mask=FieldMask(paths=["template"]))
    assert operation.metadata.name == SERVICE
    assert operation.result(timeout=60).generation == service.generation + 1
    with pytest.raises(Conflict, match="Conflict for resource"):
        services.update_service(service=service)


def test_cloud_run_creates_a_service_of_a_built_image_and_lists_it(
    functions: functions_v2.FunctionServiceClient, services: run_v2.ServicesClient
) -> None:
    deploy(functions)
    template = services.get_service(name=SERVICE).template
    service = run_v2.Service(template={"containers": [template.containers[0]]})
    operation = services.create_service(parent=REGION, service=service, service_id="another")
    assert operation.result(timeout=60).latest_ready_revision.startswith(f"{REGION}/services/another/revisions/")
    with pytest.raises(Conflict, match="already exists"):
        services.create_service(parent=REGION, service=service, service_id="another")
    assert [one.name.rpartition("/")[2] for one in services.list_services(parent=REGION)] == [
        "another",
        "fullsend-mint",
    ]


def test_cloud_run_policies_take_an_etag_in_either_base64(
    control_plane: ControlPlane, functions: functions_v2.FunctionServiceClient, services: run_v2.ServicesClient
) -> None:
    deploy(functions)
    binding = policy_pb2.Binding(role="roles/run.invoker", members=["allUsers"])
    etag = b""
    while b"-" not in base64.urlsafe_b64encode(etag) and b"_" not in base64.urlsafe_b64encode(etag):
        policy = policy_pb2.Policy(bindings=[binding], etag=etag)
        request = iam_policy_pb2.SetIamPolicyRequest(resource=SERVICE, policy=policy)
        etag = services.set_iam_policy(request).etag
    policy = policy_pb2.Policy(bindings=[binding], etag=etag)
    services.set_iam_policy(iam_policy_pb2.SetIamPolicyRequest(resource=SERVICE, policy=policy))
    stale = {"policy": {"etag": base64.urlsafe_b64encode(etag).decode(), "bindings": []}}
    url = f"{control_plane.endpoint('run')}v2/{SERVICE}:setIamPolicy"
    answer = urllib3.request("POST", url, json=stale, headers=control_plane.headers())
    assert (answer.status, answer.json()["error"]["status"]) == (409, "ABORTED")
    current = services.get_iam_policy(iam_policy_pb2.GetIamPolicyRequest(resource=SERVICE)).etag
    fresh = {"policy": {"etag": base64.urlsafe_b64encode(current).decode(), "bindings": []}}
    assert urllib3.request("POST", url, json=fresh, headers=control_plane.headers()).status == 200


def test_secret_manager_create_update_and_checksums(secrets: secretmanager_v1.SecretManagerServiceClient) -> None:
    secret = secrets.create_secret(
        parent=PROJECT, secret_id="a", secret=secretmanager_v1.Secret(replication=AUTOMATIC)
    )
    assert [one.name for one in secrets.list_secrets(parent=PROJECT)] == [secret.name]
    payload = secretmanager_v1.SecretPayload(data=b"pem", data_crc32c=crc32c(b"pem"))
    version = secrets.add_secret_version(parent=SECRET, payload=payload)
    assert version.client_specified_payload_checksum is True
    assert version.state == secretmanager_v1.SecretVersion.State.ENABLED
    plain = secrets.add_secret_version(parent=SECRET, payload=secretmanager_v1.SecretPayload(data=b"pem"))
    assert plain.client_specified_payload_checksum is False
    destroyed = secrets.destroy_secret_version(name=plain.name)
    assert destroyed.destroy_time.timestamp() > 0
    wrong = secretmanager_v1.SecretPayload(data=b"pem", data_crc32c=1)
    with pytest.raises(BadRequest, match="checksum"):
        secrets.add_secret_version(parent=SECRET, payload=wrong)
    secret.labels["team"] = "a"
    mask = FieldMask(paths=["labels"])
    assert secrets.update_secret(secret=secret, update_mask=mask).labels["team"] == "a"
    with pytest.raises(BadRequest, match="etag"):
        secrets.update_secret(secret=secret, update_mask=mask)


def test_resource_manager_finds_reads_and_updates_the_project(projects: resourcemanager_v3.ProjectsClient) -> None:
    assert [one.project_id for one in projects.search_projects()] == ["octo-project"]
    project = projects.get_project(name=PROJECT)
    assert (project.name, project.state) == (f"projects/{NUMBER}", resourcemanager_v3.Project.State.ACTIVE)
    project.display_name = "Octo"
    mask = FieldMask(paths=["display_name"])
    assert projects.update_project(project=project, update_mask=mask).result(timeout=60).display_name == "Octo"
    with pytest.raises(Conflict, match="etag"):
        projects.update_project(project=project, update_mask=mask)
    with pytest.raises(Forbidden) as refused:
        projects.list_projects(parent="organizations/1")
    assert refused.value.reason == "IAM_PERMISSION_DENIED"


def test_service_usage_enables_with_an_operation_and_explains(control_plane: ControlPlane) -> None:
    usage = client(service_usage_v1.ServiceUsageClient, control_plane, "serviceusage")
    control_plane.disable("run")
    name = f"projects/{NUMBER}/services/run.googleapis.com"
    assert usage.get_service({"name": name}).state == service_usage_v1.State.DISABLED
    operation = usage.enable_service({"name": name})
    assert list(operation.metadata.resource_names) == [name]
    assert operation.result(timeout=60).service.state == service_usage_v1.State.ENABLED
    enabled = usage.list_services({"parent": f"projects/{NUMBER}", "filter": "state:ENABLED"})
    assert name in [one.name for one in enabled]
    with pytest.raises(Forbidden) as refused:
        usage.enable_service({"name": f"projects/{NUMBER}/services/rum.googleapis.com"})
    assert refused.value.metadata["permission"] == "servicemanagement.services.bind"


def test_unknown_fields_are_named_as_a_bad_request(control_plane: ControlPlane) -> None:
    url = f"{control_plane.endpoint('secretmanager')}v1/{PROJECT}/secrets?secretId=a"
    answer = urllib3.request("POST", url, json={"repliction": {}}, headers=control_plane.headers())
    [detail] = answer.json()["error"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"


@pytest.mark.parametrize(
    ("query", "status"),
    [("$alt=json;enum-encoding=int", 200), ("alt=json", 200), ("$alt=yaml", 400), ("$alt=json;enum=int", 400)],
)
def test_system_parameters_are_read_in_both_spellings(control_plane: ControlPlane, query: str, status: int) -> None:
    url = f"{control_plane.endpoint('secretmanager')}v1/{PROJECT}/secrets?{query}"
    assert urllib3.request("GET", url, headers=control_plane.headers()).status == status


def test_a_number_that_an_enum_does_not_have_is_refused(control_plane: ControlPlane, operator: Operator) -> None:
    operator.deploy_stand_in()
    url = f"{control_plane.endpoint('run')}v2/{SERVICE}?updateMask=traffic"
    body = {"traffic": [{"type": 99, "percent": 100}]}
    answer = urllib3.request("PATCH", url, json=body, headers=control_plane.headers())
    assert (answer.status, "TYPE_ENUM" in answer.json()["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "enum",
    [
        functions_v2.Environment,
        functions_v2.Function.State,
        functions_v2.OperationType,
        functions_v2.ServiceConfig.IngressSettings,
        run_v2.Condition.State,
        run_v2.ExecutionEnvironment,
        run_v2.IngressTraffic,
        run_v2.TrafficTargetAllocationType,
        secretmanager_v1.SecretVersion.State,
        resourcemanager_v3.Project.State,
        service_usage_v1.State,
    ],
)
def test_the_enums_that_are_shown_count_up_from_zero(enum: Any) -> None:
    names = [value.name for value in enum]
    assert numbers(names) == {value.name: int(value) for value in enum}
    assert names[0] not in EXCEPTIONS
