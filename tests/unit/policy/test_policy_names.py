from __future__ import annotations

import pytest

from mintcore.policy.names import Org, Repo, fold, parse_repo, parse_repo_name, parse_role, repo_provider_id

KELVIN = "\u212a"
DOTLESS_I = "\u0131"
LONG_S = "\u017f"


@pytest.mark.parametrize("text", ["a", "coder", "a1", "a-b", "a_b", "a-", "a_-b", "a" * 63])
def test_a_role_name_within_the_rule_is_taken_as_it_is(text: str) -> None:
    assert parse_role(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "A", "Coder", "1a", "-a", "_a", "a--b", "a.b", "a b", "a/b", "a\n", "\na", "á", "cod\u200ber", "a" * 64],
)
def test_a_role_name_outside_the_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a role starts with a lowercase letter"):
        parse_role(text)


@pytest.mark.parametrize("text", ["a", "A.b-c_d", ".fullsend", "...", "-", "x" * 100])
def test_a_repository_name_that_github_allows_is_taken_as_it_is(text: str) -> None:
    assert parse_repo_name(text) == text


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "a\n", "a%2f", "ä", KELVIN, "*", "x" * 101])
def test_a_repository_name_that_github_does_not_allow_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a repository name has"):
        parse_repo_name(text)


@pytest.mark.parametrize("text", ["", "-a", "a.b", "a/b", "a b", "a\n", f"{KELVIN}raken", f"m{DOTLESS_I}nt", "*"])
def test_a_login_that_github_does_not_allow_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an organization name has"):
        Org(text)


def test_orgs_that_differ_in_case_are_one_and_keep_their_spelling() -> None:
    assert Org("Octo-Org") == Org("octo-ORG")
    assert len({Org("Octo-Org"), Org("octo-org")}) == 1
    assert str(Org("Octo-Org")) == "Octo-Org"


def test_repositories_that_differ_in_case_are_one() -> None:
    assert parse_repo("Octo-Org/App") == parse_repo("octo-org/aPP")
    assert len({parse_repo("O/A"), parse_repo("o/a")}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("o/a", "o/b"), ("o/a", "p/a"), ("o-a/b", "o/a-b"), ("octo-org/app", "octo-org/app.")]
)
def test_repositories_with_other_names_differ(one: str, other: str) -> None:
    assert parse_repo(one) != parse_repo(other)


@pytest.mark.parametrize("text", ["", "app", "/app", "octo/", "a/b/c", "octo//app", " octo/app", "octo/app\n"])
def test_text_without_one_slash_is_not_a_repository(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_repo(text)


def test_folding_leaves_letters_beyond_ascii_alone() -> None:
    assert fold("ABC") == "abc"
    assert fold(KELVIN) == KELVIN
    assert fold(LONG_S + "A") == LONG_S + "A"


@pytest.mark.parametrize(
    ("repo", "provider"),
    [
        ("Octo-Org/App", "gh-octo-org-app"),
        ("octo-org/.fullsend", "gh-octo-org--fullsend"),
        ("o/my_repo.x", "gh-o-my-repo-x"),
        ("o/" + "a" * 100, "gh-o-" + "a" * 27),
        ("o/" + "a" * 26 + "-b", "gh-o-" + "a" * 26),
        ("o/" + "a" * 20 + "-" * 20, "gh-o-" + "a" * 20),
        ("o/...", "gh-o"),
    ],
)
def test_the_provider_of_a_repository_is_named_as_the_contract_says(repo: str, provider: str) -> None:
    assert repo_provider_id(parse_repo(repo)) == provider


def test_a_repository_cannot_be_made_with_a_bad_name() -> None:
    with pytest.raises(ValueError, match="a repository name"):
        Repo(Org("octo"), "..")
