"""`fullsend mint status`: in a job what the mint would allow it, for an operator how the mint stands.

Decides which of the two is meant; the job's is `job_status.py`, the operator's `operator_status.py`.
"""

from __future__ import annotations

import os
import sys
from functools import partial

import click

from fullsend.cli.lazy import extra_needed
from fullsend.cli.mint import job_status
from fullsend.cli.mint.common import check_request, mint_options, role_options
from fullsend.cli.output import NOT_HEALTHY, json_option

PROJECT_VARIABLES = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")


@click.command()
@click.argument("org", required=False)
@partial(role_options, required=False)
@partial(mint_options, required=False)
@click.option("--project", help="For operators: the Google Cloud project of the mint.")
@click.option("--region", default="us-central1", show_default=True, help="For operators: where the mint runs.")
@json_option
def status(
    *,
    org: str | None,
    role: str | None,
    repos: list[str],
    mint_urls: list[str],
    audience: str,
    timeout: float,
    project: str | None,
    region: str,
    as_json: bool,
) -> None:
    """Show what the mint knows of this job, or with --project how the mint itself stands.

    In a job: organisation, roles, and whether its workflow may mint; with --role (and perhaps --repos) whether
    that would be granted, rule by rule. With --project: function, revision and traffic, organisations, roles,
    secrets and providers; with ORG whether that one can mint.
    Exit status 3 when something is not as it should be.
    """
    if repos and role is None:
        raise click.UsageError("--repos asks about a role: name it with --role.")
    if role is not None:
        check_request(role, repos)
    if project is None and not mint_urls:
        project = next((os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)), None)
    if project is not None and role is not None:
        raise click.UsageError("--role asks the mint about a job; `fullsend mint explain` answers an operator.")
    if project is not None:
        _operator(project, region, org, as_json=as_json)
        return
    if not mint_urls or org:
        raise click.UsageError("Give --mint-url in a job, or --project (and perhaps ORG) as an operator.")
    if not job_status.show(mint_urls, audience, timeout, role, repos, as_json=as_json):
        sys.exit(NOT_HEALTHY)


def _operator(project: str, region: str, org: str | None, *, as_json: bool) -> None:
    with extra_needed("--project", "operate"):
        from fullsend.cli.mint.operator_status import show  # noqa: PLC0415 - jobs do without the extra it needs
    if not show(project, region, org, as_json=as_json):
        sys.exit(NOT_HEALTHY)
