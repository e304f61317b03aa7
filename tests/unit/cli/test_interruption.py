"""SIGTERM ends an operator's command with the sentence of Ctrl-C and its own exit status."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click
import pytest

from fullsend.cli.interruption import sigterm_like_ctrl_c
from fullsend.cli.lists import listing
from fullsend.cli.output import Interrupted
from fullsend.cli.plan_output import run_plan
from fullsend.cli.process import ended_by_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Iterator


class Signaled:
    """A step during which a signal arrives."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def title(self) -> str:
        return "change something"

    def apply(self, _: object) -> None:
        signal.raise_signal(self.number)


@pytest.fixture
def arrived() -> Iterator[list[int]]:
    """Record a SIGTERM that no code handles, instead of ending the test run."""
    unhandled: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: unhandled.append(number))
    yield unhandled
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_step_has_one_text_and_the_status_of_a_shell(
    arrived: list[int], number: signal.Signals
) -> None:
    with pytest.raises(Interrupted) as stopped:
        run_plan([Signaled(number)], None, dry_run=False)
    assert stopped.value.message == "Stopped in the middle of a step; the steps before it are done."
    assert stopped.value.exit_code == 128 + number
    signal.raise_signal(signal.SIGTERM)
    assert arrived == [signal.SIGTERM]  # the handler from before is back


def test_a_signal_outside_the_steps_says_interrupted(
    arrived: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(click.exceptions.Exit) as ended, ended_by_ctrl_c(), sigterm_like_ctrl_c():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.exit_code == 143
    assert capsys.readouterr().err == "\nInterrupted.\n"
    assert arrived == []


def test_an_ignored_sigterm_stays_ignored(arrived: list[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with sigterm_like_ctrl_c():
        signal.raise_signal(signal.SIGTERM)
    assert arrived == []


def test_a_command_in_another_thread_runs_without_a_handler() -> None:
    done = threading.Event()

    def run() -> None:
        with sigterm_like_ctrl_c():
            done.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done.is_set()


def test_a_long_list_of_names_is_cut() -> None:
    assert listing([]) == "none"
    assert listing(["b", "A"]) == "A, b"
    assert listing(f"o{n:02}" for n in range(45)).endswith("o28, o29 and 15 more")
