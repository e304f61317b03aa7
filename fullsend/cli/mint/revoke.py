"""`fullsend mint revoke`: revoke a token."""

from __future__ import annotations

from pathlib import Path

import click

from fullsend.cli.mint.caller_options import errors_explained
from fullsend.cli.output import note
from fullsend.cli.retry_notice import retry_policy
from fullsend.client.token_api import GITHUB_SECONDS, TokenApi, unknown_to
from fullsend.token_source import token_of_file, token_of_variable

DEFAULT_VARIABLE = "GH_TOKEN"


@click.command()
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True),
    help="File with the token, as --out of `fullsend mint token` writes it; - for stdin.",
)
@click.option("--env", "name", help=f"Or the environment variable with the token. [default: {DEFAULT_VARIABLE}]")
def revoke(*, token_file: Path | None, name: str | None) -> None:
    """Revoke a token before it expires by itself.

    A token that is already gone counts as done. The token is never an argument, because every process on a
    machine can read the arguments of every other.
    """
    if token_file and name is not None:
        raise click.UsageError("--token-file and --env both name a token; give one of them.")
    if token_file:
        token = token_of_file(token_file, "The file holds the bare token, or what another --format wrote.")
    else:
        token = token_of_variable(
            name or DEFAULT_VARIABLE, "Name its file with --token-file or its variable with --env."
        )
    with errors_explained():
        api = TokenApi(retry=retry_policy(GITHUB_SECONDS))
        # Treated as fresh, because its age is unknown.
        revoked = api.revoke(token, fresh=True)
    note("token revoked" if revoked else unknown_to(api.api_url))
