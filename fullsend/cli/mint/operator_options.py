"""Options, plans and error handling that the operator's commands share."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.interruption import sigterm_like_ctrl_c
from fullsend.cli.mint.location_options import PROJECT_VARIABLES
from fullsend.cli.output import BadUsage, CommandError, dry_run_option, note, print_json, progress
from fullsend.cli.pace import pace
from fullsend.cli.plan_output import run_plan
from fullsend.failure import Failure
from fullsend.github.api import DEFAULT_API_URL
from fullsend.github.apps import GitHubApps
from fullsend.github.name_resolver import NameResolver
from fullsend.operate.gcp.cloud import connect
from fullsend.operate.gcp.session import Session
from fullsend.operate.model import names
from fullsend.operate.model.app_permissions import closest_names, missing, served_with
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.steps.shell import script
from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.plan.deployment_spec import RoleKey
    from fullsend.operate.plan.steps.step import Step


def project_option(command: Any) -> Any:
    """Add `--project`."""
    return click.option(
        "--project",
        required=True,
        envvar=PROJECT_VARIABLES,
        show_envvar=True,
        help="The Google Cloud project's id.",
    )(command)


def place_options(command: Any) -> Any:
    """Add `--project` and `--region`; they arrive as `project` and `region`."""
    region = click.option(
        "--region", default=names.REGION, show_default=True, help="The region where the mint runs."
    )
    return project_option(region(command))


def plan_options(command: Any) -> Any:
    """Add `--dry-run` and `--emit`."""
    emit = click.option(
        "--emit", type=click.Choice(["gcloud"]), help="Print the steps as gcloud commands and change nothing."
    )
    return dry_run_option(emit(command))


@contextmanager
def explained() -> Iterator[None]:
    """Turn an operator's error into a command error; bad input has the exit status of bad usage."""
    try:
        yield
    except Failure as error:
        kind = BadUsage if isinstance(error, BadInput) else CommandError
        raise kind(error.message, error.remedy) from error


@contextmanager
def google(project: str, region: str = names.REGION) -> Iterator[Cloud]:
    """Give the adapters for one project; names are checked before any call."""
    with sigterm_like_ctrl_c(), explained(), ExitStack() as stack:
        location = names.MintLocation(names.project_id(project), names.region(region))
        yield connect(location, stack.enter_context(Session(location.project, sleep=pace().sleep, report=note)))


def carry_out(
    steps: Sequence[Step],
    cloud: Cloud,
    *,
    dry_run: bool,
    emit: str | None,
    otherwise: str = "",
    question: str = "",
    yes: bool = False,
    as_json: bool = False,
) -> bool:
    """Show the plan or apply it; return whether the wanted state is reached.

    Without steps it prints `otherwise`, the reason why there is nothing to do. With a `question` it asks first. A
    dry run prints its plan, as JSON with `as_json`.
    """
    if dry_run and as_json and not emit:
        print_json({"dry_run": True, "steps": [step.title() for step in steps]})
        note("Nothing was changed (--dry-run)." if steps else otherwise)
        return False
    nothing = "" if steps else f"Nothing to do in {cloud.location.project}. {otherwise}"
    if nothing and (emit or dry_run):
        click.echo(f"# {nothing}" if emit else nothing)
        return False
    if emit:
        click.echo(script([line for step in steps for line in step.gcloud(cloud.location)]))
        return False
    return run_plan(steps, cloud, dry_run=dry_run, otherwise=nothing, question=question, yes=yes)


def github_api(environment: Mapping[str, str]) -> str:
    """Return the GitHub of a mint with this environment; GITHUB_API_URL of the command overrides it."""
    return os.environ.get("GITHUB_API_URL") or environment.get("GITHUB_API_URL") or DEFAULT_API_URL


def resolver(environment: Mapping[str, str]) -> NameResolver:
    """Return the resolver of GitHub names, with the operator's token if there is one."""
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    return NameResolver(github_api(environment), Secret(token) if token else None)


def check_with_github(role: RoleKey, key: Secret | str, environment: Mapping[str, str]) -> None:
    """Check that a key or a JWT belongs to the App, and that the App has the role's permissions. Raises Failure."""
    with progress(f"asking GitHub about App {role.app_id}"):
        app = GitHubApps(github_api(environment)).app(role.app_id, key)
    needed = served_with(role.role, environment)
    needed |= dict(pair.split(":") for pair in role.permissions.split())
    lacking = missing(needed, app.permissions)
    misspelled = closest_names(lacking, app.permissions)
    if misspelled:
        raise BadInput(
            f"Neither the App {app.slug} nor any built-in role has a permission {' or '.join(misspelled)}.",
            f"Did you mean {' and '.join(misspelled.values())}?",
        )
    if lacking:
        raise BadInput(
            f"The App {app.slug} lacks permissions of the role {role.role}: {', '.join(lacking)}.",
            f"Add it on the App's page ({app.page or 'Settings → Developer settings → GitHub Apps'}) under "
            "'Permissions', then have every organization accept it.",
        )
