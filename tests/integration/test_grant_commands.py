"""`fullsend github grant|grants|revoke-grant` against the sandbox's GitHub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Drop, Fail, Slow
from tests.integration.github_owner import Done, GitHubOwner

if TYPE_CHECKING:
    from fullsend_sandbox.world import World

FULLSEND = str(Path(sys.executable).with_name("fullsend"))
CODER = "FULLSEND_FOREIGN_CODER_REPOS"


class Operator(GitHubOwner):
    """An owner of octo-org."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "octo-org")
        self.github.create_repo("other-org/tool", private=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command as a separate process."""
        set_ones = {name: value for name, value in self.environment.items() if value is not None}
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **set_ones}
        return subprocess.Popen(
            [FULLSEND, "github", *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def variables(self, holder: str = "octo-org/app") -> dict[str, str]:
        return self.github.actions.variables(holder)


@pytest.fixture
def operator(world: World) -> Operator:
    return Operator(world)


def grant(operator: Operator, caller: str, *more: str, target: str = "octo-org/app") -> Done:
    return operator.run("grant", target, "--role", "coder", "--caller", caller, *more)


def revoke(operator: Operator, caller: str, *more: str) -> Done:
    return operator.run("revoke-grant", "octo-org/app", "--role", "coder", "--caller", caller, *more)


@pytest.mark.parametrize("target", ["octo-org", "octo-org/app"])
def test_a_grant_creates_the_variable_and_a_second_one_joins_it(operator: Operator, target: str) -> None:
    first = grant(operator, "other-org/tool", target=target)
    assert (first.status, "done: create variable" in first.out) == (0, True), first.err
    second = grant(operator, "OTHER-org", target=target)
    assert (second.status, "-> other-org/tool,other-org" in second.out) == (0, True), second.err
    assert operator.variables(target) == {CODER: "other-org/tool,other-org"}
    assert ("every repository of octo-org" in second.err) is (target == "octo-org")


def test_a_grant_that_exists_changes_nothing(operator: Operator) -> None:
    grant(operator, "other-org/tool")
    before = operator.variables()
    done = grant(operator, "Other-Org/TOOL")
    assert (done.status, "Nothing to do" in done.out, operator.variables()) == (0, True, before)


def test_a_role_with_a_dash_has_an_underscore_in_its_variable(operator: Operator) -> None:
    operator.run("grant", "octo-org/app", "--role", "my-coder", "--caller", "other-org/tool")
    assert operator.variables() == {"FULLSEND_FOREIGN_MY_CODER_REPOS": "other-org/tool"}


def test_what_others_wrote_stays_in_its_order_even_what_the_mint_ignores(operator: Operator) -> None:
    operator.github.actions.put_variable("octo-org/app", CODER, " b/b, *,a/a ,")
    grant(operator, "other-org/tool")
    assert operator.variables() == {CODER: "b/b,*,a/a,other-org/tool"}


def test_a_caller_that_does_not_exist_is_not_granted(operator: Operator) -> None:
    done = grant(operator, "other-org/nothing")
    assert (done.status, "--as-spelled" in done.err, operator.variables()) == (1, True, {})
    assert grant(operator, "other-org/nothing", "--as-spelled").status == 0


def test_a_renamed_caller_is_named_as_it_is_now(operator: Operator) -> None:
    operator.github.rename_repo("other-org/tool", "gadget")
    done = grant(operator, "other-org/tool")
    assert (done.status, "renamed" in done.err, operator.variables()) == (1, True, {})


def test_a_renamed_target_is_refused(operator: Operator) -> None:
    operator.github.rename_repo("octo-org/app", "new-app")
    done = grant(operator, "other-org/tool")
    assert (done.status, "octo-org/new-app" in done.err) == (1, True)


def test_a_dry_run_sends_nothing_but_reads(operator: Operator) -> None:
    done = grant(operator, "other-org/tool", "--dry-run")
    assert (done.status, done.out) == (0, f"1. create variable {CODER} of octo-org/app: other-org/tool\n")
    operator.github.actions.put_variable("octo-org/app", CODER, "other-org/tool")
    assert "1. remove" in revoke(operator, "other-org/tool", "--dry-run").out
    assert {exchange.method for exchange in operator.github.traffic} == {"GET"}


def test_the_last_grant_takes_the_variable_with_it_and_asks_first(operator: Operator) -> None:
    operator.github.actions.put_variable("octo-org/app", CODER, "other-org/tool,other-org")
    assert revoke(operator, "other-org/tool").status == 2  # there is no terminal to answer on
    first = revoke(operator, "other-org/tool", "--yes")
    assert "still has the role through other-org" in first.err
    assert operator.variables() == {CODER: "other-org"}
    assert revoke(operator, "other-org", "--yes").status == 0
    assert operator.variables() == {}
    assert "Nothing to do" in revoke(operator, "other-org", "--yes").out


def test_grants_lists_what_is_granted_and_what_is_ignored(operator: Operator) -> None:
    put = operator.github.actions.put_variable
    put("octo-org/app", CODER, "other-org/tool,*")
    put("octo-org/app", "FULLSEND_FOREIGN_TRIAGE_REPOS", "other-org")
    put("octo-org/app", "FULLSEND_MINT_URL", "https://mint.example")
    report = json.loads(operator.run("grants", "octo-org/app", "--json").out)
    assert report == {
        "target": "octo-org/app",
        "grants": [
            {"role": "coder", "variable": CODER, "callers": ["other-org/tool"], "ignored": ["*"]},
            {
                "role": "triage",
                "variable": "FULLSEND_FOREIGN_TRIAGE_REPOS",
                "callers": ["other-org"],
                "ignored": [],
            },
        ],
    }
    one = json.loads(operator.run("grants", "octo-org/app", "--role", "coder", "--json").out)
    assert [each["role"] for each in one["grants"]] == ["coder"]
    mine = json.loads(operator.run("grants", "octo-org/app", "--caller", "other-org/x", "--json").out)
    assert [(each["role"], each["callers"]) for each in mine["grants"]] == [("triage", ["other-org"])]
    table = operator.run("grants", "octo-org/app").out
    assert all(word in table for word in ("coder", "other-org/tool", "ignored", "triage"))


def test_grants_of_a_target_without_any(operator: Operator) -> None:
    done = operator.run("grants", "octo-org")
    assert (done.status, done.out) == (0, "octo-org grants nothing.\n")


def test_grants_are_found_beyond_the_first_page(operator: Operator) -> None:
    for number in range(65):
        operator.github.actions.put_variable("octo-org/app", f"A{number:02}", "x")
    grant(operator, "other-org/tool")
    assert "other-org/tool" in operator.run("grants", "octo-org/app").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("octo org", "--role", "coder", "--caller", "a/b"),
        ("octo-org", "--role", "Coder", "--caller", "a/b"),
        ("octo-org", "--role", "coder", "--caller", "a/b/c"),
        ("octo-org", "--role", "coder", "--caller", "a,b"),
        ("octo-org", "--role", "coder", "--caller", "*"),
        ("octo-org", "--role", "coder"),
        ("octo-org", "--caller", "a/b"),
    ],
)
@pytest.mark.parametrize("command", ["grant", "revoke-grant"])
def test_what_breaks_a_rule_is_a_usage_error_and_sends_nothing(
    operator: Operator, command: str, arguments: tuple[str, ...]
) -> None:
    assert operator.run(command, *arguments).status == 2
    assert len(operator.github.traffic) == 0


def test_commands_at_once_all_end_up_in(operator: Operator) -> None:
    # Each read takes a while, so that without a lock all would merge into the same value.
    operator.github.faults.add(Slow(0.2), "/repos/octo-org/app/actions/variables", method="GET")
    callers = [f"other-org/tool-{number}" for number in range(4)]
    running = [
        operator.start("grant", "octo-org/app", "--role", "coder", "--caller", caller, "--as-spelled")
        for caller in callers
    ]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert sorted(operator.variables()[CODER].split(",")) == callers
    assert list(operator.variables()) == [CODER]


def test_a_grant_and_a_revocation_at_once_both_hold(operator: Operator) -> None:
    operator.github.actions.put_variable("octo-org/app", CODER, "a/a,b/b")
    operator.github.faults.add(Slow(0.2), "/repos/octo-org/app/actions/variables", method="GET")
    role = ("--role", "coder", "--caller")
    running = [
        operator.start("grant", "octo-org/app", *role, "c/c", "--as-spelled"),
        operator.start("revoke-grant", "octo-org/app", *role, "a/a", "--yes"),
    ]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert operator.variables() == {CODER: "b/b,c/c"}


def test_a_failed_write_leaves_no_lock(operator: Operator) -> None:
    operator.github.actions.put_variable("octo-org/app", CODER, "a/a")
    operator.github.faults.add(Fail(422, '{"message": "no"}'), "/repos/octo-org/app/actions", method="PATCH")
    assert grant(operator, "other-org/tool").status == 1
    assert operator.variables() == {CODER: "a/a"}


def test_answers_lost_on_the_way_do_not_lock_the_command_out(operator: Operator) -> None:
    operator.github.faults.add(Drop(), "/repos/octo-org/app/actions/variables", method="POST", times=1)
    operator.github.faults.add(Fail(502), "/repos/octo-org/app/actions/variables", method="POST", times=1)
    assert grant(operator, "other-org/tool").status == 0
    assert operator.variables() == {CODER: "other-org/tool"}


def test_a_token_that_may_only_read_is_told_what_it_lacks(operator: Operator) -> None:
    permissions = {"actions_variables": "read"}
    operator.environment["GH_TOKEN"] = operator.github.people.fine_grained_token("mona", "octo-org", permissions)
    done = grant(operator, "other-org/tool")
    assert (done.status, "actions_variables=write" in done.err, operator.variables()) == (1, True, {})


def test_a_role_that_may_be_misspelled_is_granted_with_a_warning(operator: Operator) -> None:
    done = operator.run("grant", "octo-org/app", "--role", "codr", "--caller", "other-org/tool")
    assert (done.status, "codr is not a built-in role; did you mean coder?" in done.err) == (0, True)
    assert "built-in" not in grant(operator, "other-org/tool").err
