"""Show and apply every plan in the same way: list of steps, dry run, question, progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from fullsend.cli.interruption import Terminated, sigterm_like_ctrl_c
from fullsend.cli.output import EndedBySigterm, Interrupted, confirm, note, progress
from fullsend.operate.plan.apply import apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend.operate.plan.steps.step import AnyStep

Target = TypeVar("Target")


def run_plan(
    steps: Sequence[AnyStep[Target]],
    target: Target,
    *,
    dry_run: bool,
    otherwise: str = "",
    question: str = "",
    yes: bool = False,
) -> bool:
    """Show the plan or apply it; return whether the wanted state is reached. Raises Failure, Interrupted.

    Without steps it prints `otherwise`, the reason why there is nothing to do. With a `question` it asks first.
    """
    if not steps:
        note(otherwise)
        return not dry_run
    if dry_run or (question and not yes):  # without a question, each step is named when it is applied
        show_plan(steps)
    if dry_run:
        note("Nothing was changed (--dry-run).")
        return False
    if question:
        confirm(question, yes=yes)
    try:
        with sigterm_like_ctrl_c():
            apply(steps, target, progress)
    except KeyboardInterrupt as error:
        raise (EndedBySigterm if isinstance(error, Terminated) else Interrupted)(
            "Stopped in the middle of a step; the steps before it are done.",
            "Run the same command again: it checks what exists and continues.",
        ) from None
    return True


def show_plan(steps: Sequence[AnyStep[Target]]) -> None:
    """Print the steps in order."""
    for number, step in enumerate(steps, start=1):
        click.echo(f"{number}. {step.title()}")
