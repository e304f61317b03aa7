from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceRestTransport,
)

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.faults import Fail
from fullsend_sandbox.google_errors import google_error_body
from fullsend_sandbox.secret_manager import SecretManager

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "fullsend-coder-app-pem"


@pytest.fixture
def service() -> Iterator[SecretManager]:
    with SecretManager("123", "octo-project") as running:
        running.add_version(SECRET, b"first")
        running.add_version(SECRET, b"second \xff")
        yield running


@pytest.fixture
def client(service: SecretManager) -> Iterator[SecretManagerServiceClient]:
    transport = SecretManagerServiceRestTransport(
        host=service.url.removeprefix("http://"), url_scheme="http", credentials=AnonymousCredentials()
    )
    with SecretManagerServiceClient(transport=transport) as real_client:
        yield real_client


def name(version: str = "latest", secret: str = SECRET, project: str = "123") -> str:
    return f"projects/{project}/secrets/{secret}/versions/{version}"


def test_the_real_client_reads_the_latest_version(client: SecretManagerServiceClient) -> None:
    answer = client.access_secret_version(name=name())
    assert answer.name == name("2")
    assert answer.payload.data == b"second \xff"
    assert answer.payload.data_crc32c == crc32c(b"second \xff")


def test_a_version_is_read_by_number_and_a_project_by_id(client: SecretManagerServiceClient) -> None:
    assert client.access_secret_version(name=name("1", project="octo-project")).payload.data == b"first"


@pytest.mark.parametrize("missing", [name("3"), name("0"), name(secret="none")])
def test_what_is_not_there_is_not_found(client: SecretManagerServiceClient, missing: str) -> None:
    with pytest.raises(exceptions.NotFound):
        client.access_secret_version(name=missing)


def test_a_secret_without_versions_is_not_found(client: SecretManagerServiceClient, service: SecretManager) -> None:
    service.create_secret("empty")
    with pytest.raises(exceptions.NotFound, match="has no versions"):
        client.access_secret_version(name=name(secret="empty"))


def test_a_version_other_than_a_number_is_an_invalid_argument(client: SecretManagerServiceClient) -> None:
    with pytest.raises(exceptions.ClientError):
        client.access_secret_version(name=name("newest"))


def test_a_disabled_version_is_a_failed_precondition_until_enabled(
    client: SecretManagerServiceClient, service: SecretManager
) -> None:
    service.disable(SECRET, 2)
    with pytest.raises(exceptions.ClientError, match="DISABLED"):
        client.access_secret_version(name=name())
    service.enable(SECRET, 2)
    assert client.access_secret_version(name=name()).payload.data == b"second \xff"


def test_a_destroyed_version_is_a_failed_precondition(
    client: SecretManagerServiceClient, service: SecretManager
) -> None:
    service.destroy(SECRET, 1)
    with pytest.raises(exceptions.ClientError, match="DESTROYED"):
        client.access_secret_version(name=name("1"))


def test_without_access_permission_is_denied(client: SecretManagerServiceClient, service: SecretManager) -> None:
    service.deny(SECRET)
    with pytest.raises(exceptions.Forbidden, match=r"secretmanager\.versions\.access"):
        client.access_secret_version(name=name())
    service.allow(SECRET)
    assert client.access_secret_version(name=name()).payload.data == b"second \xff"


def test_another_project_is_denied(client: SecretManagerServiceClient) -> None:
    with pytest.raises(exceptions.Forbidden):
        client.access_secret_version(name=name(project="999"))


def test_an_outage_is_unavailable_to_the_real_client(
    client: SecretManagerServiceClient, service: SecretManager
) -> None:
    service.faults.add(Fail(503, google_error_body("UNAVAILABLE", "The service is currently unavailable.")))
    with pytest.raises(exceptions.ServiceUnavailable):
        client.access_secret_version(name=name(), retry=None)


def test_the_checksum_is_the_one_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
