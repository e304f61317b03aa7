"""`fullsend github uninstall`: remove every managed name, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fullsend.cli.github.install_options import (
    errors_explained,
    open_session,
    target_argument,
)
from fullsend.cli.output import dry_run_option, note, progress, yes_option
from fullsend.cli.plan_output import run_plan
from fullsend.operate.model.install_review import leftovers
from fullsend.operate.plan.install_changes import plan_uninstall

if TYPE_CHECKING:
    from fullsend.operate.model.install import Install


@click.command()
@target_argument
@yes_option
@dry_run_option
def uninstall(*, install: Install, yes: bool, dry_run: bool) -> None:
    """Remove every managed variable and secret of ORG or OWNER/REPO.

    The mint, the Apps and the leftovers of older installs stay.
    """
    with errors_explained():
        session = open_session(install)
        with progress(f"reading {install.target}"):
            session.look()
            observed = session.read()
        steps = plan_uninstall(install, observed)
        already = f"Nothing to do: {install.target} has none of the managed names."
        question = f"Remove these {len(steps)} from GitHub?"
        if (
            run_plan(steps, session.stores, dry_run=dry_run, otherwise=already, question=question, yes=yes)
            and steps
        ):
            click.echo(f"The managed names of {install.target} are removed.")
        for slot in leftovers(observed):
            note(f"Not removed: {slot}, which an older install made.")
