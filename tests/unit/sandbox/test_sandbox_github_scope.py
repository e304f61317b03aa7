from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.unit.sandbox.sandbox_github_octo import Octo, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FOUND = (404, "Not Found")
NOT_ACCESSIBLE = (403, "Resource not accessible by integration")
HELLO = {"message": "say hello", "content": base64.b64encode(b"hello").decode()}


@pytest.fixture
def octo() -> Iterator[Octo]:
    with Octo() as octo:
        yield octo


def test_a_scoped_token_reads_its_repository_and_no_other(octo: Octo) -> None:
    token = octo.token(repositories=["secret"])
    assert octo.ask("GET", "/repos/octo-org/SECRET", token).json()["full_name"] == "Octo-Org/secret"
    for path in ("/repos/octo-org/other", "/repos/mona/notes", "/repos/octo-org/nothing"):
        assert refusal(octo.ask("GET", path, token)) == NOT_FOUND


def test_what_is_public_anyone_reads_and_only_those_allowed_write(octo: Octo) -> None:
    token = octo.token(repositories=["secret"])
    assert octo.ask("GET", "/repos/octo-org/open").status_code == 200
    assert octo.ask("GET", "/repos/octo-org/open/contents/README.md", token).status_code == 200
    path = "/repos/octo-org/open/issues"
    assert refusal(octo.ask("POST", path, token, json={"title": "x"})) == NOT_ACCESSIBLE
    assert refusal(octo.ask("POST", path, json={"title": "x"})) == (401, "Requires authentication")


def test_what_is_private_does_not_exist_for_strangers(octo: Octo) -> None:
    assert refusal(octo.ask("GET", "/repos/octo-org/secret")) == NOT_FOUND
    assert refusal(octo.ask("POST", "/repos/octo-org/secret/issues", json={"title": "x"})) == NOT_FOUND


@pytest.mark.parametrize("path", ["/repos/octo-org/open", "/repos/octo-org/nothing", "/repositories/1"])
def test_a_bad_token_is_refused_whatever_it_asks_for(octo: Octo, path: str) -> None:
    assert refusal(octo.ask("GET", path, "ghs_" + "x" * 36)) == (401, "Bad credentials")


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer", "TOKEN"])
def test_a_token_may_be_shown_under_either_scheme(octo: Octo, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {octo.token()}"}
    assert octo.ask("GET", "/repos/octo-org/secret", headers=headers).status_code == 200


def test_the_repositories_of_a_token_are_listed_in_pages(octo: Octo) -> None:
    token = octo.token(repositories=["secret", "other"])
    response = octo.ask("GET", "/installation/repositories?per_page=1&page=2", token)
    shown = response.json()
    assert (shown["total_count"], shown["repository_selection"]) == (2, "selected")
    assert [each["name"] for each in shown["repositories"]] == ["other"]
    assert set(response.links) == {"first", "prev"}


def test_a_token_of_the_whole_installation_reaches_new_repositories(octo: Octo) -> None:
    token = octo.token()
    octo.service.create_repo("Octo-Org/new")
    assert octo.ask("GET", "/repos/octo-org/new", token).status_code == 200


def test_a_token_loses_what_its_installation_loses(octo: Octo) -> None:
    token = octo.token(repositories=["secret"])
    octo.service.select_repositories(octo.on_org, ["other"])
    assert refusal(octo.ask("GET", "/repos/octo-org/secret", token)) == NOT_FOUND
    assert octo.ask("GET", "/installation/repositories", token).json()["total_count"] == 0


def test_a_recreated_repository_is_not_the_one_the_token_was_for(octo: Octo) -> None:
    token = octo.token(repositories=["secret"])
    octo.service.delete_repo("Octo-Org/secret")
    octo.service.create_repo("Octo-Org/secret")
    assert refusal(octo.ask("GET", "/repos/octo-org/secret", token)) == NOT_FOUND


def test_issues_need_their_permission(octo: Octo) -> None:
    path = "/repos/octo-org/secret/issues"
    reader, writer = octo.token(permissions={"contents": "write"}), octo.token(permissions={"issues": "write"})
    denied = octo.ask("POST", path, reader, json={"title": "Fix it"})
    assert refusal(denied) == NOT_ACCESSIBLE
    assert denied.headers["X-Accepted-GitHub-Permissions"] == "issues=write"
    created = octo.ask("POST", path, writer, json={"title": "Fix it"})
    assert (created.status_code, created.json()["number"]) == (201, 1)
    assert [each["title"] for each in octo.ask("GET", path, writer).json()] == ["Fix it"]
    assert refusal(octo.ask("GET", path, reader)) == NOT_ACCESSIBLE


def test_an_issue_needs_a_title(octo: Octo) -> None:
    path, token = "/repos/octo-org/secret/issues", octo.token()
    assert [
        octo.ask("POST", path, token, json=body).status_code for body in ({}, {"title": 1}, {"title": " "})
    ] == [
        422,
        422,
        422,
    ]


def test_reading_files_needs_contents(octo: Octo) -> None:
    path = "/repos/octo-org/secret/contents/README.md"
    shown = octo.ask("GET", path, octo.token(permissions={"contents": "read"})).json()
    assert base64.b64decode(shown["content"]) == b"# secret\n"
    assert refusal(octo.ask("GET", path, octo.token(permissions={"issues": "read"}))) == NOT_ACCESSIBLE
    assert refusal(octo.ask("GET", path + "x", octo.token())) == NOT_FOUND


def test_writing_files_needs_contents_write(octo: Octo) -> None:
    path = "/repos/octo-org/secret/contents/docs/hello.txt"
    reader, writer = octo.token(permissions={"contents": "read"}), octo.token(permissions={"contents": "write"})
    assert refusal(octo.ask("PUT", path, reader, json=HELLO)) == NOT_ACCESSIBLE
    created = octo.ask("PUT", path, writer, json=HELLO)
    assert created.status_code == 201
    assert octo.ask("PUT", path, writer, json=HELLO).status_code == 409
    sha = created.json()["content"]["sha"]
    assert sha == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"  # git hash-object of "hello"
    assert octo.ask("PUT", path, writer, json=HELLO | {"sha": sha}).status_code == 200


def test_writing_workflows_needs_workflows_as_well(octo: Octo) -> None:
    path = "/repos/octo-org/secret/contents/.github/workflows/ci.yml"
    assert refusal(octo.ask("PUT", path, octo.token(), json=HELLO)) == NOT_ACCESSIBLE
    octo.service.change_permissions(octo.app, {"contents": "write", "workflows": "write"})
    octo.service.accept_permissions(octo.on_org)
    assert octo.ask("PUT", path, octo.token(), json=HELLO).status_code == 201


@pytest.mark.parametrize("path", ["a//b", "a%2F..%2F.github/workflows/ci.yml", "a%2F.%2Fb", "b/"])
def test_a_path_that_climbs_is_refused(octo: Octo, path: str) -> None:
    response = octo.ask("PUT", f"/repos/octo-org/secret/contents/{path}", octo.token(), json=HELLO)
    assert refusal(response) == (422, "path contains a malformed path component")


@pytest.mark.parametrize("content", ["not base64!", "é", "YQ", 5, None])
def test_content_that_is_not_base64_is_refused(octo: Octo, content: object) -> None:
    path = "/repos/octo-org/secret/contents/x"
    body = {"message": "m", "content": content}
    assert octo.ask("PUT", path, octo.token(), json=body).status_code == 422


def test_a_moved_repository_redirects_those_who_may_see_it(octo: Octo) -> None:
    token = octo.token(repositories=["secret"])
    octo.service.rename_repo("Octo-Org/secret", "hidden")
    response = octo.ask("GET", "/repos/octo-org/secret/contents/README.md", token)
    there = response.headers["Location"].removeprefix(octo.service.api_url)
    assert response.status_code == 301
    assert octo.ask("GET", there, token).json()["name"] == "README.md"
    assert refusal(octo.ask("GET", "/repos/octo-org/secret")) == NOT_FOUND


def test_a_redirect_leads_to_names_that_no_header_could_hold(octo: Octo) -> None:
    token, rest = octo.token(), "/contents/a%20%E2%98%83%25.txt"
    assert octo.ask("PUT", f"/repos/octo-org/secret{rest}", token, json=HELLO).status_code == 201
    octo.service.rename_account("Octo-Org", "Hexa-Org")
    response = octo.ask("GET", f"/repos/octo-org/secret{rest}", token)
    there = response.headers["Location"].removeprefix(octo.service.api_url)
    assert octo.ask("GET", there, token).json()["name"] == "a \u2603%.txt"
