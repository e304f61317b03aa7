"""Share code between the sandbox's commands: the source folder, shell words, signals, a demo's table."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fullsend_sandbox.cli.output import FAILED, CommandError, note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fullsend_sandbox.demo import Outcome
    from fullsend_sandbox.process import MintProcess

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HEADINGS = ("", "step", "answer", "details", "ms")
"""The columns of a demo's table; the documents show the first ones."""

source_option = click.option(
    "--source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with main.py; by default the checkout that this command runs from, or the installed package.",
)


def stop(mint: MintProcess) -> None:
    """End a mint that was started and has not ended."""
    if mint.started and mint.returncode is None:
        mint.stop()


def source_folder(given: Path | None) -> Path:
    """Return the folder with the mint's main.py: the checkout, else the installed package. Raises CommandError."""
    checkouts = [one for one in (Path(__file__).resolve().parents[3], Path.cwd()) if (one / "mintcore").is_dir()]
    places = [given] if given else [*checkouts, *_installed()]
    folder = next((one for one in places if (one / "main.py").is_file()), None)
    if folder is None:
        raise CommandError(
            f"there is no main.py in {given}."
            if given
            else "there is no mint to start: the package has no main.py.",
            "Run this in a checkout of the project, or name one with --source.",
        )
    return folder.resolve()


def _installed() -> list[Path]:
    """Return where the package fullsend-mint has the upload. It is found by name: the sandbox imports no mint."""
    spec = importlib.util.find_spec("fullsend")
    locations = (spec and spec.submodule_search_locations) or []
    return [Path(location) / "operate" / "upload" for location in locations]


def command() -> str:
    """Return how to call this command from the reader's shell."""
    if shutil.which("fullsend"):
        return "fullsend"
    here, program = Path.cwd(), Path(sys.argv[0]).absolute()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))


def exports(environment: Mapping[str, str]) -> str:
    """Return shell lines that set the variables."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the block once, so the command can clean up."""
    # An ignored signal stays ignored, because nohup depends on it.
    ending = [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]

    def end(_signal: int, _frame: object) -> None:
        for number in ending:
            signal.signal(number, signal.SIG_IGN)  # a second signal would interrupt the cleanup
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in ending}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finish(outcomes: Sequence[Outcome], mint: MintProcess, *, as_json: bool) -> None:
    """Print the results of the steps, and exit with 1 if a result is wrong."""
    if as_json:
        print_json([outcome.as_json() for outcome in outcomes])
    else:
        _print_outcomes(outcomes)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        note(f"{len(failed)} of {len(outcomes)} steps had a wrong result")
        if not as_json:
            note("\n".join(["the mint's log:", *mint.logs()[-40:]]))
        sys.exit(FAILED)


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    rows = [
        (
            "ok" if outcome.passed else "WRONG",
            outcome.step.title,
            _answer(outcome),
            outcome.answer.sentence,
            f"{outcome.milliseconds:.0f}",
        )
        for outcome in outcomes
    ]
    print_table(HEADINGS, rows, whole=("answer", "ms"))


def _answer(outcome: Outcome) -> str:
    given = _status(outcome.answer.status, outcome.answer.code)
    if outcome.passed:
        return given
    return f"{given}\n(should be {_status(outcome.step.status, outcome.step.code)})"


def _status(status: int | None, code: str) -> str:
    return " ".join(part for part in ("none" if status is None else str(status), code) if part)
