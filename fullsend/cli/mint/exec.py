"""`fullsend mint exec`: run a command with a token that is revoked when the command ends."""

from __future__ import annotations

import os
import sys

import click

from fullsend.cli.mint.caller_options import (
    check_request,
    client_for,
    errors_explained,
    mask_in_log,
    mint_options,
    narrowing_options,
    print_warnings,
    role_options,
)
from fullsend.cli.mint.own_memory import close_own_memory
from fullsend.cli.mint.program import find_program
from fullsend.cli.mint.supervise import Interrupted, Supervisor
from fullsend.cli.mint.variable_names import token_variables
from fullsend.client.identity import variables_of_identity


@click.command("exec", context_settings={"allow_interspersed_args": False})
@role_options
@narrowing_options
@mint_options
@click.option(
    "--env",
    "names",
    multiple=True,
    default=("GH_TOKEN",),
    callback=token_variables,
    show_default=True,
    help="Variable for the token; may be repeated.",
)
@click.option("--wait-usable", is_flag=True, help="Start the command only when GitHub accepts the token.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(
    *,
    role: str,
    repos: list[str],
    level: str | None,
    permissions: dict[str, str] | None,
    target_org: str | None,
    mint_urls: list[str],
    audience: str,
    timeout: float,
    names: tuple[str, ...],
    wait_usable: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with a token in its environment; revoke the token when it ends.

    \b
    fullsend mint exec --role coder --repos my-repo -- gh pr list

    The exit status is COMMAND's, or 128+n when signal n ended it; 126 and 127 when it cannot be started.
    COMMAND does not get the variables with which it could request OIDC tokens itself. That protects against
    mistakes, not against a hostile COMMAND: docs/callers.md says what it can still reach.
    """  # noqa: D301 - click wants the backspace character itself
    request = check_request(role, repos, level=level, permissions=permissions, target_org=target_org)
    program = find_program(command[0])
    # Attack: the command could read the OIDC request variables and the token from /proc of this process.
    close_own_memory()
    environment = {k: v for k, v in os.environ.items() if k not in variables_of_identity(audience)}
    try:
        with (
            errors_explained(),
            Supervisor() as supervisor,
            client_for(mint_urls, audience, timeout) as client,
            supervisor.guard(),
        ):
            minted = client.mint_checked(request)
            mask_in_log(minted.token)
            print_warnings(minted)
            if wait_usable:
                client.wait_usable(minted.token)
            environment |= dict.fromkeys(names, minted.token)
            code = supervisor.run([program, *command[1:]], environment)
    except Interrupted as signal:
        code = 128 + signal.number
    sys.exit(code)
