from __future__ import annotations

import json

import pytest

from mintcore.errors import (
    ClientError,
    InvalidJson,
    InvalidLevel,
    InvalidPermissions,
    InvalidRepos,
    InvalidRole,
    InvalidTargetOrg,
    RoleRequired,
    TooManyRepos,
)
from mintcore.policy.token_request import (
    MAX_REPOS,
    TokenRequest,
    parse_token_query,
    parse_token_request,
    warnings_of_query,
)


def parse(**fields: object) -> TokenRequest:
    return parse_token_request(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"[]", b'"x"', b"1", b"true", b"{", b'{"role": }', b"{'role': 'x'}", b"\xff\xfe\xfa",
        '{"role": "coder"}'.encode("utf-16"),
        b"role=coder", b"[" * 100_000, b'{"a":' * 50_000, b'{"role": ' + b"9" * 5000 + b"}", b"\x00",
    ],
)  # fmt: skip
def test_a_body_other_than_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidJson):
        parse_token_request(body)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"role": "triage", "role": "coder"}', "role"), ('{"role": "triage", "role": "triage"}', "role"),
        ('{"role": "triage", "repos": ["a"], "repos": ["b"]}', "repos"),
        ('{"role": "x", "permissions": {"issues": "read", "issues": "write"}}', "issues"),
        ('{"role": "x", "r\\u006fle": "y"}', "role"), ('{"role": "x", "\\u0007": 1, "\\u0007": 2}', "\\x07"),
        ('{"role": "x", ' + '"a": 1, ' * 10_000 + '"b": 1}', "a"),
    ],
)  # fmt: skip
def test_a_body_with_a_repeated_key_is_refused_with_its_name(body: str, key: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        parse_token_request(body.encode())
    assert str(refused.value) == f"invalid_json: The body has the key '{key}' more than once; send each key once."


@pytest.mark.parametrize("body", [b"{}", b'{"role": null}', b'{"role": ""}', b'{"repos": ["x"]}', b'{"Role": "x"}'])
def test_a_body_without_a_role_is_refused(body: bytes) -> None:
    with pytest.raises(RoleRequired):
        parse_token_request(body)


@pytest.mark.parametrize(
    "role", [1, True, ["coder"], {}, " ", "Coder", "co der", "a--b", "*", "coder\u200b", "\ud800"]
)
def test_an_invalid_role_name_is_refused(role: object) -> None:
    with pytest.raises(InvalidRole):
        parse(role=role)


@pytest.mark.parametrize("repos", [None, []])
def test_no_list_and_an_empty_list_are_the_same_request(repos: object) -> None:
    assert parse(role="coder", repos=repos) == parse(role="coder") == TokenRequest(parse(role="coder").role)


@pytest.mark.parametrize(
    ("field", "code"),
    [("level", "invalid_level"), ("permissions", "invalid_permissions"), ("target_org", "invalid_target_org")],
)
def test_null_is_not_the_same_as_a_field_that_is_left_out(field: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        parse(role="coder", repos=["app"], **{field: None})
    assert (refused.value.code, refused.value.status) == (code, 400)


def test_a_star_alone_asks_for_everything() -> None:
    assert parse(role="coder", repos=["*"]) == TokenRequest(parse(role="coder").role, everything=True)


def test_names_are_kept_in_order_and_spelling_and_count_once() -> None:
    assert parse(role="coder", repos=["B", "a", "b", "A", "B"]).repos == ("B", "a")


def test_unknown_fields_are_ignored() -> None:
    assert parse(role="coder", ref="x", organization="evil") == parse(role="coder")


@pytest.mark.parametrize(
    "repos",
    ["app", {"app": 1}, 1, True, False, "", 0, {}, [1], [None], [["app"]], [""], [".."], ["."], ["a b"], ["a\n"],
     ["\u212a"], ["a?b"], ["a%2fb"], ["app", None], ["x" * 101]],
)  # fmt: skip
def test_repos_other_than_a_list_of_names_are_refused(repos: object) -> None:
    with pytest.raises(InvalidRepos):
        parse(role="coder", repos=repos)


def test_a_star_among_names_is_refused_with_a_word_about_stars() -> None:
    with pytest.raises(InvalidRepos) as refused:
        parse(role="coder", repos=["*", "app"])
    assert '"*"' in refused.value.public


@pytest.mark.parametrize("name", ["octo-org/app", "/app", "app/", "../other"])
def test_a_name_with_an_owner_is_refused_with_a_word_about_owners(name: str) -> None:
    with pytest.raises(InvalidRepos) as refused:
        parse(role="coder", repos=[name])
    assert "owner" in refused.value.public


def test_five_hundred_names_pass_and_one_more_does_not() -> None:
    names = [f"repo-{number}" for number in range(MAX_REPOS)]
    assert len(parse(role="coder", repos=names).repos) == 500
    with pytest.raises(TooManyRepos):
        parse(role="coder", repos=[*names, "one-more"])


def test_repeated_names_do_not_count_towards_the_limit() -> None:
    assert parse(role="coder", repos=["app", "APP"] * MAX_REPOS).repos == ("app",)


def test_a_malformed_name_is_told_before_the_limit() -> None:
    with pytest.raises(InvalidRepos):
        parse(role="coder", repos=[*(f"r{number}" for number in range(501)), "a b"])


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("repo", "repos"),
        ("role_name", "role"),
        ("levels", "level"),
        ("rep", "repos"),
        ("perm", "permissions"),
        ("target", "target_org"),
        ("re", ""),
        ("", ""),
        ("target-org", "target_org"),
        ("ref", ""),
    ],
)
def test_a_misspelled_field_is_named_in_a_warning(field: str, known: str) -> None:
    warnings = parse(role="coder", **{field: "x"}).warnings
    assert [known in warning and repr(field) in warning for warning in warnings] == ([True] if known else [])


def test_a_misspelled_query_parameter_is_named_in_a_warning() -> None:
    assert warnings_of_query(["role", "repos", "level", "target_org", "cachebuster"]) == ()
    assert warnings_of_query(["rolle", "repo"]) == (
        "The query parameter 'rolle' is ignored; did you mean 'role'?",
        "The query parameter 'repo' is ignored; did you mean 'repos'?",
    )


def test_warnings_are_few_and_show_little_of_what_was_sent() -> None:
    fields = {f"role_{'x' * 500}{number}": 1 for number in range(50)} | {"rep\u043es": 1, "repos_\n": 1}
    warnings = parse(role="coder", **fields).warnings
    assert len(warnings) <= 5
    assert all(len(warning) < 200 and warning.isascii() and warning.isprintable() for warning in warnings)


def test_of_very_many_unknown_fields_the_first_ones_are_compared_with_the_known_ones() -> None:
    """A caller without a proof must not make the mint compare thousands of names."""
    unknown = {f"x{number}": 0 for number in range(50)}
    assert len(parse(role="coder", rolle=1, **unknown).warnings) == 1
    assert parse(role="coder", **unknown, rolle=1).warnings == ()


@pytest.mark.parametrize("value", [{"contents": "read"}, {"contents": "write", "issues": "read"}])
def test_permissions_are_kept_as_asked(value: dict[str, str]) -> None:
    assert dict(parse(role="coder", permissions=value).permissions or {}) == value


def test_a_target_needs_repositories() -> None:
    assert str(parse(role="coder", repos=["*"], target_org="Other").target_org) == "Other"
    with pytest.raises(InvalidRepos, match="target_org"):
        parse(role="coder", target_org="other")


def test_a_query_is_the_request_of_a_body() -> None:
    query = {"role": ["coder"], "repos": ["a,b", "c"], "level": ["read"], "target_org": ["other"]}
    body = parse(role="coder", repos=["a", "b", "c"], level="read", target_org="other")
    assert parse_token_query(query) == body


@pytest.mark.parametrize(
    ("query", "failure"),
    [({"level": ["read"]}, RoleRequired), ({"role": ["coder"], "level": ["read", "write"]}, InvalidLevel),
     ({"role": ["coder"], "level": [""]}, InvalidLevel),
     ({"role": ["coder"], "repos": [""]}, InvalidRepos),
     ({"role": ["coder"], "repos": ["a", ""]}, InvalidRepos),
     ({"role": ["coder"], "repos": [","]}, InvalidRepos),
     ({"role": ["coder"], "repos": [" "]}, InvalidRepos),
     ({"role": ["coder"], "repos": ["a"], "target_org": [""]}, InvalidTargetOrg),
     ({"role": [""]}, RoleRequired),
     ({"repos": [""]}, RoleRequired),
     ({"role": ["coder"], "permissions": ["{}"]}, InvalidPermissions),
     ({"role": ["coder"], "repos": ["a"], "target_org": ["a", "b"]}, InvalidTargetOrg)],
)  # fmt: skip
def test_a_query_that_is_ambiguous_is_refused(query: dict[str, list[str]], failure: type[Exception]) -> None:
    with pytest.raises(failure):
        parse_token_query(query)
