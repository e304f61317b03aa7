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
    ("name", "access", "requested"),
    [
        ("workflows", "read", False),
        ("workflows", "write", True),
        ("profile", "read", False),
        ("profile", "write", True),
        ("contents", "read", True),
        ("contents", "write", True),
        # GitHub refuses these by its own schema; only it knows what it adds, so it decides.
        ("contents", "admin", True),
        ("organization_plan", "write", True),
        ("a_permission_of_tomorrow", "admin", True),
        ("organization_projects", "admin", True),
    ],
)
def test_only_read_access_to_what_github_writes_is_left_out(name: str, access: str, requested: bool) -> None:
    wanted = scope(metadata="read", **{name: access})
    kept = {"metadata": "read"} | ({name: access} if requested else {})
    assert dict(requestable(wanted).permissions) == kept
    assert requestable(wanted).repos == REPOS
    assert bool(warnings_of(wanted)) is not requested


def test_the_warning_names_what_is_left_out_and_what_to_request_instead() -> None:
    (sentence,) = warnings_of(scope(contents="read", workflows="read", profile="read"))
    assert sentence.startswith("GitHub does not have workflows:read, profile:read, so the token")
    assert sentence.endswith("request workflows:write, profile:write.")


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
    assert set(kept) | set(left_out(wanted)) == set(asked)
    assert kept.items() <= asked.items()
    assert len(kept) + len(left_out(wanted)) == len(asked)
