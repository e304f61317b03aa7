"""`fullsend github grant`: let a caller's jobs get a role's tokens for a target."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from fullsend.cli.github.grant_options import (
    GRANTABLE,
    caller_option,
    open_session,
    role_option,
    target_argument,
)
from fullsend.cli.github.install_options import errors_explained
from fullsend.cli.output import dry_run_option, note, progress
from fullsend.cli.plan_output import run_plan
from fullsend.github.credentials import find_credentials
from fullsend.github.name_resolver import NameResolver
from fullsend.operate.plan.steps.slot_steps import Action
from mintcore.policy.grants import variable_name
from mintcore.policy.names import Org
from mintcore.policy.roles import BUILT_IN
from mintcore.policy.spelling import closest_name

if TYPE_CHECKING:
    from fullsend.operate.model.grant_list import Caller
    from mintcore.policy.names import Role


@click.command()
@target_argument
@role_option(required=True)
@caller_option(required=True)
@click.option("--as-spelled", is_flag=True, help="Use the caller exactly as typed, without asking GitHub.")
@dry_run_option
def grant(*, target: Caller, role: Role, caller: Caller, as_spelled: bool, dry_run: bool) -> None:
    """Grant a role on ORG or OWNER/REPO to the jobs of a caller.

    A grant of a repository is for that repository. A grant of an organization is for all its repositories at once.
    Safe to run from many places at the same time.
    """
    with errors_explained():
        # Attack: a name that does not exist yet may be registered later, by anyone.
        known = caller if as_spelled else _known(caller)
        session = open_session(target)
        with progress(f"changing the grants of {target}"):
            change = session.plan if dry_run else session.change
            step = change(variable_name(role), lambda before: before.plus(known))
        if step.action is Action.KEEP:
            click.echo(f"Nothing to do: {target} grants {role} to {known} already.")
        elif dry_run:
            run_plan([step], {}, dry_run=True)
        else:
            click.echo(f"done: {step}")
            note(GRANTABLE)
        meant = "" if role in BUILT_IN else closest_name(role, BUILT_IN)
        if meant:
            note(f"warning: {role} is not a built-in role; did you mean {meant}?")
        if isinstance(target, Org):
            note(f"This grant is for every repository of {target} that the role's GitHub App can reach.")


def _known(caller: Caller) -> Caller:
    credentials = find_credentials(os.environ)
    github = NameResolver(credentials.api_url, credentials.token)
    with progress(f"asking GitHub about {caller}"):
        return github.org(caller) if isinstance(caller, Org) else github.repo(caller)
