"""`fullsend github …` against the sandbox's GitHub and a real mint."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model.install_values import EXAMPLE_PROVIDER
from fullsend_sandbox.faults import Drop, Fail, Garbage, Huge
from tests.integration.github_owner import GitHubOwner

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.faults import Fault
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

CLIENT = ("--client-id", "coder=Iv23liAbCdEfGhIjKlMn")
INFERENCE = ("--inference-project", "octo-project", "--inference-wif-provider", EXAMPLE_PROVIDER)
SECRETS = {"FULLSEND_GCP_PROJECT_ID": "octo-project", "FULLSEND_GCP_WIF_PROVIDER": EXAMPLE_PROVIDER}
WRITE = {"actions_variables": "write", "secrets": "write", "organization_actions_variables": "write"}


class Operator(GitHubOwner):
    """An owner of the world's organizations, with the values of an install."""

    def __init__(self, world: World, mint_url: str) -> None:
        super().__init__(world, "octo-org", "bare-org")
        self.values = ("--mint-url", mint_url, *INFERENCE)

    def use_fine_grained(self, permissions: dict[str, str]) -> None:
        self.environment["GH_TOKEN"] = self.github.people.fine_grained_token("mona", "octo-org", permissions)

    def writes(self) -> int:
        """Count the calls that changed something: not reads, and not removals of missing names."""
        return sum(e.method != "GET" and e.status in (201, 204) for e in self.github.traffic)


@pytest.fixture
def operator(world: World, hosted_mint: MintProcess) -> Operator:
    return Operator(world, hosted_mint.url)


def test_an_organization_set_up_is_what_its_jobs_see_and_a_second_run_changes_nothing(operator: Operator) -> None:
    mint_url = operator.values[1]
    first = operator.run("setup", "octo-org", *operator.values, *CLIENT)
    assert first.status == 0, first.err
    actions = operator.github.actions
    assert actions.variables_seen_by("octo-org/app") == {"FULLSEND_MINT_URL": mint_url}
    assert actions.variables_seen_by("octo-org/.fullsend") == {
        "FULLSEND_MINT_URL": mint_url,
        "FULLSEND_GCP_REGION": "global",
        "FULLSEND_CODER_CLIENT_ID": "Iv23liAbCdEfGhIjKlMn",
    }
    assert actions.secrets("octo-org/.fullsend") == SECRETS
    before = operator.writes()
    second = operator.run("setup", "octo-org", *operator.values, *CLIENT)
    assert (second.status, operator.writes() - before) == (0, 0)
    assert "Nothing to do: octo-org is set up already." in second.err
    assert "--rewrite-secrets" in second.err
    assert operator.run("status", "octo-org", *operator.values, *CLIENT).status == 0


def test_a_repository_set_up_has_everything_itself(operator: Operator) -> None:
    assert operator.run("setup", "octo-org/app", *operator.values).status == 0
    assert operator.github.actions.variables_seen_by("octo-org/app") == {
        "FULLSEND_MINT_URL": operator.values[1],
        "FULLSEND_GCP_REGION": "global",
        "FULLSEND_PER_REPO_INSTALL": "true",
    }
    assert operator.github.actions.secrets_seen_by("octo-org/app") == SECRETS


def test_status_is_3_and_json_for_what_is_missing_different_and_stale(operator: Operator) -> None:
    assert operator.run("status", "octo-org/app").status == 3
    operator.run("setup", "octo-org/app", *operator.values)
    operator.github.actions.put_secret("octo-org/app", "FULLSEND_TRIAGE_PEM", "x")
    done = operator.run("status", "octo-org/app", "--mint-url", "https://other.example", "--json")
    report = json.loads(done.out)
    states = {item["name"]: item["status"] for item in report["items"]}
    assert (done.status, report["healthy"]) == (3, False)
    assert (states["FULLSEND_MINT_URL"], states["FULLSEND_TRIAGE_PEM"]) == ("different", "stale")
    assert {"octo-project", EXAMPLE_PROVIDER}.isdisjoint(done.out.split('"'))


def test_status_finds_names_beyond_the_first_page(operator: Operator) -> None:
    for number in range(45):
        operator.github.actions.put_variable("octo-org/app", f"A{number:02}", "x")
    operator.run("setup", "octo-org/app", *operator.values)
    assert operator.run("status", "octo-org/app").status == 0


def test_an_update_leaves_an_organization_variable_to_the_repositories_it_was_selected_for(
    operator: Operator,
) -> None:
    put = operator.github.actions.put_variable
    put("octo-org", "FULLSEND_MINT_URL", "https://old.example", visibility="selected", only="octo-org/app")
    operator.run("setup", "octo-org", *operator.values)
    assert operator.github.actions.variables_seen_by("octo-org/app") == {"FULLSEND_MINT_URL": operator.values[1]}
    assert operator.github.actions.variables_seen_by("octo-org/docs") == {}


def test_uninstall_removes_the_managed_names_and_leaves_the_rest(operator: Operator) -> None:
    operator.run("setup", "octo-org", *operator.values, *CLIENT)
    actions = operator.github.actions
    for holder in ("octo-org", "octo-org/.fullsend"):
        actions.put_variable(holder, "MINE", "1")
    actions.put_secret("octo-org/.fullsend", "FULLSEND_DISPATCH_TOKEN", "x")
    assert operator.run("uninstall", "octo-org").status == 2  # no terminal to confirm on
    done = operator.run("uninstall", "octo-org", "--yes")
    assert (done.status, done.err.count("Not removed")) == (0, 1)
    assert actions.variables("octo-org") == actions.variables("octo-org/.fullsend") == {"MINE": "1"}
    assert actions.secrets("octo-org/.fullsend") == {"FULLSEND_DISPATCH_TOKEN": "x"}
    assert "Nothing to do" in operator.run("uninstall", "octo-org", "--yes").err


def test_set_changes_a_managed_name_wherever_it_is_kept_and_takes_secrets_from_stdin(operator: Operator) -> None:
    assert operator.run("set", "octo-org", "FULLSEND_MINT_URL", "https://a.example").status == 0
    assert "Nothing to do" in operator.run("set", "octo-org", "fullsend_mint_url", "https://a.example").err
    actions = operator.github.actions
    assert actions.variables("octo-org") == actions.variables("octo-org/.fullsend")
    done = operator.run("set", "octo-org", "FULLSEND_GCP_PROJECT_ID", stdin="new-project\n")
    assert actions.secrets("octo-org/.fullsend") == {"FULLSEND_GCP_PROJECT_ID": "new-project"}
    assert "new-project" not in done.out + done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "octo-org", "PATH", "x"),
        ("set", "octo-org", "FULLSEND_GCP_PROJECT_ID"),
        ("set", "octo-org", "FULLSEND_GCP_WIF_PROVIDER", "github-oidc"),
        ("setup", "octo-org/app", "--client-id", "coder=Iv23liAbCdEfGhIjKlMn"),
        ("setup", "octo-org/.fullsend"),
        ("setup", "octo org"),
        ("setup", "octo-org"),
    ],
)
def test_what_breaks_a_rule_is_a_usage_error_and_changes_nothing(
    operator: Operator, arguments: tuple[str, ...]
) -> None:
    assert (operator.run(*arguments).status, operator.writes()) == (2, 0)


@pytest.mark.parametrize("command", ["setup", "set", "uninstall"])
def test_a_dry_run_sends_nothing_but_reads(operator: Operator, command: str) -> None:
    operator.github.actions.put_variable("octo-org/app", "FULLSEND_MINT_URL", "https://old.example")
    arguments = {"setup": operator.values, "set": ("FULLSEND_MINT_URL", "https://a.example"), "uninstall": ()}
    done = operator.run(command, "octo-org/app", *arguments[command], "--dry-run")
    assert (done.status, done.out.startswith("1. "), "--dry-run" in done.err) == (0, True, True)
    assert {exchange.method for exchange in operator.github.traffic} == {"GET"}


def test_setup_names_a_dead_mint_and_a_missing_scope_at_once_and_changes_nothing(operator: Operator) -> None:
    operator.environment["GH_TOKEN"] = operator.github.people.classic_token("mona", ("repo",))
    done = operator.run("setup", "octo-org", "--mint-url", operator.github.url, *INFERENCE)
    assert (done.status, operator.writes()) == (1, 0)
    assert "is not a mint" in done.err
    assert "lacks the scope admin:org" in done.err


def test_setup_finds_out_that_a_fine_grained_token_may_not_write_before_it_writes(operator: Operator) -> None:
    operator.use_fine_grained(WRITE | {"secrets": "read"})
    done = operator.run("setup", "octo-org", *operator.values)
    assert (done.status, operator.writes()) == (1, 0)
    assert "may read, but not write: secrets of octo-org/.fullsend" in done.err


def test_setup_says_that_it_asks_the_mint_and_why_there_was_no_answer(operator: Operator) -> None:
    done = operator.run("setup", "octo-org/app", "--mint-url", "http://127.0.0.1:1", *INFERENCE, "--dry-run")
    assert done.status == 1
    assert "checking the health of the mint at http://127.0.0.1:1, for up to 20 s" in done.err
    assert (
        "no mint answers at http://127.0.0.1:1 (the connection to 127.0.0.1:1 failed (Connection refused))"
        in done.err
    )


def test_a_fine_grained_token_without_organization_secrets_is_good_enough(operator: Operator) -> None:
    operator.use_fine_grained(WRITE)
    assert operator.run("setup", "octo-org", *operator.values).status == 0
    assert "may not list them" in operator.run("status", "octo-org").err


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("bare-org", "gh repo create bare-org/.fullsend"),
        ("mona", "mona/REPO"),
        ("octo-org/gone", "Check the spelling"),
    ],
)
def test_what_is_missing_is_named_with_its_fix(operator: Operator, target: str, says: str) -> None:
    done = operator.run("setup", target, *operator.values)
    assert (done.status, says in done.err) == (1, True)


def test_a_renamed_repository_is_refused_since_its_jobs_have_the_new_name(operator: Operator) -> None:
    operator.github.rename_repo("octo-org/app", "new-app")
    done = operator.run("setup", "octo-org/app", *operator.values)
    assert (done.status, "octo-org/new-app" in done.err, operator.writes()) == (1, True, 0)


def test_limits_outages_and_bad_tokens_are_sentences(operator: Operator) -> None:
    operator.github.limit_secondary(30, status=429)
    assert "for 30 seconds" in operator.run("status", "octo-org/app").err
    operator.github.clear_limits()
    operator.github.faults.add(Fail(502), "/repos/octo-org/app/actions", times=1)
    assert operator.run("status", "octo-org/app").status == 3  # tried again
    operator.environment["GH_TOKEN"] = "ghp_" + "x" * 36
    assert "401" in operator.run("status", "octo-org/app").err


@pytest.mark.parametrize(
    "fault", [Garbage(), Huge(2_000_000), Fail(200, "{"), Fail(200, "[]"), Fail(302, "", {"Location": "http://elsewhere/"}),
              Fail(301, "", {"Location": "http://elsewhere/"})],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/repos/octo-org/app", "/repos/octo-org/app/actions"])
def test_what_is_not_github_is_called_so(operator: Operator, fault: Fault, path: str) -> None:
    operator.github.faults.add(fault, path)
    done = operator.run("status", "octo-org/app")
    assert (done.status, "does not speak GitHub's API" in done.err) == (1, True), done.err


@pytest.mark.parametrize("token", ["ghp_one two", "ghp_one\nX-Evil: 1", "gh\u00f6"])
def test_text_that_is_not_a_token_is_not_sent(operator: Operator, token: str) -> None:
    operator.environment["GH_TOKEN"] = token
    done = operator.run("status", "octo-org/app")
    assert (done.status, "does not hold a GitHub token" in done.err, token in done.err) == (2, True, False)
    assert len(operator.github.traffic) == 0


def test_a_setup_that_fails_half_way_goes_on_from_there(operator: Operator) -> None:
    operator.github.faults.add(
        Fail(422, '{"message": "no"}'), "/repos/octo-org/app/actions/secrets", method="PUT", times=1
    )
    broken = operator.run("setup", "octo-org/app", *operator.values)
    assert (broken.status, "Step 4 of 5 failed" in broken.err) == (1, True)
    again = operator.run("setup", "octo-org/app", *operator.values)
    assert (again.status, "[2/2] " in again.err) == (0, True)


def test_an_answer_lost_on_the_way_does_not_break_a_create(operator: Operator) -> None:
    operator.github.faults.add(Drop(), "/repos/octo-org/app/actions/variables", method="POST", times=1)
    assert operator.run("setup", "octo-org/app", *operator.values).status == 0


def test_the_token_of_gh_is_used_when_the_environment_has_none(operator: Operator, tmp_path: Path) -> None:
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/sh\n[ "$1 $2" = "auth token" ] && echo {operator.token}\n', encoding="utf-8")
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    operator.environment |= {"GH_TOKEN": None, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    assert operator.run("status", "octo-org/app").status == 3
    operator.environment["PATH"] = str(tmp_path / "nothing")
    done = operator.run("status", "octo-org/app")
    assert (done.status, "gh auth login" in done.err) == (2, True)
