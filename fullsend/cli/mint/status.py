"""`fullsend mint status`: in a job what the mint would allow it, for an operator how the mint stands.

Decides which of the two is meant; the operator's is `operator_status.py`.
"""

from __future__ import annotations

import os
import sys
from functools import partial

import click

from fullsend.cli.lazy import extra_needed
from fullsend.cli.mint.common import client_for, errors_explained, mint_options
from fullsend.cli.output import NOT_HEALTHY, json_option, print_json, print_table
from fullsend.client.remedies import remedy_for

PROJECT_VARIABLES = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")


@click.command()
@click.argument("org", required=False)
@partial(mint_options, required=False)
@click.option("--project", help="For operators: the Google Cloud project of the mint.")
@click.option("--region", default="us-central1", show_default=True, help="For operators: where the mint runs.")
@json_option
def status(
    *,
    org: str | None,
    mint_urls: list[str],
    audience: str,
    timeout: float,
    project: str | None,
    region: str,
    as_json: bool,
) -> None:
    """Show what the mint knows of this job, or with --project how the mint itself stands.

    In a job: organisation, roles, and whether its workflow may mint. With --project: function, revision and
    traffic, organisations, roles, secrets and providers; with ORG whether that one can mint.
    Exit status 3 when something is not as it should be.
    """
    if project is None and not mint_urls:
        project = next((os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)), None)
    if project is not None:
        _operator(project, region, org, as_json=as_json)
        return
    if not mint_urls or org:
        raise click.UsageError("Give --mint-url in a job, or --project (and perhaps ORG) as an operator.")
    _caller(mint_urls, audience, timeout, as_json=as_json)


def _operator(project: str, region: str, org: str | None, *, as_json: bool) -> None:
    with extra_needed("--project", "operate"):
        from fullsend.cli.mint.operator_status import show  # noqa: PLC0415 - jobs do without the extra it needs
    if not show(project, region, org, as_json=as_json):
        sys.exit(NOT_HEALTHY)


def _caller(mint_urls: list[str], audience: str, timeout: float, *, as_json: bool) -> None:
    with errors_explained():
        found = client_for(mint_urls, audience, timeout).status()
    if as_json:
        print_json(
            {
                "org": found.org,
                "roles": list(found.roles),
                "workflow_allowed": found.workflow_allowed,
                "version": found.version,
                "mint_url": found.mint_url,
            }
        )
    else:
        rows = [
            ("mint", f"{found.mint_url} (version {found.version})"),
            ("organisation", found.org),
            ("roles", ", ".join(found.roles) or "none"),
            ("workflow allowed", "yes" if found.workflow_allowed else "no"),
        ]
        print_table(("what", "answer"), rows)
    if not found.workflow_allowed:
        if not as_json:
            click.echo(remedy_for("workflow_not_allowed"), err=True)
        sys.exit(NOT_HEALTHY)
