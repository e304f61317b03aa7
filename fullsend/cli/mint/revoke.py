"""`fullsend mint revoke`: end a token's life now."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from fullsend.cli.mint.common import errors_explained
from fullsend.cli.output import CommandError, note
from fullsend.client.github import TokenApi
from fullsend.client.types import is_token

MAX_FILE = 1024 * 1024


@click.command()
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True),
    help="File with the token, as --out of `fullsend mint token` writes it; - for stdin.",
)
@click.option(
    "--env",
    "name",
    default="GH_TOKEN",
    show_default=True,
    help="Without --token-file: the variable that holds it.",
)
def revoke(*, token_file: Path | None, name: str) -> None:
    """Revoke a token before it expires by itself.

    A token that is already gone counts as done. The token is never an argument, because every process on a
    machine can read the arguments of every other.
    """
    token = _from_file(token_file) if token_file else _from_environment(name)
    with errors_explained():
        revoked = TokenApi().revoke(token)
    note("token revoked" if revoked else "token was gone already")


def _from_environment(name: str) -> str:
    token = os.environ.get(name, "").strip()
    if not is_token(token):
        raise CommandError(
            f"There is no token in the variable {name}.",
            "Name its file with --token-file or its variable with --env.",
        )
    return token


def _from_file(path: Path) -> str:
    try:
        text = sys.stdin.read(MAX_FILE) if str(path) == "-" else path.read_text(encoding="utf-8")[:MAX_FILE]
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as text.") from error
    token = _in(text.strip())
    if not is_token(token):
        raise CommandError(
            f"There is no token in {path}.", "The file holds the bare token, or the object of --format json."
        )
    return token


def _in(text: str) -> str:
    """Find the token in what any `--format` writes."""
    if text.startswith("{"):
        try:
            return str(json.loads(text).get("token", ""))
        except ValueError:
            return ""
    name, equals, value = text.partition("=")
    return value if equals and name.isidentifier() else text
