"""`fullsend sandbox`: the mint in a world on loopback, as a demo and to play with.

Decides words and signals. The demo's steps are `fullsend/sandbox/demo.py`'s.
"""

from __future__ import annotations

import errno
import signal
import socket
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fullsend.cli.output import FAILED, CommandError, json_option, note, print_json, progress
from fullsend.sandbox.demo import play
from fullsend.sandbox.loopback import HOST
from fullsend.sandbox.names import AUDIENCE
from fullsend.sandbox.process import MintDidNotStartError, MintProcess
from fullsend.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend.sandbox.demo import Outcome

DEFAULT_PORT = 8080
SERVICES = ("issuer", "sts", "secret-manager", "github")
LAST_PORT = 65535
WATCH_SECONDS = 1.0
PLAIN_WIDTH = 120
"""The width of the table where there is no terminal to fit."""

source_option = click.option(
    "--source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with main.py; by default the checkout that this command runs from.",
)


@click.group()
def sandbox() -> None:
    """Run the whole world of the mint on loopback."""


@sandbox.command()
@json_option
@source_option
def demo(*, as_json: bool, source: Path | None) -> None:
    """Mint, use and revoke a token, and be refused where one should be."""
    with _ended_by_signals(), _mint_in_a_world(source) as (world, mint), progress("playing the demo"):
        outcomes = list(play(world, mint.url))
    if as_json:
        print_json([outcome.as_json() for outcome in outcomes])
    else:
        _print_outcomes(outcomes)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        note(f"{len(failed)} of {len(outcomes)} steps did not come out as they should")
        if not as_json:
            note("\n".join(["the mint's log:", *mint.logs()[-40:]]))
        sys.exit(FAILED)


@sandbox.command()
@click.option(
    "--port",
    type=click.IntRange(1, LAST_PORT - len(SERVICES)),
    default=DEFAULT_PORT,
    show_default=True,
    help="The mint's port; issuer, STS, Secret Manager and GitHub get the four after it.",
)
@source_option
def serve(port: int, source: Path | None) -> None:
    """Keep the world and the mint running on fixed ports until Ctrl-C."""
    try:
        with _ended_by_signals(), _mint_in_a_world(source, port) as (world, mint):
            _print_served(world, mint)
            while mint.wait(WATCH_SECONDS) is None:
                pass
            raise CommandError(_last_words(mint))
    except KeyboardInterrupt:
        note("stopped")


def _last_words(mint: MintProcess) -> str:
    said = "\n".join(mint.logs()[-10:])
    return f"the mint ended by itself with status {mint.returncode}; it said last:\n{said}"


@contextmanager
def _mint_in_a_world(source: Path | None, port: int = 0) -> Iterator[tuple[World, MintProcess]]:
    folder = _source_folder(source)
    ports = {name: port + offset for offset, name in enumerate(SERVICES, 1)} if port else {}
    if port:
        _check_ports({"mint": port} | ports)
    with ExitStack() as running:
        with progress("starting the world and the mint"):
            world = running.enter_context(World(ports=ports))
            mint = MintProcess(world.mint_environment(), source=folder, port=port)
            running.callback(_stop, mint)
            try:
                mint.start()
            except MintDidNotStartError as problem:
                raise CommandError(str(problem)) from problem
        yield world, mint


def _stop(mint: MintProcess) -> None:
    if mint.started and mint.returncode is None:
        mint.stop()


def _source_folder(given: Path | None) -> Path:
    folder = given or Path(__file__).resolve().parents[2]
    if not (folder / "main.py").is_file():
        raise CommandError(
            f"there is no main.py in {folder}, so there is no mint to start",
            "Run this in a checkout of the project, or name one with --source.",
        )
    return folder.resolve()


def _check_ports(ports: dict[str, int]) -> None:
    """Say which port cannot be had before anything is started."""
    for name, port in ports.items():
        try:
            socket.create_server((HOST, port)).close()
        except OSError as problem:
            why = "is in use" if problem.errno == errno.EADDRINUSE else f"cannot be had ({problem.strerror})"
            raise CommandError(
                f"port {port}, meant for the {name}, {why}",
                "If another `fullsend sandbox serve` is running, end it; else choose another first port, for "
                "example --port 18080. Five ports in a row are needed.",
            ) from problem


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM unwind everything once, and leave the rest to the command."""

    def end(_signal: int, _frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second one would cut the cleaning up short
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_outcomes(outcomes: list[Outcome]) -> None:
    table = Table()
    table.add_column("")
    table.add_column("what is tried", overflow="fold")
    table.add_column("answer", no_wrap=True)
    table.add_column("what was said", overflow="fold")
    table.add_column("ms", justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(
            Text("ok", "green") if outcome.passed else Text("WRONG", "bold red"),
            Text(outcome.step.title),
            Text(_answer(outcome)),
            Text(outcome.answer.sentence),
            f"{outcome.milliseconds:.0f}",
        )
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table)


def _answer(outcome: Outcome) -> str:
    given = _status(outcome.answer.status, outcome.answer.code)
    if outcome.passed:
        return given
    return f"{given}\n(should be {_status(outcome.step.status, outcome.step.code)})"


def _status(status: int | None, code: str) -> str:
    return " ".join(part for part in ("none" if status is None else str(status), code) if part)


def _print_served(world: World, mint: MintProcess) -> None:
    environment = world.issuer.job_environment(world.job())
    request_url = f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
    request_token = environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    click.echo(f"""\
mint            {mint.url}
issuer          {world.issuer.url}
STS             {world.sts.url}
Secret Manager  {world.secret_manager.url}
GitHub          {world.github.api_url}

Act as a job of octo-org/app: get its OIDC token, then mint with it.

OIDC_TOKEN=$(curl -sS -H 'Authorization: bearer {request_token}' \\
  '{request_url}' | sed -E 's/.*"value": *"([^"]+)".*/\\1/')
curl -sS {mint.url}/v1/token -H "Authorization: Bearer $OIDC_TOKEN" \\
  -H 'Content-Type: application/json' -d '{{"role": "triage", "repos": ["app"]}}'

Ctrl-C ends it.""")
