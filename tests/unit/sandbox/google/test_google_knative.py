"""Cloud Run v1, which gcloud speaks, and the proxy by which gcloud reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.unit.sandbox.google.google_operator import NUMBER, PROJECT, SERVICE, Operator, eventually, refusal

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane

NAME = "namespaces/octo-project/services/fullsend-mint"


@pytest.fixture
def knative(operator: Operator) -> Any:
    operator.deploy_stand_in()
    return operator.api("run", "v1").namespaces()


def ready(knative: Any) -> dict[str, Any]:
    def ask() -> dict[str, Any] | None:
        service: dict[str, Any] = knative.services().get(name=NAME).execute()
        return None if service["status"]["conditions"][0]["status"] == "Unknown" else service

    return eventually(ask)


def test_a_service_is_the_same_in_both_versions(operator: Operator, knative: Any) -> None:
    service, v2 = ready(knative), operator.service()
    assert service["metadata"]["namespace"] == NUMBER
    assert service["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]
    assert service["spec"]["template"]["spec"]["containers"][0]["env"] == v2["template"]["containers"][0]["env"]
    assert service["status"]["url"] == v2["uri"]


def test_replacing_a_service_makes_a_revision_and_keeps_what_v2_wrote(operator: Operator, knative: Any) -> None:
    before = operator.service()["template"]
    service = ready(knative)
    service["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "A", "value": "b"})
    knative.services().replaceService(name=NAME, body=service).execute()
    assert ready(knative)["status"]["latestReadyRevisionName"].startswith("fullsend-mint-00002-")
    after = operator.service()["template"]
    assert after["containers"][0].pop("env")[-1] == {"name": "A", "value": "b"}
    del before["containers"][0]["env"]
    assert after == before
    revisions = knative.revisions().list(
        parent="namespaces/octo-project", labelSelector="serving.knative.dev/service = fullsend-mint"
    )
    assert len(revisions.execute()["items"]) == 2


def test_a_stale_resource_version_is_refused(knative: Any) -> None:
    service = ready(knative)
    knative.services().replaceService(name=NAME, body=service).execute()
    assert refusal(knative.services().replaceService(name=NAME, body=service))[:2] == (409, "ABORTED")


def test_traffic_can_be_pinned_and_let_go(operator: Operator, knative: Any) -> None:
    service = ready(knative)
    service["spec"]["traffic"] = [{"revisionName": service["status"]["latestReadyRevisionName"], "percent": 100}]
    knative.services().replaceService(name=NAME, body=service).execute()
    ready(knative)
    assert operator.service()["traffic"][0]["type"].endswith("_REVISION")
    service = ready(knative)
    service["spec"]["traffic"] = [{"revisionName": "fullsend-mint-99999-xxx", "percent": 100}]
    assert "does not exist" in refusal(knative.services().replaceService(name=NAME, body=service))[2]


def test_the_v1_policy_is_the_v2_policy(operator: Operator, knative: Any) -> None:
    assert knative is not None
    operator.open_door()
    v1 = operator.api("run", "v1").projects().locations().services()
    policy = v1.getIamPolicy(resource=SERVICE).execute()
    assert policy["bindings"] == [{"role": "roles/run.invoker", "members": ["allUsers"]}]


def test_a_proxy_reaches_a_region_and_nothing_else(control_plane: ControlPlane, operator: Operator) -> None:
    operator.deploy_stand_in()
    run = control_plane.host("run")
    with urllib3.ProxyManager(control_plane.proxy_url, retries=False) as proxy:

        def ask(url: str) -> int:
            return proxy.request("GET", url, headers=control_plane.headers()).status

        regional = f"http://us-central1-127.0.0.1:{run.port}/v2/{PROJECT}/locations/us-central1/services"
        assert ask(regional) == 200
        assert ask(regional.replace("us-central1-127", "127")) == 200
        assert ask("http://127.0.0.1:1/") == 403
        assert ask(f"http://example.com:{run.port}/") == 403
        assert ask(f"http://us-central1-127.0.0.1.example.com:{run.port}/") == 403
    assert [one.path for one in run.traffic][-2:] == [f"/v2/{PROJECT}/locations/us-central1/services"] * 2
