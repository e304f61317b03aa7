"""The sandbox's manifest flow works like GitHub's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from fullsend_sandbox.github import GitHubService

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = {
    "name": "Octo App",
    "url": "https://example.com",
    "redirect_url": "http://127.0.0.1:9/back?x=1",
    "default_permissions": {"contents": "read"},
}


@pytest.fixture
def github() -> Iterator[GitHubService]:
    with GitHubService() as service:
        service.create_org("octo-org")
        service.create_user("mona")
        yield service


def post_manifest(github: GitHubService, manifest: object, login: str = "octo-org") -> requests.Response:
    url = f"{github.url}/organizations/{login}/settings/apps/new?state=s1"
    return requests.post(url, data={"manifest": json.dumps(manifest)}, timeout=10)


def confirm(github: GitHubService, page: requests.Response, name: str = "Octo App") -> requests.Response:
    action = re.search(r'action="([^"]+)"', page.text)
    assert action
    url = f"{github.url}{action.group(1)}"
    return requests.post(url, data={"app[name]": name}, timeout=10, allow_redirects=False)


def test_a_manifest_becomes_an_app_and_its_code_is_good_once(github: GitHubService) -> None:
    redirect = confirm(github, post_manifest(github, MANIFEST))
    assert redirect.status_code == 302
    query = parse_qs(urlsplit(redirect.headers["Location"]).query)
    assert (query["x"], query["state"]) == (["1"], ["s1"])
    url = f"{github.api_url}/app-manifests/{query['code'][0]}/conversions"
    made = requests.post(url, timeout=10)
    assert made.status_code == 201
    fields = made.json()
    assert (fields["slug"], fields["permissions"]) == ("octo-app", {"contents": "read", "metadata": "read"})
    assert fields["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert requests.post(url, timeout=10).status_code == 404


def test_a_code_is_valid_for_an_hour(github: GitHubService) -> None:
    redirect = confirm(github, post_manifest(github, MANIFEST))
    code = parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
    github.clock.offset = 3601
    assert requests.post(f"{github.api_url}/app-manifests/{code}/conversions", timeout=10).status_code == 404


def test_a_name_is_taken_once(github: GitHubService) -> None:
    assert confirm(github, post_manifest(github, MANIFEST)).status_code == 302
    again = confirm(github, post_manifest(github, MANIFEST))
    assert (again.status_code, "already taken" in again.text) == (422, True)


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {},
        MANIFEST | {"name": ""},
        MANIFEST | {"name": "x" * 35},
        MANIFEST | {"url": None},
        MANIFEST | {"redirect_url": "ftp://x"},
        MANIFEST | {"hook_attributes": {"active": False}},
    ],
)
def test_a_manifest_that_github_would_refuse_is_refused(github: GitHubService, manifest: object) -> None:
    assert post_manifest(github, manifest).status_code == 422


@pytest.mark.parametrize("login", ["mona", "missing"])
def test_only_an_organization_has_the_page(github: GitHubService, login: str) -> None:
    assert post_manifest(github, MANIFEST, login).status_code == 404


def test_an_app_is_installed_from_its_page(github: GitHubService) -> None:
    app = github.create_app("octo-app", {"contents": "read"}, owner="octo-org")
    assert requests.get(f"{github.url}/apps/{app.slug}/installations/new", timeout=10).status_code == 200
    assert requests.post(f"{github.url}/apps/{app.slug}/installations", timeout=10).status_code == 200
    assert requests.post(f"{github.url}/apps/{app.slug}/installations", timeout=10).status_code == 422
