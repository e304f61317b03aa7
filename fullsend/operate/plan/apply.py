"""Taking the steps of a plan one by one, and saying where it stopped."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import OperateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.plan.steps.step import Step

    Progress = Callable[[str], AbstractContextManager[None]]


class StepFailed(OperateError):
    """A step could not be taken; those before it are done."""


def quiet(_: str) -> AbstractContextManager[None]:
    """Show nothing."""
    return nullcontext()


def apply(steps: Sequence[Step], cloud: Cloud, progress: Progress = quiet) -> None:
    """Take the steps in order. Raises StepFailed, which says what is done and what is not."""
    for number, step in enumerate(steps, start=1):
        with progress(f"[{number}/{len(steps)}] {step.title()}"):
            try:
                step.apply(cloud)
            except OperateError as error:
                raise StepFailed(_report(number, steps, error), error.remedy) from error


def _report(number: int, steps: Sequence[Step], error: OperateError) -> str:
    done = "nothing was done before it" if number == 1 else "what comes before it is done"
    return (
        f"Step {number} of {len(steps)} failed ({steps[number - 1].title()}); {done}, the same command goes on "
        f"from here. {error.message}"
    )
