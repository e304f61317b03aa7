from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from tests.unit.sandbox.sandbox_github_octo import NOW, Octo, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def octo() -> Iterator[Octo]:
    with Octo() as octo:
        yield octo


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/app", 401), ("GET", "/repos/octo-org/open", 200), ("POST", "/nowhere", 404)],
)
def test_every_answer_has_githubs_headers(octo: Octo, method: str, path: str, status: int) -> None:
    response = octo.ask(method, path)
    headers = response.headers
    assert response.status_code == status
    assert headers["Date"] == "Sun, 17 Mar 2030 17:46:40 GMT"
    assert headers["X-GitHub-Request-Id"]
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert {
        name: headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "used", "reset", "resource")
    } == {
        "limit": "5000",
        "remaining": "4999",
        "used": "1",
        "reset": str(NOW + 3600),
        "resource": "core",
    }


def test_a_request_without_user_agent_is_forbidden(octo: Octo) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", octo.service.port, timeout=10)
    connection.request("GET", "/repos/octo-org/open")
    response = connection.getresponse()
    assert (response.status, b"User-Agent" in response.read()) == (403, True)
    connection.close()


@pytest.mark.parametrize("status", [403, 429])
def test_the_primary_limit_holds_until_its_reset(octo: Octo, status: int) -> None:
    octo.service.limit_primary(120, status=status)
    response = octo.ask("GET", "/repos/octo-org/open")
    assert refusal(response)[0] == status
    assert (response.headers["x-ratelimit-remaining"], response.headers["x-ratelimit-reset"]) == (
        "0",
        str(NOW + 120),
    )
    octo.clock.offset = 120
    assert octo.ask("GET", "/repos/octo-org/open").status_code == 200


@pytest.mark.parametrize(("retry_after", "pause"), [(7, 7), (None, 60)])
def test_the_secondary_limit_holds_for_its_pause(octo: Octo, retry_after: int | None, pause: int) -> None:
    octo.service.limit_secondary(retry_after)
    response = octo.ask("GET", "/repos/octo-org/open")
    status, message = refusal(response)
    assert status == 403
    assert message.startswith("You have exceeded a secondary rate limit")
    assert response.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    assert response.headers["x-ratelimit-remaining"] != "0"
    octo.clock.offset = pause
    assert octo.ask("GET", "/repos/octo-org/open").status_code == 200


def test_limits_can_be_lifted(octo: Octo) -> None:
    octo.service.limit_primary(600)
    octo.service.limit_secondary(600, status=429)
    octo.service.clear_limits()
    assert octo.ask("GET", "/repos/octo-org/open").status_code == 200


def test_asking_for_the_limit_costs_nothing_and_works_within_it(octo: Octo) -> None:
    octo.service.limit_primary(60)
    shown = octo.ask("GET", "/rate_limit").json()
    expected = {"limit": 5000, "remaining": 0, "used": 5000, "reset": NOW + 60, "resource": "core"}
    assert shown == {"resources": {"core": expected}, "rate": expected}


@pytest.mark.parametrize(
    ("version", "status"),
    [("2022-11-28", 200), ("2026-03-10", 200), ("2019-01-01", 400), ("", 400), ("latest", 400)],
)
def test_only_versions_of_the_api_that_exist_are_answered(octo: Octo, version: str, status: int) -> None:
    response = octo.ask("GET", "/repos/octo-org/open", headers={"X-GitHub-Api-Version": version})
    assert response.status_code == status


@pytest.mark.parametrize(("method", "path"), [("POST", "/app"), ("DELETE", "/repos/octo-org/open"), ("GET", "/")])
def test_a_method_or_path_that_the_api_does_not_have_is_not_found(octo: Octo, method: str, path: str) -> None:
    assert refusal(octo.ask(method, path)) == (404, "Not Found")


def test_an_enterprise_server_has_its_api_below_a_prefix() -> None:
    with Octo(prefix="/api/v3") as octo:
        token = octo.token(repositories=["secret"])
        shown = octo.ask("GET", "/repos/octo-org/secret", token).json()
        assert shown["url"] == f"{octo.service.url}/api/v3/repos/Octo-Org/secret"
        assert octo.session.get(f"{octo.service.url}/repos/octo-org/open", timeout=10).status_code == 404


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "[::", "a b", "\xff"])
def test_an_invalid_host_breaks_nothing(octo: Octo, host: str) -> None:
    response = octo.ask("GET", "/repos/octo-org/open", headers={"Host": host.encode("latin-1")})
    assert response.status_code in {200, 404}
