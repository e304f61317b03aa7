"""`fullsend mint status`: show a job what the mint would allow it, and an operator the mint's health.

This module only chooses: `job_status.py` prints the job's status, `operator_status.py` the operator's.
"""

from __future__ import annotations

import sys
from functools import partial

import click
from click.core import ParameterSource

from fullsend.cli.lazy import extra_needed, pip_install
from fullsend.cli.mint import job_status
from fullsend.cli.mint.caller_options import check_request, mint_options, narrowing_options, role_options
from fullsend.cli.mint.location_options import PROJECT_VARIABLES, project_from_environment
from fullsend.cli.output import NOT_HEALTHY, json_option
from fullsend.client.mint_request import MintRequest


@click.command()
@click.argument("org", required=False)
@partial(role_options, required=False)
@partial(narrowing_options, with_permissions=False)
@partial(mint_options, required=False)
@click.option(
    "--project",
    help="For operators: the Google Cloud project of the mint. "
    f"[default: the environment's {' or '.join(PROJECT_VARIABLES)}]",
)
@click.option("--region", default="us-central1", show_default=True, help="For operators: the mint's region.")
@json_option
@click.pass_context
def status(
    context: click.Context,
    *,
    org: str | None,
    role: str | None,
    repos: list[str],
    level: str | None,
    target_org: str | None,
    mint_urls: list[str],
    audience: str,
    timeout: float,
    project: str | None,
    region: str,
    as_json: bool,
) -> None:
    """Show what the mint allows this job, or with --project the mint's health.

    In a job, the command shows the organization, its roles, and whether the job's workflow may mint. With --role
    (and perhaps --repos, --level, --target-org) it also shows every rule for that request, with its result.

    With --project, the command shows the mint's function, revision and traffic, organizations, roles, secrets and
    providers, and whether ORG can mint.

    The first line says which of the two it is. --mint-url and FULLSEND_MINT_URL ask for the job's, --project for
    the operator's. Exit status 3 means that the mint would refuse the job, or that a part of it is not healthy.
    """
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if org is not None and not org.strip():
        raise click.UsageError("ORG is empty: name the organization, or leave it out for the whole mint.")
    if role is None and (repos or level or target_org):
        raise click.UsageError("--repos, --level and --target-org ask about a role: name it with --role.")
    request = MintRequest("") if role is None else check_request(role, repos, level=level, target_org=target_org)
    if "mint_urls" in given or (mint_urls and org is None and project is None and "region" not in given):
        if given & {"org", "project", "region"}:
            raise click.UsageError(
                "--mint-url works in a job, without ORG and --region. As an operator, give --project instead."
            )
        if not as_json:
            source = "" if "mint_urls" in given else ", because FULLSEND_MINT_URL is set"
            click.echo(f"The job's view{source}. The operator's view: fullsend mint status --project PROJECT")
        if not job_status.show(mint_urls, audience, timeout, request, as_json=as_json):
            sys.exit(NOT_HEALTHY)
        return
    if role is not None:
        raise click.UsageError("--role works only in a job. As an operator, use `fullsend mint explain`.")
    project = project or project_from_environment()
    if not project and org is not None:
        raise click.UsageError("ORG works only for the mint's operator: name the project with --project P.")
    if not project:
        raise click.UsageError("Give --mint-url in a job, or --project (and optionally ORG) as an operator.")
    _operator(project, region, org, as_json=as_json)


def _operator(project: str, region: str, org: str | None, *, as_json: bool) -> None:
    with extra_needed("--project", pip_install("operate")):
        from fullsend.cli.mint.operator_status import show  # noqa: PLC0415 - jobs do without the extra it needs
    if not as_json:
        click.echo("The operator's view. The job's view, in a job: fullsend mint status --mint-url URL")
    if not show(project, region, org, as_json=as_json):
        sys.exit(NOT_HEALTHY)
