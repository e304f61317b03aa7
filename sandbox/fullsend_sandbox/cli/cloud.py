"""`fullsend sandbox cloud`: run Google Cloud and GitHub on loopback, for the operator's commands.

This file writes keys and variables, and prints. `sandbox/fullsend_sandbox/google/` emulates Google.
"""

from __future__ import annotations

import shlex
import signal
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from fullsend_sandbox.ci.programs import CIMachine
from fullsend_sandbox.cli.ci_jobs import issuer_option, print_machine
from fullsend_sandbox.cli.common import command, ended_by_signals, exports
from fullsend_sandbox.cli.output import note, progress, write_private
from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.names import BARE_ORG, ORG, OTHER_ORG, PROJECT_ID
from fullsend_sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend_sandbox.ci.issuer import CIIssuer

OWNER = "mona"


@click.command(short_help="Google Cloud and GitHub for the operator's commands.")
@issuer_option
def cloud(*, issuers: tuple[str, ...]) -> None:
    """Run an empty Google project and a GitHub until Ctrl-C, for the operator's commands.

    Prints lines to paste into another terminal: deploy a mint, enroll an organization, mint as a job. With
    --issuer, it also prints the command that adds another CI system's issuer to the mint.
    """
    try:
        with ended_by_signals(), ExitStack() as running:
            folder = Path(running.enter_context(TemporaryDirectory(prefix="fullsend-")))
            with progress("starting Google Cloud and GitHub"):
                world = running.enter_context(World())
                for kind in issuers:
                    world.ci.add(kind)
                google = running.enter_context(ControlPlane(world))
                google.new_project()
            operator = _operator(world, google, folder)
            gcloud = google.environment(folder / "credentials.json") | google.gcloud_environment(folder)
            _print_served(world, folder, operator, gcloud)
            for issuer in world.ci:
                _print_issuer(issuer)
                print_machine(CIMachine(issuer, folder), world)
            click.echo("Ctrl-C ends the sandbox and deletes everything in it.")
            signal.pause()
    except KeyboardInterrupt:
        note("stopped")


def _operator(world: World, google: ControlPlane, folder: Path) -> dict[str, str]:
    """Return the variables of an operator who owns the project and the organizations, logged in to both sides."""
    world.github.create_user(OWNER)
    for org in (ORG, OTHER_ORG, BARE_ORG):
        world.github.people.make_owner(OWNER, org)
    for role, app in world.apps.items():
        write_private(folder / f"{role}.pem", app.private_key_pem.decode())
    return google.environment(folder / "credentials.json") | {
        "GOOGLE_CLOUD_PROJECT": PROJECT_ID,
        "GITHUB_API_URL": world.github.api_url,
        "GH_TOKEN": world.github.people.classic_token(OWNER, ("admin:org", "repo")),
    }


def _print_served(world: World, folder: Path, operator: Mapping[str, str], gcloud: Mapping[str, str]) -> None:
    job = world.issuer.job_environment(world.job()) | {"GITHUB_API_URL": world.github.api_url}
    write_private(folder / "operator", exports(operator) + "\n")
    write_private(folder / "job", exports(job) + "\n")
    write_private(folder / "gcloud", exports(gcloud) + "\n")
    fullsend = command()
    click.echo(f"""\
project         {PROJECT_ID}, empty
organizations   {ORG} and {OTHER_ORG} with every role's App installed, {BARE_ORG} with none
keys            {folder}/ROLE.pem; the App IDs: {", ".join(f"{role} {app.id}" for role, app in world.apps.items())}

As the operator, in another terminal: deploy a mint, check it, enroll a second organization.

. {folder}/operator
MINT_URL=$({fullsend} mint deploy --org {ORG} --workflow-files triage.yml \\
  --role triage={world.apps["triage"].id}:{folder}/triage.pem | sed -n 's/^FULLSEND_MINT_URL=//p')
{fullsend} mint doctor
{fullsend} mint enroll {OTHER_ORG}
{fullsend} mint status

With the real gcloud, in any terminal (your own gcloud configuration stays as it is):

. {folder}/gcloud
gcloud services list

As a job of octo-org/app, in the same terminal: mint a token and use it.

. {folder}/job
export FULLSEND_MINT_URL=$MINT_URL
{fullsend} mint exec --role triage --repos app -- \\
  sh -c 'curl -sS -H "Authorization: Bearer $GH_TOKEN" $GITHUB_API_URL/installation/repositories'
""")


def _print_issuer(issuer: CIIssuer) -> None:
    match = " ".join(f"--match {shlex.quote(f'{claim}={value}')}" for claim, value in issuer.match.items())
    click.echo(f"""\
As the operator: let the jobs of {issuer.kind} mint.

{command()} mint issuer add {issuer.kind} --kind {issuer.kind} --url {issuer.issuer} \\
  {match} --as {ORG}/app --role triage
{command()} mint issuer list
""")
