from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.unit.sandbox.google.google_operator import SERVICE, Operator, refusal

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane

LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


def variables(service: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in service["template"]["containers"][0]["env"]}


def short(name: str) -> str:
    return name.rpartition("/")[2]


def serving(service: dict[str, Any]) -> list[tuple[str | None, int]]:
    return [(one.get("revision"), one["percent"]) for one in service["trafficStatuses"]]


def without_role_app_ids(operator: Operator, service: dict[str, Any]) -> dict[str, Any]:
    """Return a patch with which the stand-in does not start."""
    body = operator.with_variable(service, "X", "1")
    container = body["template"]["containers"][0]
    container["env"] = [one for one in container["env"] if one["name"] != "ROLE_APP_IDS"]
    return body


def test_a_patched_template_makes_a_revision_that_traffic_moves_to(operator: Operator) -> None:
    before = operator.deploy_stand_in()
    done = operator.patch(operator.with_variable(before, "ALLOWED_ORGS", "octo-org"), "template")
    after = done["response"]
    assert variables(after)["ALLOWED_ORGS"] == "octo-org"
    assert after["latestReadyRevision"] != before["latestReadyRevision"]
    assert (after["uri"], after["terminalCondition"]["state"]) == (before["uri"], "CONDITION_SUCCEEDED")
    listed = operator.services.revisions().list(parent=SERVICE).execute()["revisions"]
    assert [one["name"] for one in listed] == [after["latestReadyRevision"], before["latestReadyRevision"]]
    assert variables({"template": listed[1]}) == variables(before)


def test_a_patch_with_an_old_etag_is_aborted_and_changes_nothing(operator: Operator) -> None:
    read = operator.deploy_stand_in()
    operator.patch(operator.with_variable(read, "FIRST", "1"), "template")
    late = operator.services.patch(
        name=SERVICE, updateMask="template", body=operator.with_variable(read, "SECOND", "2")
    )
    assert refusal(late)[:2] == (409, "ABORTED")
    assert "SECOND" not in variables(operator.service())


def test_of_two_writers_who_both_retry_neither_is_lost(operator: Operator) -> None:
    read = operator.deploy_stand_in()
    operator.patch(operator.with_variable(read, "FIRST", "1"), "template")
    operator.patch(operator.with_variable(operator.service(), "SECOND", "2"), "template")
    assert {"FIRST", "SECOND"} <= variables(operator.service()).keys()


def test_without_an_etag_the_last_writer_wins(operator: Operator) -> None:
    read = operator.deploy_stand_in()
    operator.patch(operator.with_variable(read, "FIRST", "1"), "template")
    body = operator.with_variable(read, "SECOND", "2")
    del body["etag"]
    operator.patch(body, "template")
    assert "FIRST" not in variables(operator.service())


def test_without_a_mask_the_body_is_the_whole_service(operator: Operator) -> None:
    read = operator.deploy_stand_in()
    assert read["labels"]["goog-managed-by"] == "cloudfunctions"
    body = operator.with_variable(read, "FIRST", "1")
    begun = operator.services.patch(name=SERVICE, body=body).execute()
    assert "metadata" in begun
    operator.control_plane.wait()
    assert "labels" not in operator.service()


def test_a_revision_that_does_not_start_leaves_traffic_where_it_is(operator: Operator) -> None:
    before = operator.deploy_stand_in()
    operator.open_door()
    failed = operator.patch(without_role_app_ids(operator, before), "template")
    assert "is not ready" in failed["error"]["message"]
    after = operator.service()
    assert after["terminalCondition"]["state"] == "CONDITION_FAILED"
    assert after["latestReadyRevision"] == before["latestReadyRevision"] != after["latestCreatedRevision"]
    assert urllib3.request("GET", f"{after['uri']}/health", retries=False).status == 200
    broken = operator.services.revisions().get(name=after["latestCreatedRevision"]).execute()
    assert broken["conditions"][0]["state"] == "CONDITION_FAILED"


def test_traffic_that_is_pinned_stays_until_it_is_moved(operator: Operator) -> None:
    first = operator.deploy_stand_in()
    old = short(first["latestReadyRevision"])
    pinned = {"traffic": [{"type": REVISION, "revision": old, "percent": 100}]}
    operator.patch(pinned, "traffic")
    operator.patch(operator.with_variable(operator.service(), "A", "1"), "template")
    assert serving(operator.service()) == [(old, 100)]
    moved = operator.patch({"traffic": [{"type": LATEST, "percent": 100}]}, "traffic")
    assert serving(moved["response"]) == [(None, 100)]


def test_traffic_can_go_back_to_a_revision_that_was_scaled_to_zero(operator: Operator) -> None:
    first = operator.deploy_stand_in()
    operator.open_door()
    operator.patch(operator.with_variable(first, "A", "1"), "template")
    operator.control_plane.wait()
    old = short(first["latestReadyRevision"])
    operator.patch({"traffic": [{"type": REVISION, "revision": old, "percent": 100}]}, "traffic")
    assert urllib3.request("GET", f"{first['uri']}/health", retries=False).status == 200


def test_a_split_deals_requests_out_by_its_percentages(control_plane: ControlPlane, operator: Operator) -> None:
    first = operator.deploy_stand_in()
    operator.open_door()
    second = operator.patch(operator.with_variable(first, "A", "1"), "template")["response"]
    split = [
        {"type": REVISION, "revision": short(first["latestReadyRevision"]), "percent": 30},
        {"type": REVISION, "revision": short(second["latestReadyRevision"]), "percent": 70},
    ]
    operator.patch({"traffic": split}, "traffic")
    assert [percent for _, percent in serving(operator.service())] == [30, 70]
    with urllib3.PoolManager(retries=False) as http:
        statuses = Counter(http.request("GET", f"{control_plane.function_url()}/health").status for _ in range(20))
    assert statuses == {200: 20}


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        ([{"type": LATEST, "percent": 50}], "add up to 100"),
        ([{"type": REVISION, "revision": "nope", "percent": 100}], "does not exist"),
        ([{"type": LATEST, "revision": "nope", "percent": 100}], "must not name"),
        ([{"percent": 100}], "must have the type"),
        ([{"type": LATEST, "percent": 150}, {"type": LATEST, "percent": -50}], "negative"),
        ([{"type": LATEST, "percent": 100, "tag": "a"}, {"type": LATEST, "tag": "a"}], "once"),
    ],
)
def test_traffic_that_google_refuses_is_refused(
    operator: Operator, traffic: list[dict[str, Any]], message: str
) -> None:
    operator.deploy_stand_in()
    patch = operator.services.patch(name=SERVICE, updateMask="traffic", body={"traffic": traffic})
    code, _, text = refusal(patch)
    assert (code, message in text) == (400, True), text


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"image": ""}, "must have an image"),
        ({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "twice"),
        ({"env": [{"name": "K_SERVICE", "value": "1"}]}, "reserved"),
        ({"env": [{"name": "", "value": "1"}]}, "empty"),
        ({"env": [{"name": "A", "value": "x" * 32_768}]}, "at most 32768"),
        ({"env": [{"name": "A", "vlaue": "x"}]}, 'Unknown name "vlaue"'),
    ],
)
def test_a_template_that_google_refuses_is_refused(
    operator: Operator, container: dict[str, Any], message: str
) -> None:
    service = operator.deploy_stand_in()
    changed = service["template"]["containers"][0] | container
    body = {"template": service["template"] | {"containers": [changed]}}
    code, _, text = refusal(operator.services.patch(name=SERVICE, updateMask="template", body=body))
    assert (code, message in text) == (400, True), text


def test_a_named_revision_can_be_made_once(operator: Operator) -> None:
    service = operator.deploy_stand_in()
    template = service["template"] | {"revision": "fullsend-mint-one"}
    assert "error" not in operator.patch({"template": template}, "template")
    other = template | {"timeout": "30s"}
    again = operator.services.patch(name=SERVICE, updateMask="template", body={"template": other})
    assert refusal(again)[:2] == (409, "ALREADY_EXISTS")
    foreign = service["template"] | {"revision": "other-one"}
    misnamed = operator.services.patch(name=SERVICE, updateMask="template", body={"template": foreign})
    assert refusal(misnamed)[0] == 400


def test_an_unknown_image_does_not_start(operator: Operator) -> None:
    service = operator.deploy_stand_in()
    container = service["template"]["containers"][0] | {"image": "gcr.io/x/y"}
    failed = operator.patch({"template": service["template"] | {"containers": [container]}}, "template")
    assert "not found" in failed["error"]["message"]


def test_the_invoker_policy_is_guarded_by_its_etag(operator: Operator) -> None:
    operator.deploy_stand_in()
    etag = operator.services.getIamPolicy(resource=SERVICE).execute()["etag"]
    operator.open_door()
    late = operator.services.setIamPolicy(resource=SERVICE, body={"policy": {"etag": etag, "bindings": []}})
    assert refusal(late)[:2] == (409, "ABORTED")


def test_what_is_not_there_is_not_found(operator: Operator) -> None:
    assert refusal(operator.services.get(name=SERVICE))[0] == 404
    assert refusal(operator.services.revisions().list(parent=SERVICE))[0] == 404
    operator.deploy_stand_in()
    assert refusal(operator.services.revisions().get(name=f"{SERVICE}/revisions/x"))[0] == 404
