"""`fullsend mint delete`: what `deploy` made, in reverse."""

from __future__ import annotations

import click

from fullsend.cli.mint.operator import carry_out, google, place_options, plan_options
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gather import gather, stored_roles
from fullsend.operate.plans.delete import delete as plan


@click.command()
@place_options
@click.option("--keep-keys", is_flag=True, help="Leave the secrets with the Apps' keys.")
@yes_option
@plan_options
def delete(*, project: str, region: str, keep_keys: bool, yes: bool, dry_run: bool, emit: str | None) -> None:
    """Delete the mint: function, secrets, providers, pool, service account.

    The pool's and the providers' names stay reserved for 30 days; `deploy` brings them back.
    """
    with google(project, region) as cloud:
        with progress(f"reading the project {project}"):
            state = gather(cloud)
            stored = stored_roles(cloud) if "secretmanager.googleapis.com" in state.apis else []
        steps = plan(state, stored, keep_keys=keep_keys)
        question = f"Delete the mint of {project} for everyone who uses it?"
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit, question=question, yes=yes) and steps:
            note("The mint is deleted. The APIs stay enabled, for others may use them.")
