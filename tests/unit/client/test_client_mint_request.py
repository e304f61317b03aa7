from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.client import MintClient, MintConfigurationError
from fullsend.client.mint_request import mint_request, read_permissions


def body(*given: Any, **narrowed: Any) -> dict[str, Any]:
    return mint_request("coder", *given, owner="Octo-Org", **narrowed).body()


def test_what_is_left_out_is_the_mints_default() -> None:
    assert body() == {"role": "coder"}


def test_everything_that_was_given_goes_to_the_mint() -> None:
    assert body(["app"], level="read", permissions={"contents": "read"}, target_org="other") == {
        "role": "coder",
        "repos": ["app"],
        "level": "read",
        "permissions": {"contents": "read"},
        "target_org": "other",
    }


def test_a_name_may_have_its_own_owner() -> None:
    assert body(["octo-org/app", "docs"])["repos"] == ["app", "docs"]
    assert body(["Other/app"], target_org="other")["repos"] == ["app"]
    assert body(["*"])["repos"] == ["*"]


@pytest.mark.parametrize(
    ("repos", "narrowed", "says"),
    [
        ([], {}, "repos is empty"),
        ((), {}, "repos is empty"),
        (["else/app"], {}, "'else/app' belongs to 'else', not to Octo-Org"),
        (["octo-org/app"], {"target_org": "other"}, "belongs to 'octo-org', not to other"),
        (["a/octo-org/app"], {}, "belongs to 'a/octo-org'"),
        (["*", "app"], {}, "mixes"),
        (None, {"permissions": {}}, "permissions is empty"),
    ],
)
def test_what_could_mean_more_than_was_meant_is_refused(repos: Any, narrowed: dict[str, Any], says: str) -> None:
    with pytest.raises(MintConfigurationError) as refused:
        body(repos, **narrowed)
    assert says in refused.value.message
    assert refused.value.nothing_was_sent


def test_without_a_known_owner_no_owner_is_dropped() -> None:
    with pytest.raises(MintConfigurationError, match="names an owner"):
        mint_request("coder", ["octo-org/app"])


@pytest.mark.parametrize("repos", ["app", b"app", {"app"}, 1])
def test_a_string_in_place_of_a_list_is_a_type_error(repos: Any) -> None:
    with pytest.raises((TypeError, MintConfigurationError)) as refused:
        MintClient("http://127.0.0.1:9", identity=lambda _: "unused").mint("coder", repos)
    assert isinstance(refused.value, TypeError)


def test_an_empty_list_is_refused_before_an_oidc_token_is_asked_for() -> None:
    def identity(_: str) -> str:
        raise AssertionError

    with pytest.raises(MintConfigurationError, match="repos is empty"):
        MintClient("http://127.0.0.1:9", identity=identity).mint("coder", [])


def test_permissions_are_read_as_create_github_app_token_spells_them() -> None:
    assert read_permissions(["contents: read, issues: write"]) == {"contents": "read", "issues": "write"}
    assert read_permissions(["contents:read", "\nissues = write\n"]) == {"contents": "read", "issues": "write"}
    assert read_permissions([" ,"]) == {}


@pytest.mark.parametrize(
    "text", ["contents", "contents:", ":read", "contents: read issues: write", "Contents: read"]
)
def test_what_is_not_a_permission_is_named(text: str) -> None:
    with pytest.raises(MintConfigurationError, match="is not a permission"):
        read_permissions([text])


@given(st.lists(st.text(max_size=30), max_size=3))
def test_permissions_are_read_or_refused(texts: list[str]) -> None:
    try:
        found = read_permissions(texts)
    except MintConfigurationError as refused:
        assert refused.code == "invalid_permissions"  # noqa: PT017 - either way is right
        return
    assert all(name and level for name, level in found.items())


def test_a_status_question_has_the_same_fields_but_permissions() -> None:
    asked = mint_request("coder", ["a", "b"], level="read", target_org="other", permissions={"contents": "read"})
    assert asked.query() == "?role=coder&repos=a%2Cb&level=read&target_org=other"
    assert mint_request("").query() == ""


@pytest.mark.parametrize(
    "given",
    [
        {"repos": [5]},
        {"repos": ["app", None]},
        {"role": 5},
        {"level": 5},
        {"target_org": 5},
        {"permissions": {"contents": 5}},
        {"permissions": {5: "read"}},
    ],
)
def test_what_is_not_text_is_a_type_error_with_a_sentence(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be text, not "):
        mint_request(**{"role": "triage", **given})
