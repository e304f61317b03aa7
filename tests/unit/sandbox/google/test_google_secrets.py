from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from fullsend_sandbox.crc32c import crc32c
from tests.unit.sandbox.google.google_operator import ACCOUNT, NUMBER, PROJECT, Operator, refusal

if TYPE_CHECKING:
    from fullsend_sandbox.world import World

NAME = "fullsend-coder-app-pem"
SECRET = f"{PROJECT}/secrets/{NAME}"
ACCESSOR = "roles/secretmanager.secretAccessor"


def as_the_mint_reads(world: World, version: str = "latest") -> tuple[int, bytes]:
    url = f"{world.secret_manager.url}/v1/projects/{NUMBER}/secrets/{NAME}/versions/{version}:access"
    answer = urllib3.request("GET", url, retries=False)
    data = answer.json().get("payload", {}).get("data", "")
    return answer.status, base64.b64decode(data)


def grant(*members: str, **fields: str) -> dict[str, Any]:
    return {"policy": {"bindings": [{"role": ACCESSOR, "members": list(members)}], **fields}}


def payload(data: bytes, **fields: str) -> dict[str, Any]:
    return {"payload": {"data": base64.b64encode(data).decode(), **fields}}


def test_the_mint_reads_a_secret_once_its_service_account_has_access(world: World, operator: Operator) -> None:
    operator.make_account()
    operator.make_secret(NAME, b"one")
    assert as_the_mint_reads(world)[0] == 403
    operator.secrets.setIamPolicy(resource=SECRET, body=grant(f"serviceAccount:{ACCOUNT}")).execute()
    assert as_the_mint_reads(world) == (200, b"one")


@pytest.mark.parametrize("member", ["user:a@example.com", "allAuthenticatedUsers"])
def test_access_for_somebody_else_does_not_let_the_mint_read(world: World, operator: Operator, member: str) -> None:
    operator.make_secret(NAME, b"one")
    operator.secrets.setIamPolicy(resource=SECRET, body=grant(member)).execute()
    assert as_the_mint_reads(world)[0] == 403


def test_deleting_the_account_takes_its_access(world: World, operator: Operator) -> None:
    operator.make_account()
    operator.make_secret(NAME, b"one")
    operator.secrets.setIamPolicy(resource=SECRET, body=grant(f"serviceAccount:{ACCOUNT}")).execute()
    operator.accounts.delete(name=f"{PROJECT}/serviceAccounts/{ACCOUNT}").execute()
    assert as_the_mint_reads(world)[0] == 403


def test_versions_are_counted_listed_newest_first_and_read(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    second = operator.secrets.addVersion(parent=SECRET, body=payload(b"two")).execute()
    assert second["name"] == f"projects/{NUMBER}/secrets/{NAME}/versions/2"
    listed = operator.versions.list(parent=SECRET).execute()
    assert [one["name"].rpartition("/")[2] for one in listed["versions"]] == ["2", "1"]
    read = operator.versions.access(name=f"{SECRET}/versions/latest").execute()["payload"]
    assert base64.b64decode(read["data"]) == b"two"
    assert read["dataCrc32c"] == str(crc32c(b"two"))


def test_a_disabled_version_cannot_be_read_until_it_is_enabled(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    version = f"{SECRET}/versions/1"
    assert operator.versions.disable(name=version, body={}).execute()["state"] == "DISABLED"
    assert refusal(operator.versions.access(name=version))[:2] == (400, "FAILED_PRECONDITION")
    assert operator.versions.list(parent=SECRET, filter="state:ENABLED").execute() == {"totalSize": 0}
    operator.versions.enable(name=version, body={}).execute()
    operator.versions.access(name=version).execute()


def test_a_destroyed_version_stays_so(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    version = f"{SECRET}/versions/1"
    assert operator.versions.destroy(name=version, body={}).execute()["state"] == "DESTROYED"
    assert refusal(operator.versions.enable(name=version, body={}))[1] == "FAILED_PRECONDITION"
    assert operator.versions.get(name=version).execute()["state"] == "DESTROYED"


def test_a_version_is_changed_only_with_the_etag_that_it_has(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    version = f"{SECRET}/versions/1"
    etag = operator.versions.get(name=version).execute()["etag"]
    operator.versions.disable(name=version, body={"etag": etag}).execute()
    again = operator.versions.enable(name=version, body={"etag": etag})
    assert refusal(again)[1] == "FAILED_PRECONDITION"


def test_a_deleted_secret_is_gone_with_its_policy(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    operator.secrets.setIamPolicy(resource=SECRET, body=grant("user:a@example.com")).execute()
    assert operator.secrets.delete(name=SECRET).execute() == {}
    assert refusal(operator.secrets.get(name=SECRET))[:2] == (404, "NOT_FOUND")
    operator.make_secret(NAME, b"two")
    assert "bindings" not in operator.secrets.getIamPolicy(resource=SECRET).execute()


def test_making_a_secret_twice_is_already_exists(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    body: dict[str, Any] = {"replication": {"automatic": {}}}
    assert refusal(operator.secrets.create(parent=PROJECT, secretId=NAME, body=body))[:2] == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize("secret", ["with.dot", "sp ace", "x" * 256, ""])
def test_a_bad_secret_id_is_refused(operator: Operator, secret: str) -> None:
    body: dict[str, Any] = {"replication": {"automatic": {}}}
    assert refusal(operator.secrets.create(parent=PROJECT, secretId=secret, body=body))[0] == 400


def test_a_secret_needs_a_replication(operator: Operator) -> None:
    assert "replication" in refusal(operator.secrets.create(parent=PROJECT, secretId=NAME, body={}))[2]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "payload.data"),
        (payload(b""), "payload.data"),
        (payload(b"x" * 65_537), "at most 65536"),
        (payload(b"one", dataCrc32c="1"), "checksum"),
    ],
)
def test_a_bad_payload_is_refused(operator: Operator, body: dict[str, Any], message: str) -> None:
    operator.make_secret(NAME, b"one")
    code, _, text = refusal(operator.secrets.addVersion(parent=SECRET, body=body))
    assert (code, message in text) == (400, True)


@pytest.mark.parametrize(
    ("version", "status"), [("2", 404), ("0", 404), ("latest", 200), ("newest", 400), ("-1", 400), ("9" * 40, 404)]
)
def test_a_version_is_named_by_number_or_latest(operator: Operator, version: str, status: int) -> None:
    operator.make_secret(NAME, b"one")
    get = operator.versions.get(name=f"{SECRET}/versions/{version}")
    if status == 200:
        assert get.execute()["name"].endswith("/versions/1")
    else:
        assert refusal(get)[0] == status


def test_a_secret_without_versions_has_no_latest(operator: Operator) -> None:
    operator.secrets.create(parent=PROJECT, secretId=NAME, body={"replication": {"automatic": {}}}).execute()
    assert refusal(operator.versions.access(name=f"{SECRET}/versions/latest"))[0] == 404


def test_an_old_etag_of_the_policy_is_aborted(operator: Operator) -> None:
    operator.make_secret(NAME, b"one")
    etag = operator.secrets.getIamPolicy(resource=SECRET).execute()["etag"]
    operator.secrets.setIamPolicy(resource=SECRET, body=grant("user:a@example.com", etag=etag)).execute()
    late = operator.secrets.setIamPolicy(resource=SECRET, body=grant("user:b@example.com", etag=etag))
    assert refusal(late)[:2] == (409, "ABORTED")


def test_a_list_comes_in_pages(operator: Operator) -> None:
    for name in ("a", "b", "c"):
        operator.make_secret(name, b"x")
    first = operator.secrets.list(parent=PROJECT, pageSize=2).execute()
    rest = operator.secrets.list(parent=PROJECT, pageSize=2, pageToken=first["nextPageToken"]).execute()
    names = [one["name"].rpartition("/")[2] for one in [*first["secrets"], *rest["secrets"]]]
    assert (names, "nextPageToken" in rest) == (["a", "b", "c"], False)


@pytest.mark.parametrize("changes", [{"pageSize": -1}, {"pageToken": "x"}, {"pageToken": "9" * 30}])
def test_a_bad_page_is_refused(operator: Operator, changes: dict[str, Any]) -> None:
    assert refusal(operator.secrets.list(parent=PROJECT, **changes))[0] == 400
