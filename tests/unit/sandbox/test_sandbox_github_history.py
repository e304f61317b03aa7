from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.github.history import check_ref_name
from tests.unit.sandbox.sandbox_github_octo import Octo, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = "/repos/octo-org/open"
SECRET = "/repos/octo-org/secret"


@pytest.fixture
def octo() -> Iterator[Octo]:
    with Octo() as running:
        running.service.create_org("forkers")
        yield running


def compared(octo: Octo, base: str, head: str, where: str = OPEN, query: str = "") -> dict[str, Any]:
    response = octo.ask("GET", f"{where}/compare/{base}...{head}{query}", octo.token())
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_the_four_relations_of_two_commits(octo: Octo) -> None:
    git = octo.service.git
    first = git.branch("Octo-Org/open", "start")
    second = git.commit("Octo-Org/open")
    git.branch("Octo-Org/open", "side", at=first)
    git.commit("Octo-Org/open", branch="side")
    assert compared(octo, first, "main")["status"] == "ahead"
    assert compared(octo, "main", first)["status"] == "behind"
    assert compared(octo, second, "main")["status"] == "identical"
    diverged = compared(octo, "side", "main")
    assert (diverged["status"], diverged["ahead_by"], diverged["behind_by"]) == ("diverged", 1, 1)
    assert diverged["merge_base_commit"]["sha"] == first


def test_a_merged_commit_is_an_ancestor_whatever_parent_it_is(octo: Octo) -> None:
    git = octo.service.git
    git.branch("Octo-Org/open", "side")
    merged = git.commit("Octo-Org/open", branch="side")
    git.commit("Octo-Org/open")
    git.merge("Octo-Org/open", "side")
    assert compared(octo, merged, "refs/heads/main")["status"] == "ahead"


def test_a_commit_of_a_fork_answers_under_the_parents_name_and_is_not_an_ancestor_of_its_branches(
    octo: Octo,
) -> None:
    git = octo.service.git
    git.fork("Octo-Org/open", "forkers")
    strange = git.commit("forkers/open", "Steal")
    assert octo.ask("GET", f"{OPEN}/commits/{strange}", octo.token()).json()["sha"] == strange
    assert compared(octo, strange, "main")["status"] == "behind"
    git.commit("Octo-Org/open")
    assert compared(octo, strange, "main")["status"] == "diverged"
    assert compared(octo, "main", "forkers:main")["status"] == "diverged"
    assert compared(octo, "main", "forkers:open:main")["commits"][0]["sha"] == strange


def test_a_deleted_forks_commits_stay_in_the_network(octo: Octo) -> None:
    octo.service.git.fork("Octo-Org/open", "forkers")
    strange = octo.service.git.commit("forkers/open")
    octo.service.delete_account("forkers")
    assert octo.ask("GET", f"{OPEN}/commits/{strange}", octo.token()).status_code == 200


def test_a_merged_fork_commit_is_trusted_history(octo: Octo) -> None:
    octo.service.git.fork("Octo-Org/open", "forkers")
    offered = octo.service.git.commit("forkers/open")
    octo.service.git.merge("Octo-Org/open", offered)
    assert compared(octo, offered, "main")["status"] == "ahead"


@pytest.mark.parametrize(
    "basehead",
    ["main...nothing", "nothing...main", f"{'0' * 40}...main", "main", "main..main", "stranger:main...main", "..."],
)
def test_what_was_never_pushed_is_not_found(octo: Octo, basehead: str) -> None:
    assert refusal(octo.ask("GET", f"{OPEN}/compare/{basehead}", octo.token()))[0] == 404


def test_without_a_common_ancestor_the_answer_says_so(octo: Octo) -> None:
    octo.service.git.orphan("Octo-Org/open", "pages")
    answer = octo.ask("GET", f"{OPEN}/compare/pages...main", octo.token())
    assert refusal(answer) == (404, "No common ancestor between pages and main.")


def test_a_commit_of_another_network_is_unknown(octo: Octo) -> None:
    elsewhere = octo.service.git.commit("Octo-Org/other")
    assert octo.ask("GET", f"{OPEN}/compare/{elsewhere}...main", octo.token()).status_code == 404
    assert refusal(octo.ask("GET", f"{OPEN}/commits/{elsewhere}", octo.token()))[0] == 422


@pytest.mark.parametrize(
    ("permissions", "where", "status"),
    [
        ({"contents": "read"}, SECRET, 200),
        ({"issues": "read"}, SECRET, 403),
        ({"metadata": "read"}, SECRET, 403),
        ({"metadata": "read"}, OPEN, 200),
        (None, SECRET, 404),
        (None, OPEN, 200),
    ],
)
def test_a_comparison_needs_contents_except_in_public(
    octo: Octo, permissions: dict[str, str] | None, where: str, status: int
) -> None:
    token = None if permissions is None else octo.token(permissions=permissions)
    answer = octo.ask("GET", f"{where}/compare/main...main", token)
    assert answer.status_code == status
    if status == 403:
        assert answer.headers["X-Accepted-GitHub-Permissions"] == "contents=read"


def test_another_accounts_token_compares_in_public_only(octo: Octo) -> None:
    token = octo.token(octo.on_user, permissions={"metadata": "read"})
    assert octo.ask("GET", f"{OPEN}/compare/main...main", token).status_code == 200
    assert octo.ask("GET", f"{SECRET}/compare/main...main", token).status_code == 404


def test_a_renamed_repository_redirects_and_the_id_compares(octo: Octo) -> None:
    octo.service.rename_repo("Octo-Org/open", "wide")
    moved = octo.ask("GET", f"{OPEN}/compare/main...main", octo.token())
    assert moved.status_code == 301
    path = moved.headers["Location"].removeprefix(octo.service.api_url)
    assert octo.ask("GET", path, octo.token()).json()["status"] == "identical"


def test_pages_of_a_comparison_hold_the_files_on_the_first_only(octo: Octo) -> None:
    start = octo.service.git.branch("Octo-Org/open", "start")
    pushed = [octo.service.git.commit("Octo-Org/open") for _ in range(3)]
    whole = compared(octo, start, "main")
    assert [each["sha"] for each in whole["commits"]] == pushed
    assert "files" in whole
    second = compared(octo, start, "main", query="?per_page=1&page=2")
    assert [each["sha"] for each in second["commits"]] == [pushed[1]]
    assert (second["total_commits"], "files" in second) == (3, False)


def test_names_are_found_as_git_finds_them(octo: Octo) -> None:
    git = octo.service.git
    old = git.branch("Octo-Org/open", "v1")
    new = git.commit("Octo-Org/open")
    git.tag("Octo-Org/open", "v1")
    git.branch("Octo-Org/open", "release/1.x")
    found = {
        name: octo.ask("GET", f"{OPEN}/commits/{name}", octo.token()).json()["sha"]
        for name in ("v1", "refs/heads/v1", "heads/v1", "refs/tags/v1", "release/1.x", old[:10])
    }
    assert found == {
        "v1": new, "refs/heads/v1": old, "heads/v1": old, "refs/tags/v1": new, "release/1.x": new, old[:10]: old,
    }  # fmt: skip


def test_branches_tags_and_forks_are_listed(octo: Octo) -> None:
    git = octo.service.git
    git.branch("Octo-Org/open", "dev")
    git.tag("Octo-Org/open", "v1")
    fork = git.fork("Octo-Org/open", "forkers")
    branches = octo.ask("GET", f"{OPEN}/branches", octo.token()).json()
    assert [each["name"] for each in branches] == ["dev", "main"]
    assert [each["name"] for each in octo.ask("GET", f"{OPEN}/tags", octo.token()).json()] == ["v1"]
    listed = octo.ask("GET", f"{OPEN}/forks", octo.token()).json()
    assert [(each["id"], each["fork"]) for each in listed] == [(fork.id, True)]
    assert octo.ask("GET", f"{OPEN}/branches/dev", octo.token()).json()["name"] == "dev"
    git.delete_branch("Octo-Org/open", "dev")
    assert refusal(octo.ask("GET", f"{OPEN}/branches/dev", octo.token())) == (404, "Branch not found")
    reference = octo.ask("GET", f"{OPEN}/git/ref/tags/v1", octo.token()).json()
    assert reference["ref"] == "refs/tags/v1"
    assert octo.ask("GET", f"{OPEN}/git/ref/tags/v2", octo.token()).status_code == 404


def test_a_written_file_is_a_commit_on_the_default_branch(octo: Octo) -> None:
    body = {"message": "Add a file", "content": "YQ=="}
    token = octo.token()
    sha = octo.ask("PUT", f"{SECRET}/contents/a.txt", token, json=body).json()["commit"]["sha"]
    assert octo.ask("GET", f"{SECRET}/commits/main", token).json()["sha"] == sha


def test_a_recycled_login_has_another_id_and_none_of_the_installations(octo: Octo) -> None:
    before = octo.service.id_of("Octo-Org")
    octo.service.rename_account("Octo-Org", "Hexa-Org")
    octo.service.create_org("Octo-Org")
    assert octo.service.id_of("octo-org") not in (before, None)
    assert octo.service.id_of("hexa-org") == before
    assert octo.as_app("GET", "/orgs/octo-org/installation").status_code == 404
    assert octo.as_app("GET", "/orgs/hexa-org/installation").json()["account"]["id"] == before


def test_a_deleted_account_takes_its_repositories_and_installations_along(octo: Octo) -> None:
    token = octo.token()
    octo.service.delete_account("Octo-Org")
    assert octo.service.id_of("Octo-Org") is None
    assert octo.service.id_of("Octo-Org/open") is None
    assert octo.ask("GET", OPEN, token).status_code == 401
    octo.service.create_org("Octo-Org")
    assert octo.ask("GET", OPEN).status_code == 404


def test_a_name_of_the_past_has_no_id(octo: Octo) -> None:
    octo.service.rename_repo("Octo-Org/open", "wide")
    assert octo.service.id_of("Octo-Org/open") is None
    assert octo.service.id_of("octo-org/WIDE") is not None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a..b",
        "a b",
        "/a",
        "a/",
        "a.lock",
        "a.",
        ".a",
        "a/.b",
        "a~1",
        "a:b",
        "a@{1}",
        "-a",
        "a" * 40,
        "a\\b",
        "A" * 64,
    ],
)
def test_names_that_no_ref_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="not a name for a branch"):
        check_ref_name(name)


@pytest.mark.parametrize("name", ["main", "release/1.x", "v1.2.3", "ä", "a" * 39, "feature/@home"])
def test_names_that_a_ref_can_have(name: str) -> None:
    assert check_ref_name(name) == name


@pytest.mark.parametrize("verb", ["commit", "delete_branch", "merge", "tag"])
def test_a_verb_about_what_is_missing_is_a_value_error(verb: str) -> None:
    git = Octo().service.git
    calls: dict[str, Any] = {
        "commit": lambda: git.commit("Octo-Org/open", branch="nothing"),
        "delete_branch": lambda: git.delete_branch("Octo-Org/open", "nothing"),
        "merge": lambda: git.merge("Octo-Org/open", "0" * 40),
        "tag": lambda: git.tag("Octo-Org/open", "v1", at="nothing"),
    }
    with pytest.raises(ValueError, match=r"no (branch|commit)"):
        calls[verb]()
