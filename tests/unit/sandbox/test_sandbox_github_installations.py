from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.sandbox.sandbox_github_octo import Octo, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FOUND = (404, "Not Found")


@pytest.fixture
def octo() -> Iterator[Octo]:
    with Octo() as octo:
        yield octo


def test_the_app_describes_itself(octo: Octo) -> None:
    shown = octo.as_app("GET", "/app").json()
    assert {name: shown[name] for name in ("id", "client_id", "slug", "html_url", "permissions")} == {
        "id": octo.app.id,
        "client_id": octo.app.client_id,
        "slug": "coder",
        "html_url": "https://github.com/apps/coder",
        "permissions": {
            "contents": "write",
            "issues": "write",
            "metadata": "read",
            "pull_requests": "read",
        },
    }
    assert shown["installations_count"] == 2


def test_anyone_may_look_an_app_up_by_its_slug(octo: Octo) -> None:
    assert octo.ask("GET", "/apps/coder").json()["id"] == octo.app.id
    assert refusal(octo.ask("GET", "/apps/nobody")) == NOT_FOUND


def test_an_organization_is_found_in_any_case_and_shown_in_its_own(octo: Octo) -> None:
    shown = octo.as_app("GET", "/orgs/oCTO-oRG/installation").json()
    assert (shown["id"], shown["account"]["login"], shown["account"]["type"], shown["suspended_at"]) == (
        octo.on_org.id,
        "Octo-Org",
        "Organization",
        None,
    )
    assert shown["html_url"] == (
        f"https://github.com/organizations/Octo-Org/settings/installations/{octo.on_org.id}"
    )


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("/users/MONA/installation", "mona"),
        ("/users/octo-org/installation", "Octo-Org"),
        ("/repos/mona/Notes/installation", "mona"),
        ("/repos/octo-org/SECRET/installation", "Octo-Org"),
    ],
)
def test_an_installation_is_found_by_user_and_by_repository(octo: Octo, path: str, login: str) -> None:
    response = octo.as_app("GET", path)
    assert (response.status_code, response.json()["account"]["login"]) == (200, login)


@pytest.mark.parametrize(
    "path",
    [
        "/orgs/mona/installation",
        "/orgs/nobody/installation",
        "/users/nobody/installation",
        "/repos/octo-org/nothing/installation",
        "/repos/nobody/secret/installation",
        "/app/installations/1",
        "/app/installations/latest",
        "/app/installations/50000001x",
        "/app/installations/" + "9" * 6000,
        "/organizations/1/installation",
        "/repositories/1/installation",
        "/app/nothing",
    ],
)
def test_what_is_not_there_is_not_found(octo: Octo, path: str) -> None:
    assert refusal(octo.as_app("GET", path)) == NOT_FOUND


def test_another_apps_installation_is_not_found(octo: Octo) -> None:
    other = octo.service.create_app("other", {"contents": "read"})
    paths = [
        "/orgs/octo-org/installation",
        f"/app/installations/{octo.on_org.id}",
        f"/organizations/{octo.on_org.account.id}/installation",
    ]
    assert [refusal(octo.as_app("GET", path, other)) for path in paths] == [NOT_FOUND] * 3


def test_a_repository_outside_the_selection_has_no_installation(octo: Octo) -> None:
    octo.service.select_repositories(octo.on_org, ["secret"])
    assert octo.as_app("GET", "/repos/octo-org/secret/installation").status_code == 200
    assert refusal(octo.as_app("GET", "/repos/octo-org/other/installation")) == NOT_FOUND


def test_permissions_wait_for_consent_when_an_app_asks_for_more(octo: Octo) -> None:
    octo.service.change_permissions(octo.app, {"contents": "read", "checks": "write"})
    path = f"/app/installations/{octo.on_org.id}"
    assert octo.as_app("GET", path).json()["permissions"] == {"contents": "read", "metadata": "read"}
    octo.service.accept_permissions(octo.on_org)
    assert octo.as_app("GET", path).json()["permissions"] == {
        "checks": "write",
        "contents": "read",
        "metadata": "read",
    }


def test_a_suspended_installation_says_since_when(octo: Octo) -> None:
    octo.service.suspend(octo.on_org)
    assert octo.as_app("GET", "/orgs/octo-org/installation").json()["suspended_at"] == "2030-03-17T17:46:40Z"
    octo.service.unsuspend(octo.on_org)
    assert octo.as_app("GET", "/orgs/octo-org/installation").json()["suspended_at"] is None


def test_a_reinstalled_app_has_a_new_installation_id(octo: Octo) -> None:
    octo.service.select_repositories(octo.on_org, ["secret"])
    again = octo.service.reinstall(octo.on_org)
    shown = octo.as_app("GET", "/orgs/octo-org/installation").json()
    assert (shown["id"], shown["repository_selection"]) == (again.id, "selected")
    assert again.id != octo.on_org.id
    assert refusal(octo.as_app("GET", f"/app/installations/{octo.on_org.id}")) == NOT_FOUND


def test_installations_come_in_pages_of_at_most_a_hundred(octo: Octo) -> None:
    for number in range(203):
        octo.service.create_org(f"org-{number}")
        octo.service.install_app(octo.app, f"org-{number}")
    path: str | None = "/app/installations?per_page=1000"
    seen, sizes = [], []
    while path is not None:
        response = octo.as_app("GET", path)
        seen += [each["id"] for each in response.json()]
        sizes.append(len(response.json()))
        following = response.links.get("next", {}).get("url")
        path = following.removeprefix(octo.service.api_url) if following else None
    assert sizes == [100, 100, 5]
    assert len(set(seen)) == 205


@pytest.mark.parametrize("query", ["per_page=0", "per_page=-1", "per_page=x", "page=0", "page=%C2%B2", ""])
def test_a_page_other_than_a_number_is_the_default_page(octo: Octo, query: str) -> None:
    response = octo.as_app("GET", f"/app/installations?{query}")
    assert (len(response.json()), response.links) == (2, {})


def test_a_page_beyond_the_last_is_empty_and_leads_back(octo: Octo) -> None:
    response = octo.as_app("GET", "/app/installations?page=99999999999999999999")
    assert response.json() == []
    assert set(response.links) == {"first", "prev"}


def test_a_renamed_organization_is_found_under_its_new_name_only(octo: Octo) -> None:
    octo.service.rename_account("Octo-Org", "Hexa-Org")
    assert refusal(octo.as_app("GET", "/orgs/octo-org/installation")) == NOT_FOUND
    shown = octo.as_app("GET", "/orgs/hexa-org/installation").json()
    assert (shown["id"], shown["account"]["login"]) == (octo.on_org.id, "Hexa-Org")


def test_a_rename_can_be_told_to_redirect(octo: Octo) -> None:
    octo.service.rename_account("Octo-Org", "Hexa-Org", redirect=True)
    response = octo.as_app("GET", "/orgs/octo-org/installation")
    assert (response.status_code, response.json()["message"]) == (301, "Moved Permanently")
    there = response.headers["Location"].removeprefix(octo.service.api_url)
    assert octo.as_app("GET", there).json()["account"]["login"] == "Hexa-Org"


def test_a_recycled_name_belongs_to_its_new_owner(octo: Octo) -> None:
    octo.service.rename_account("Octo-Org", "Hexa-Org", redirect=True)
    octo.service.create_org("octo-org")
    assert refusal(octo.as_app("GET", "/orgs/octo-org/installation")) == NOT_FOUND
    assert refusal(octo.as_app("GET", "/repos/octo-org/secret/installation")) == NOT_FOUND


@pytest.mark.parametrize("renamed", ["owner", "repository"])
def test_a_moved_repository_redirects_to_its_id(octo: Octo, renamed: str) -> None:
    if renamed == "owner":
        octo.service.rename_account("Octo-Org", "Hexa-Org")
    else:
        octo.service.rename_repo("Octo-Org/secret", "hidden")
    response = octo.as_app("GET", "/repos/octo-org/secret/installation")
    there = response.headers["Location"].removeprefix(octo.service.api_url)
    assert (response.status_code, there.split("/")[1]) == (301, "repositories")
    assert octo.as_app("GET", there).json()["id"] == octo.on_org.id


def test_public_accounts_show_their_canonical_case(octo: Octo) -> None:
    assert octo.ask("GET", "/orgs/OCTO-org").json()["login"] == "Octo-Org"
    assert octo.ask("GET", "/users/MONA").json()["type"] == "User"
    assert refusal(octo.ask("GET", "/orgs/mona")) == NOT_FOUND
    assert refusal(octo.ask("GET", "/users/nobody")) == NOT_FOUND
