"""`fullsend github set`: change one managed variable or secret."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fullsend.cli.github.install_options import (
    bad_input_is_usage,
    errors_explained,
    open_session,
    target_argument,
)
from fullsend.cli.output import dry_run_option, progress
from fullsend.cli.plan_output import run_plan
from fullsend.operate.model.install_values import checked
from fullsend.operate.plan.install_changes import changes, plan_set

if TYPE_CHECKING:
    from fullsend.operate.model.install import Install


@click.command("set")
@target_argument
@click.argument("name")
@click.argument("value", required=False)
@dry_run_option
def set_(*, install: Install, name: str, value: str | None, dry_run: bool) -> None:
    """Set NAME to VALUE wherever ORG or OWNER/REPO keeps it.

    Without VALUE, it is read from standard input. Only managed names are accepted. A variable that has the value
    stays as it is; a secret is always written.
    """
    name = name.upper()
    with bad_input_is_usage():
        install.slots_named(name)
        wanted = checked(name, (_asked_for(name) if value is None else value).strip())
    with errors_explained():
        session = open_session(install)
        with progress(f"reading {install.target}"):
            session.look()
            steps = plan_set(install, name, wanted, session.read())
        already = f"Nothing to do: {name} of {install.target} has this value already."
        if run_plan(changes(steps), session.stores, dry_run=dry_run, otherwise=already) and changes(steps):
            click.echo(f"{name} of {install.target} is set.")


def _asked_for(name: str) -> str:
    """Read the value from standard input, so it is not in the shell's history."""
    if sys.stdin.isatty():
        return str(click.prompt(name, err=True))
    line = sys.stdin.readline()
    if not line.strip():
        raise click.UsageError(f"{name} needs a VALUE, as an argument or on standard input.")
    return line
