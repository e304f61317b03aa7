"""`fullsend github uninstall`: take every managed name away, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fullsend.cli.github.install_options import (
    carry_out,
    errors_explained,
    open_session,
    print_dry_run,
    target_argument,
)
from fullsend.cli.output import confirm, dry_run_option, note, progress, yes_option
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

    Nothing else is touched: not the mint, not the Apps, not what an older install left behind.
    """
    with errors_explained():
        session = open_session(install)
        with progress(f"reading {install.target}"):
            session.look()
            observed = session.read()
        steps = plan_uninstall(install, observed)
        if not steps:
            click.echo(f"Nothing to do: {install.target} has none of the managed names.")
        elif dry_run:
            print_dry_run(steps)
        else:
            if not yes:
                note("\n".join(str(step) for step in steps))
            confirm(f"Remove these {len(steps)} from GitHub?", yes=yes)
            carry_out(session, steps)
        for slot in leftovers(observed):
            note(f"Left alone: {slot}, which an older install made.")
