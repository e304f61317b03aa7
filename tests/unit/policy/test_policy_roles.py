from __future__ import annotations

from typing import Any

import pytest

from mintcore.policy.levels import two_levels
from mintcore.policy.names import Role
from mintcore.policy.roles import BUILT_IN, App, build_role_book, check_custom_role, key_role

# Section 2 of the contract, word for word.
TABLE = """
fullsend | actions:write actions_variables:read contents:write pull_requests:write workflows:write metadata:read
triage | contents:read issues:write metadata:read
coder | contents:write pull_requests:write issues:write checks:read metadata:read
review | contents:read pull_requests:write issues:write checks:read metadata:read
fix | contents:write pull_requests:write issues:write metadata:read
retro | contents:read pull_requests:write issues:write actions:read metadata:read
prioritize | contents:read issues:write organization_projects:write metadata:read
scribe | contents:read issues:write metadata:read
e2e | actions:write actions_variables:write administration:write contents:write issues:write members:write \
metadata:read organization_actions_variables:write organization_administration:write pull_requests:write \
secrets:write workflows:write
"""
EXPECTED = {
    role: dict(pair.split(":") for pair in permissions.split())
    for role, _, permissions in (line.partition(" | ") for line in TABLE.strip().splitlines())
}
READ = two_levels({"contents": "read"})


def test_the_built_in_roles_are_those_of_the_contract_and_no_others() -> None:
    assert sorted(BUILT_IN) == sorted(EXPECTED)


@pytest.mark.parametrize("role", sorted(EXPECTED))
def test_a_built_in_role_has_exactly_the_permissions_of_the_contract(role: str) -> None:
    assert dict(BUILT_IN[Role(role)]) == EXPECTED[role]


def test_the_permissions_of_a_role_cannot_be_written_to() -> None:
    permissions: Any = BUILT_IN[Role("triage")]
    with pytest.raises(TypeError):
        permissions["contents"] = "write"


def test_only_fix_uses_the_app_of_another_role() -> None:
    assert {role: key_role(role) for role in BUILT_IN if key_role(role) != role} == {"fix": "coder"}


@pytest.mark.parametrize("role", sorted(EXPECTED))
def test_a_custom_role_cannot_have_a_built_in_name(role: str) -> None:
    with pytest.raises(ValueError, match="collides") as refused:
        check_custom_role(role, {"contents": "read"})
    expected = f'registering custom role permissions: custom role "{role}" collides with built-in role'
    assert str(refused.value) == expected


def test_a_custom_role_without_permissions_is_refused_because_github_would_grant_all() -> None:
    with pytest.raises(ValueError, match="has no permission"):
        check_custom_role("scanner", {})


@pytest.mark.parametrize("level", ["", "none", "Read", "write ", None, True, 1, ["read"]])
def test_a_custom_role_with_a_level_that_does_not_exist_is_refused(level: object) -> None:
    with pytest.raises(ValueError, match="contents must be one of read, write, admin"):
        check_custom_role("scanner", {"contents": level})


@pytest.mark.parametrize("name", ["", "Contents", "1x", "a-b", "a b", "contents\n", "ä", "x" * 65])
def test_a_custom_role_with_a_malformed_permission_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a permission name"):
        check_custom_role("scanner", {name: "read"})


@pytest.mark.parametrize("name", ["Scanner", "a--b", "", "triage ", "TRIAGE"])
def test_a_custom_role_with_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="registering custom role permissions"):
        check_custom_role(name, {"contents": "read"})


def test_a_custom_role_keeps_its_permissions_as_given() -> None:
    role, levels = check_custom_role("scanner", {"contents": "read", "packages": "admin"})
    assert role == "scanner"
    assert dict(levels["write"]) == {"contents": "read", "packages": "admin"}


def test_fix_is_served_wherever_coder_is_with_coders_app_and_its_own_permissions() -> None:
    book = build_role_book({Role("coder"): "7"}, {}, None)
    assert book.names == ["coder", "fix"]
    assert book.serves[Role("fix")].app == App("7", Role("coder"))
    assert dict(book.serves[Role("fix")].permissions) == EXPECTED["fix"]


def test_fix_is_not_served_without_coder() -> None:
    assert build_role_book({Role("triage"): "7"}, {}, None).names == ["triage"]


def test_a_subset_leaves_the_other_roles_held_and_not_served() -> None:
    book = build_role_book({Role("coder"): "7", Role("triage"): "8"}, {}, [Role("coder")])
    assert book.names == ["coder"]
    assert book.holds == {"coder", "fix", "triage"}


def test_a_subset_that_names_fix_alone_serves_fix_alone() -> None:
    assert build_role_book({Role("coder"): "7"}, {}, [Role("fix")]).names == ["fix"]


def test_an_app_without_permissions_is_neither_served_nor_held() -> None:
    book = build_role_book({Role("mystery"): "9"}, {}, None)
    assert book.names == []
    assert book.holds == frozenset()


def test_a_custom_role_with_an_app_is_served_with_its_permissions() -> None:
    book = build_role_book({Role("scanner"): "9"}, {Role("scanner"): READ}, None)
    assert dict(book.serves[Role("scanner")].permissions) == {"contents": "read"}
