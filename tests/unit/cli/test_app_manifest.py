"""A GitHub App's manifest, the page that sends it, and GitHub's answer."""

from __future__ import annotations

import html
import json
import re
from http import HTTPStatus

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fullsend.github.app_manifest import NewApp, differences, install_url, parse_conversion, web_url
from fullsend.github.manifest_page import ManifestPage

APP = NewApp("octo-org", "triage", {"contents": "read", "issues": "write"})
ANSWER = {
    "id": 7,
    "client_id": "Iv23li",
    "slug": "octo-org-triage",
    "html_url": "https://github.com/apps/octo-org-triage",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nx\n",
}


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
        ("https://ghes.example.com/api/v3", "https://ghes.example.com"),
        ("https://api.example.com/api/v3", "https://api.example.com"),
        ("http://127.0.0.1:8084", "http://127.0.0.1:8084"),
    ],
)
def test_the_website_is_found_from_the_api(api: str, web: str) -> None:
    assert web_url(api) == web


def test_the_manifest_asks_for_exactly_the_permissions_and_no_webhook() -> None:
    manifest = json.loads(APP.manifest("http://127.0.0.1:1/created"))
    assert manifest["default_permissions"] == {"contents": "read", "issues": "write"}
    assert manifest["default_events"] == []
    assert manifest["public"] is False
    assert "hook_attributes" not in manifest


@pytest.mark.parametrize("role", ["triage", "a" * 60])
def test_a_name_fits_githubs_limit(role: str) -> None:
    assert len(NewApp("an-organization-with-a-name", role, {}).name) <= 34


def test_the_prefilled_form_holds_every_permission() -> None:
    assert APP.form_url("https://github.com") == (
        "https://github.com/organizations/octo-org/settings/apps/new?name=octo-org-triage"
        "&url=https%3A%2F%2Fgithub.com%2Ffullsend-ai%2Ffullsend&public=false&webhook_active=false"
        "&contents=read&issues=write"
    )


def test_a_created_app_shows_no_key() -> None:
    created = parse_conversion(ANSWER)
    assert (created.app_id, created.slug) == ("7", "octo-org-triage")
    assert "BEGIN" not in repr(created)


@pytest.mark.parametrize(
    "change",
    [{"id": "7"}, {"id": None}, {"pem": ""}, {"pem": "x"}, {"slug": None}, {"html_url": "a\nb"}, {"client_id": 3}],
)
def test_an_answer_that_lacks_something_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="the answer has no"):
        parse_conversion(ANSWER | change)


@given(
    st.dictionaries(st.sampled_from(sorted(ANSWER)), st.one_of(st.none(), st.text(), st.integers(), st.booleans()))
)
def test_any_answer_is_an_app_or_a_value_error(fields: dict[str, object]) -> None:
    try:
        created = parse_conversion(fields)
    except ValueError:
        return
    assert created.page.isprintable()


def test_permissions_are_compared_without_metadata() -> None:
    wanted = {"contents": "read", "issues": "write"}
    assert differences(wanted, {"contents": "read", "issues": "write", "metadata": "read"}) == []
    assert differences(wanted, {"contents": "write", "actions": "read"}) == [
        "actions: the role needs none, the App has read",
        "contents: the role needs read, the App has write",
        "issues: the role needs write, the App has none",
    ]


def test_the_install_page_is_on_the_operators_website() -> None:
    page = "https://ghes.example.com/github-apps/x"
    assert install_url(page, "https://ghes.example.com") == f"{page}/installations/new"


def form_state(text: str) -> str:
    found = re.search(r"[?&]state=([\w-]+)", html.unescape(text))
    assert found
    return found.group(1)


def test_the_page_takes_a_code_only_with_its_own_state() -> None:
    with ManifestPage(APP, "https://github.com") as page:
        state = form_state(requests.get(page.url, timeout=5).text)
        for query in ("", "?code=abc", f"?state={state}", "?code=abc&state=other", f"?code=a/b&state={state}"):
            assert requests.get(f"{page.url}created{query}", timeout=5).status_code == HTTPStatus.BAD_REQUEST
        assert page.code(0) == ""
        done = requests.get(f"{page.url}created?code=abc&state={state}", timeout=5)
        assert done.status_code == HTTPStatus.OK
        assert page.code(5) == "abc"


def test_the_page_answers_no_other_host_name() -> None:
    with ManifestPage(APP, "https://github.com") as page:
        answer = requests.get(page.url, headers={"Host": "evil.example"}, timeout=5)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "state=" not in answer.text


def test_the_page_escapes_what_it_shows() -> None:
    app = NewApp("octo-org", "triage", {'"><script>': "read"})
    with ManifestPage(app, "https://github.com") as page:
        assert "<script>" not in requests.get(page.url, timeout=5).text
