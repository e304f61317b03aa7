"""`fullsend sandbox demo` and `serve`: run the mint with all its services on loopback.

This file prints and handles signals. The demo's steps are in `sandbox/fullsend_sandbox/demo.py`.
"""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from fullsend_sandbox.ci.programs import CIMachine
from fullsend_sandbox.cli.ci_jobs import issuer_option, machines_folder, print_machine
from fullsend_sandbox.cli.cloud import cloud
from fullsend_sandbox.cli.common import (
    command,
    ended_by_signals,
    exports,
    finish,
    source_folder,
    source_option,
    stop,
)
from fullsend_sandbox.cli.output import CommandError, json_option, note, progress
from fullsend_sandbox.cli.standalone import standalone
from fullsend_sandbox.demo import DEMO_ISSUERS, play
from fullsend_sandbox.loopback import HOST
from fullsend_sandbox.names import AUDIENCE
from fullsend_sandbox.process import MintDidNotStartError, MintProcess
from fullsend_sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


DEFAULT_PORT = 8080
SERVICES = ("issuer", "sts", "secret-manager", "github")
LAST_PORT = 65535
WATCH_SECONDS = 1.0


@click.group()
def sandbox() -> None:
    """Run a mint with local GitHub, Google and OIDC services on loopback."""


sandbox.add_command(standalone)
sandbox.add_command(cloud)


@sandbox.command(short_help="Show a token's life and some refusals, then end.")
@json_option
@source_option
def demo(*, as_json: bool, source: Path | None) -> None:
    """Mint, use and revoke a token, show requests that the mint refuses, and end."""
    with ended_by_signals(), _mint_in_a_world(source, DEMO_ISSUERS) as (world, mint), progress("playing the demo"):
        outcomes = list(play(world, mint.url))
    finish(outcomes, mint, as_json=as_json)


@sandbox.command(short_help="Run a mint and its services until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(1, LAST_PORT - len(SERVICES)),
    default=DEFAULT_PORT,
    show_default=True,
    help="The mint's port; issuer, STS, Secret Manager and GitHub get the four after it.",
)
@issuer_option
@click.option("--from-make", is_flag=True, hidden=True, help="Name make's variable where a message names --port.")
@source_option
def serve(*, port: int, issuers: tuple[str, ...], from_make: bool, source: Path | None) -> None:
    """Run the mint and its services on fixed ports until Ctrl-C."""
    set_port = "make serve PORT=18080" if from_make else "--port 18080"
    try:
        with (
            ended_by_signals(),
            machines_folder() as folder,
            _mint_in_a_world(source, issuers, port=port, set_port=set_port) as (world, mint),
        ):
            machines = [CIMachine(issuer, folder) for issuer in world.ci]
            _print_served(world, mint)
            for machine in machines:
                print_machine(machine, world, mint.url)
            click.echo("Ctrl-C ends it.")
            while mint.wait(WATCH_SECONDS) is None:
                for machine in machines:
                    machine.renew()
            raise CommandError(_last_words(mint))
    except KeyboardInterrupt:
        note("stopped")


def _last_words(mint: MintProcess) -> str:
    said = "\n".join(mint.logs()[-10:])
    return f"the mint ended unexpectedly with status {mint.returncode}; its last output:\n{said}"


@contextmanager
def _mint_in_a_world(
    source: Path | None, issuers: Sequence[str], *, port: int = 0, set_port: str = ""
) -> Iterator[tuple[World, MintProcess]]:
    folder = source_folder(source)
    services = [*SERVICES, *(f"ci-{kind}" for kind in issuers)]
    ports = {name: port + offset for offset, name in enumerate(services, 1)} if port else {}
    if port:
        _check_ports({"mint": port} | ports, set_port)
    with ExitStack() as running:
        with progress("starting the world and the mint"):
            world = running.enter_context(World(ports=ports))
            for kind in issuers:
                world.ci.add(kind)
            settings = world.protections() | world.ci.mint_environment()
            mint = MintProcess(world.mint_environment(**settings), source=folder, port=port)
            running.callback(stop, mint)
            try:
                mint.start()
            except MintDidNotStartError as problem:
                raise CommandError(str(problem)) from problem
        yield world, mint


def _check_ports(ports: dict[str, int], set_port: str) -> None:
    """Report an unavailable port before anything starts; ``set_port`` is the text that tells how to set another."""
    for name, port in ports.items():
        try:
            socket.create_server((HOST, port)).close()
        except OSError as problem:
            why = "is in use" if problem.errno == errno.EADDRINUSE else f"is not available ({problem.strerror})"
            raise CommandError(
                f"port {port}, for the service {name}, {why}",
                f"If another sandbox is running, end it. Otherwise choose another first port: {set_port}. "
                f"The sandbox needs {len(ports)} ports in a row.",
            ) from problem


def _print_served(world: World, mint: MintProcess) -> None:
    environment = world.issuer.job_environment(world.job())
    request_url = f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
    request_token = environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    job = {name: value for name, value in environment.items() if "ACTIONS" in name or name == "GITHUB_REPOSITORY"}
    job |= {"GITHUB_API_URL": world.github.api_url, "FULLSEND_MINT_URL": mint.url}
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

Or let the command line do both, and revoke the token when its command ends.

{exports(job)}
{command()} mint status
{command()} mint exec --role triage --repos app -- \\
  sh -c 'curl -sS -H "Authorization: Bearer $GH_TOKEN" $GITHUB_API_URL/installation/repositories'
""")
