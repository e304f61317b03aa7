"""`fullsend mint status` in a job: what the mint would allow it."""

from __future__ import annotations

import sys

import click

from fullsend.cli.mint.common import client_for, errors_explained, mint_options
from fullsend.cli.output import NOT_HEALTHY, json_option, print_json, print_table
from fullsend.client.remedies import remedy_for


@click.command()
@mint_options
@json_option
def status(*, mint_urls: list[str], audience: str, timeout: float, as_json: bool) -> None:
    """Show what the mint knows of this job: org, roles, workflow.

    Exit status 3 when the mint answers but would not mint for this job's workflow.
    """
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
