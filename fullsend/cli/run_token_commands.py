"""`fullsend run-token`: the direct tool, for runs that hold an App key and use no mint."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.files import refuse_what_is_no_file, write_private
from fullsend.cli.output import CommandError, dry_run_option, note, print_json
from fullsend.cli.process import Outermost
from fullsend.cli.retry_notice import patience
from fullsend.cli.token_source import token_of_file
from fullsend.client.token_api import unknown_to
from fullsend.failure import Failure
from fullsend.github.api import CALL_SECONDS
from fullsend.run_token import actions
from fullsend.run_token.app import App
from fullsend.run_token.guard import refusal
from fullsend.run_token.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIONS = ("mint", "runner-token", "revoke")
SEVERAL = ("--repositories", "--permissions")
NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")
PERMISSION = re.compile(r"([a-z_]{1,64}):(read|write|admin)\Z")


class _SeveralValues(Outermost):
    """Takes `--permissions a b c mint`: one option, several values, and the action after them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its values, which is how click takes several."""
        return super().parse_args(ctx, spread(args))


def spread(args: Sequence[str]) -> list[str]:
    """Turn `--permissions a b mint` into `--permissions a --permissions b mint`.

    The first word after the option is always a value; from the second on, an action's name ends the values.
    """
    result: list[str] = []
    option, values = "", 0
    for word in args:
        if word in SEVERAL:
            option, values = word, 0
        elif word.startswith("-") or (values and word in ACTIONS):
            option = ""
            result.append(word)
        elif option:
            values += 1
            result += [option, word]
        else:
            result.append(word)
    return result


def _name(_: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    # Names go into the path of a URL: a slash or a question mark would ask for something else.
    if value is not None and not NAME.match(value):
        raise click.BadParameter(f"{value!r} is not a name that GitHub gives", param=parameter)
    return value


def _names(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    names = [name for value in values for name in re.split(r"[,\s]+", value) if name]
    for name in names:
        _name(context, parameter, name)
    return names


def _permissions(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in (part for value in values for part in re.split(r"[,\s]+", value) if part):
        match = PERMISSION.match(text)
        if not match:
            raise click.BadParameter(f"{text!r} is not like contents:read", param=parameter)
        found[match[1]] = match[2]
    return found


@click.command(cls=_SeveralValues, name="run-token")
@click.argument("action", type=click.Choice(ACTIONS))
@click.option("--owner", callback=_name, help="The organization or user.")
@click.option("--repo", callback=_name, help="The repository; for runner-token, leave out for the organization.")
@click.option(
    "--repositories", multiple=True, callback=_names, metavar="NAME…", help="Scope of the token; default: --repo."
)
@click.option(
    "--permissions",
    multiple=True,
    callback=_permissions,
    metavar="NAME:LEVEL…",
    help="Default: all that the App has.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="mint, runner-token: write the raw token here (mode 0600). revoke: read it from here.",
)
@click.option("--print-headers", is_flag=True, help="Add the rate-limit buckets.")
@dry_run_option
def run_token(
    *,
    action: str,
    owner: str | None,
    repo: str | None,
    repositories: list[str],
    permissions: dict[str, str],
    token_file: Path | None,
    print_headers: bool,
    dry_run: bool,
) -> None:
    """Make and revoke tokens for one run straight from a GitHub App's key.

    ACTION is mint (an installation token), runner-token (a registration token for self-hosted runners) or
    revoke. Prints JSON with the token masked.

    \b
    GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID    the App and its installation
    GITHUB_APP_PRIVATE_KEY_PEM or …_PATH         its key, inline or a file
    CODEX_NET_MODE=online_allowlist and          the network guard; the list holds
    CODEX_NET_ALLOWLIST=api.github.com           host names separated by commas
    GITHUB_API_URL                               another GitHub
    """  # noqa: D301 - click wants the backspace character itself
    if action == "runner-token" and owner is None:
        raise click.UsageError("runner-token needs --owner, and --repo unless it is for the organization.")
    if token_file and action != "revoke":
        refuse_what_is_no_file(token_file)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        raise CommandError("\n  ".join(["the environment is not complete:", *error.problems])) from None
    wanted = actions.Wanted(owner, repo, repositories, permissions, print_headers)
    closed = refusal(settings.api_url, os.environ)
    if dry_run:
        print_json(_plan(action, settings, wanted, closed))
        return
    if closed:
        raise CommandError(closed)
    try:
        print_json(_run(action, App(settings, retry=patience(CALL_SECONDS)), wanted, token_file))
    except Failure as error:
        raise CommandError(error.message, error.remedy) from error


def _run(action: str, app: App, wanted: actions.Wanted, token_file: Path | None) -> dict[str, Any]:
    if action == "revoke":
        kept = token_of_file(token_file, "mint --token-file FILE writes such a file.") if token_file else None
        report = actions.revoke(app, wanted, kept)
        if report["result"] == actions.ALREADY_GONE:
            note(unknown_to(app.settings.api_url))
        return report
    keep = partial(_write, token_file) if token_file else None
    if action == "runner-token":
        return actions.runner_token(app, wanted, keep)
    report = actions.mint(app, wanted, keep)
    if not keep:
        note(
            f"the token was not kept: it stays valid until {report['expires_at']}, but is lost; "
            "--token-file FILE keeps it, and revoke --token-file FILE ends it"
        )
    return report


def _plan(action: str, settings: Settings, wanted: actions.Wanted, closed: str) -> dict[str, Any]:
    repositories, permissions = wanted.scope(action)
    return {
        "dry_run": True,
        "action": action,
        "api_url": settings.api_url,
        "app_id": settings.app_id,
        "installation_id": settings.installation_id,
        "repositories": repositories or "all of the installation",
        "permissions": permissions or "all of the installation",
        "network": closed or "allowed",
    }


def _write(path: Path, token: str) -> None:
    write_private(path, token + "\n")
