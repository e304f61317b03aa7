from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.github.credentials import Credentials
from fullsend.operate.model.grant_list import Grants, caller, lock_name, parse_grants, role_of
from fullsend.operate.operate_errors import Conflict
from fullsend.operate.plan.grant_session import LOCK_SECONDS, GrantSession
from mintcore.policy.grants import grants_to, variable_name
from mintcore.policy.names import Role, parse_repo
from mintcore.secret import Secret

if TYPE_CHECKING:
    import threading

    from werkzeug.wrappers import Response

    from fullsend_sandbox.faults import Answer
    from fullsend_sandbox.world import World

CODER = "FULLSEND_FOREIGN_CODER_REPOS"
ENTRIES = st.one_of(st.sampled_from(["a", "a/b", "A/B", "*", "", " a ", "a/b/c", "x"]), st.text(max_size=8))


@given(st.lists(ENTRIES, max_size=6), st.sampled_from(["a", "a/b", "c/d"]))
def test_added_is_there_once_and_removed_is_gone_and_the_rest_stays(entries: list[str], named: str) -> None:
    before, wanted = parse_grants(",".join(entries)), caller(named)
    added = before.plus(wanted)
    assert added.has(wanted)
    assert added.plus(wanted) == added
    assert added.minus(wanted) == before.minus(wanted)
    assert not before.minus(wanted).has(wanted)
    assert [entry for entry in before.entries if entry in added.entries] == list(before.entries)
    assert parse_grants(str(added)) == added


@given(st.lists(ENTRIES, max_size=6).map(",".join), st.sampled_from(["a/b", "c/d", "x/y", "A/b"]))
def test_the_command_reads_a_value_as_the_mint_does(value: str, named: str) -> None:
    assert parse_grants(value).reach(caller(named)) == grants_to(value, parse_repo(named))


@pytest.mark.parametrize(
    ("value", "named", "reached"),
    [
        ("a/b", "a/b", True),
        ("A/B", "a/b", True),
        ("a", "a/b", True),
        ("a/b", "a", False),
        ("a/bc", "a/b", False),
        ("*", "a/b", False),
        ("a/*", "a/b", False),
        ("", "a/b", False),
        ("\u212a", "k", False),
        ("a/b c/d", "c/d", False),
    ],
)
def test_whom_a_value_reaches(value: str, named: str, reached: bool) -> None:
    assert parse_grants(value).reach(caller(named)) is reached


def test_a_lock_is_not_a_grant() -> None:
    assert role_of(lock_name(CODER)) is None
    assert role_of(CODER) == "coder"
    assert role_of(variable_name(Role("my-coder"))) == "my_coder"
    assert role_of("FULLSEND_FOREIGN__REPOS") is None


class Sandbox:
    """A world, and the grants of one repository in it."""

    def __init__(self, world: World) -> None:
        world.github.create_user("mona")
        world.github.people.make_owner("mona", "octo-org")
        token = Secret(world.github.people.classic_token("mona", ("repo",)))
        self.actions = world.github.actions
        self.waits: list[float] = []
        credentials = Credentials(token, "GH_TOKEN", world.github.api_url)
        self.session = GrantSession(caller("octo-org/app"), credentials, sleep=self.wait)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def held(self) -> None:
        self.actions.put_variable("octo-org/app", lock_name(CODER), "somebody else")


def test_a_lock_that_is_never_released_ends_in_an_error_with_the_command_that_removes_it(world: World) -> None:
    sandbox = Sandbox(world)
    sandbox.held()
    with pytest.raises(Conflict, match="seconds") as refused:
        sandbox.session.change(CODER, lambda before: before.plus(caller("a/b")))
    assert refused.value.remedy.endswith(f"gh variable delete {lock_name(CODER)} --repo octo-org/app")
    assert LOCK_SECONDS <= sum(sandbox.waits) <= LOCK_SECONDS + 1
    assert CODER not in sandbox.actions.variables("octo-org/app")


class ByHand:
    """A person who overwrites a variable as soon as the command has written it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def apply(self, answer: Answer, stopping: threading.Event) -> Response:  # noqa: ARG002 - a Fault
        written = answer()
        self._sandbox.actions.put_variable("octo-org/app", CODER, "by/hand")
        return written


def test_a_value_that_a_person_overwrites_meanwhile_is_merged_again(world: World) -> None:
    sandbox = Sandbox(world)
    sandbox.actions.put_variable("octo-org/app", CODER, "c/c")
    world.github.faults.add(ByHand(sandbox), "/repos/octo-org/app/actions", method="PATCH", times=1)
    sandbox.session.change(CODER, lambda before: before.plus(caller("a/b")))
    assert sandbox.actions.variables("octo-org/app") == {CODER: "by/hand,a/b"}


def test_a_value_that_never_stays_is_an_error_and_the_lock_is_released(world: World) -> None:
    sandbox = Sandbox(world)

    def fight(before: Grants) -> Grants:
        return before.minus(caller("a/b")) if before.has(caller("a/b")) else before.plus(caller("a/b"))

    with pytest.raises(Conflict, match="keep changing"):
        sandbox.session.change(CODER, fight)
    assert lock_name(CODER) not in sandbox.actions.variables("octo-org/app")
