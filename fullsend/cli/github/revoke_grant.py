"""`fullsend github revoke-grant`: end a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fullsend.cli.github.grant_options import (
    caller_option,
    open_session,
    role_option,
    target_argument,
)
from fullsend.cli.github.install_options import errors_explained
from fullsend.cli.output import confirm, dry_run_option, note, progress, yes_option
from fullsend.cli.plan_output import run_plan
from fullsend.operate.plan.steps.slot_steps import Action
from mintcore.policy.grants import variable_name
from mintcore.policy.names import Repo

if TYPE_CHECKING:
    from fullsend.operate.model.grant_list import Caller
    from fullsend.operate.plan.grant_session import GrantSession
    from mintcore.policy.names import Role


@click.command("revoke-grant")
@target_argument
@role_option(required=True)
@caller_option(required=True)
@yes_option
@dry_run_option
def revoke_grant(*, target: Caller, role: Role, caller: Caller, yes: bool, dry_run: bool) -> None:
    """End a caller's grant of a role on ORG or OWNER/REPO.

    Tokens that were minted before stay valid for up to an hour, and the mint may use the grant for one more minute.
    """
    variable = variable_name(role)
    with errors_explained():
        session = open_session(target)
        with progress(f"reading the grants of {target}"):
            planned = session.plan(variable, lambda before: before.minus(caller))
        if planned.action is Action.KEEP:
            click.echo(f"Nothing to do: {target} does not list {caller} for {role}.")
        elif dry_run:
            run_plan([planned], {}, dry_run=True)
        else:
            confirm(f"End the grant of {role} on {target} to {caller}?", yes=yes)
            with progress(f"changing the grants of {target}"):
                step = session.change(variable, lambda before: before.minus(caller))
            click.echo(f"done: {step}")
        _warn_of_owner(session, variable, target, caller)


def _warn_of_owner(session: GrantSession, variable: str, target: Caller, caller: Caller) -> None:
    if not isinstance(caller, Repo):
        return
    found = session.read().get(variable)
    if found is not None and found.has(caller.owner):
        note(f"{caller} still has the role through {caller.owner}, which {target} lists as a whole.")
