"""`fullsend mint token`: exchange the job's OIDC token for an installation token."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fullsend.cli.files import append_output, require_writable
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
from fullsend.cli.mint.supervise import KILLED, Interrupted, Supervisor
from fullsend.cli.mint.variable_names import token_variables
from fullsend.cli.output import BadUsage, note
from fullsend.private_file import require_regular_file, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend.client.mint import MintClient
    from fullsend.client.types import MintedToken

DEFAULT_VARIABLE = "GH_TOKEN"


@click.command()
@role_options
@narrowing_options
@mint_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["token", "json", "env"]),
    default="token",
    show_default=True,
    help="The bare token; an object with expiry and scope; or NAME=token.",
)
@click.option(
    "--env-name",
    callback=token_variables,
    help=f"The variable's name for --format env. [default: {DEFAULT_VARIABLE}]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file (mode 0600), not stdout.",
)
@click.option("--github-output", is_flag=True, help="Write `token` and `expires_at` to $GITHUB_OUTPUT, not stdout.")
@click.option(
    "--wait-usable",
    is_flag=True,
    help="Return only when GitHub accepts the token; it can refuse a new one for a moment.",
)
def token(
    *,
    role: str,
    repos: list[str],
    level: str | None,
    permissions: dict[str, str] | None,
    target_org: str | None,
    mint_urls: list[str],
    audience: str,
    timeout: float,
    form: str,
    env_name: str | None,
    out: Path | None,
    github_output: bool,
    wait_usable: bool,
) -> None:
    """Exchange this job's OIDC token for an installation token.

    Prints the token on stdout unless --out or --github-output is given. The token is valid for an hour. Revoke it
    earlier with `fullsend mint revoke`, or use `fullsend mint exec`, which revokes it when its command ends.
    """
    request = check_request(role, repos, level=level, permissions=permissions, target_org=target_org)
    if env_name is not None and form != "env":
        raise click.UsageError("--env-name is the name for --format env: give both, or neither.")
    if form != "token" and github_output and not out:
        raise click.UsageError(
            "--github-output does not use --format: leave one of them out, or add --out for the format."
        )
    if out:
        require_regular_file(out)
    output_file = _github_output_file() if github_output else None
    with errors_explained(), _ended_by_signal(), Supervisor() as supervisor:
        client = client_for(mint_urls, audience, timeout)
        with _delivered_or_revoked(client), supervisor.guard():
            minted = client.mint_checked(request)
            mask_in_log(minted.token, printed=not (out or output_file))
            print_warnings(minted)
            if wait_usable:
                client.wait_usable(minted.token)
            if output_file:
                append_output(output_file, {"token": minted.token, "expires_at": minted.expires_at})
            text = render(minted, form, env_name or DEFAULT_VARIABLE)
            if out:
                write_private(out, text + "\n")
                note(f"token for {role} written to {out}, expires {minted.expires_at}")
            elif not output_file:
                click.echo(text)


@contextmanager
def _delivered_or_revoked(client: MintClient) -> Iterator[None]:
    """Revoke a token that could not be delivered to the caller, and report it."""
    try:
        yield
    except BaseException:
        if client.unrevoked:
            told = client.revoke_all()
            note(
                "The token was not delivered"
                + (f", and not revoked: {' '.join(told)}" if told else "; it was revoked.")
            )
        raise


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """End with a shell's exit status for a signal."""
    try:
        yield
    except Interrupted as ended:
        note("Interrupted.")
        sys.exit(KILLED + ended.number)


def render(minted: MintedToken, form: str, env_name: str) -> str:
    """Return the token as `--format` asks."""
    if form == "json":
        return json.dumps(
            {
                "token": minted.token,
                "expires_at": minted.expires_at,
                "granted_repos": list(minted.granted_repos),
                "granted_permissions": minted.granted_permissions,
                "repository_selection": minted.repository_selection,
                **({"warnings": list(minted.warnings)} if minted.warnings else {}),
            },
            indent=2,
        )
    return f"{env_name}={shlex.quote(minted.token)}" if form == "env" else minted.token


def _github_output_file() -> Path:
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        raise BadUsage(
            "--github-output needs GITHUB_OUTPUT, which is not set: this is not a GitHub Actions step.",
            "Leave --github-output out, or use --out FILE.",
        )
    file = Path(path)
    require_writable("GITHUB_OUTPUT", file)
    return file
