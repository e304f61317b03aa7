"""A permission that GitHub does not have is left out of a token request, and the caller is told."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintcore.errors import PermissionsNotGranted
from mintcore.github.access import left_out, requestable, warnings_of
from mintcore.policy.levels import ACCESS
from mintcore.policy.names import RepoName
from mintcore.request import Scope

REPOS = (RepoName("app"),)


def scope(**permissions: str) -> Scope:
    return Scope(MappingProxyType(permissions), REPOS)


@pytest.mark.parametrize(
    ("name", "exist"),
    [
        ("workflows", {"write"}),
        ("profile", {"write"}),
        ("organization_events", {"read"}),
        ("organization_plan", {"read"}),
        ("contents", {"read", "write"}),
        ("administration", {"read", "write"}),
        ("a_permission_of_tomorrow", {"read", "write"}),
        ("repository_projects", {"read", "write", "admin"}),
        ("organization_projects", {"read", "write", "admin"}),
        ("organization_custom_properties", {"read", "write", "admin"}),
    ],
)
def test_only_an_access_that_github_has_is_requested(name: str, exist: set[str]) -> None:
    for access in ACCESS:
        wanted = scope(metadata="read", **{name: access})
        kept = {"metadata": "read"} | ({name: access} if access in exist else {})
        assert dict(requestable(wanted).permissions) == kept
        assert requestable(wanted).repos == REPOS
        assert bool(warnings_of(wanted)) is (access not in exist)


def test_the_warning_names_what_is_left_out_and_what_to_request_instead() -> None:
    (sentence,) = warnings_of(scope(contents="read", workflows="read", organization_plan="write"))
    assert sentence.startswith("GitHub does not have workflows:read, organization_plan:write, so the token")
    assert sentence.endswith("request workflows:write and organization_plan:read.")


def test_a_request_without_any_permission_is_never_sent() -> None:
    with pytest.raises(PermissionsNotGranted, match=r"workflows:read.*Fix: request workflows:write"):
        requestable(scope(workflows="read"))


@given(st.dictionaries(st.sampled_from(["workflows", "profile", "contents", "members"]), st.sampled_from(ACCESS)))
def test_what_is_requested_and_what_is_left_out_is_what_was_asked(asked: dict[str, str]) -> None:
    wanted = scope(**asked)
    try:
        kept = dict(requestable(wanted).permissions)
    except PermissionsNotGranted:
        kept = {}
    assert {f"{name}:{access}" for name, access in kept.items()} | set(left_out(wanted)) == {
        f"{name}:{access}" for name, access in asked.items()
    }
    assert len(kept) + len(left_out(wanted)) == len(asked)
