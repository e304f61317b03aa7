"""Apply the steps of a plan one by one; if one fails, say which steps are done."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

from fullsend.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from fullsend.operate.plan.steps.step import AnyStep

    Progress = Callable[[str], AbstractContextManager[None]]

Target = TypeVar("Target")


class StepFailed(Failure):
    """A step could not be applied; those before it are done."""


def quiet(_: str) -> AbstractContextManager[None]:
    """Show nothing."""
    return nullcontext()


def apply(steps: Sequence[AnyStep[Target]], target: Target, progress: Progress = quiet) -> None:
    """Apply the steps in order. Raises StepFailed, which names the steps that are done."""
    for number, step in enumerate(steps, start=1):
        with progress(f"[{number}/{len(steps)}] {step.title()}"):
            try:
                step.apply(target)
            except Failure as error:
                raise StepFailed(_report(number, steps, error), error.remedy, code=error.code) from error


def _report(number: int, steps: Sequence[AnyStep[Target]], error: Failure) -> str:
    done = "nothing was changed before it" if number == 1 else "the steps before it are done"
    return (
        f"Step {number} of {len(steps)} failed ({steps[number - 1].title()}); {done}. The same command continues "
        f"from here. {error.message}"
    )
