"""What the caller's commands share: the options that name a mint, and errors in the client's words."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.output import BadUsage, CommandError, note
from fullsend.cli.retry_notice import patience
from fullsend.client.errors import MintClientError
from fullsend.client.identity import DEFAULT_AUDIENCE
from fullsend.client.mint import MintClient
from mintcore.errors import ClientError, InvalidRole
from mintcore.policy.token_request import parse_token_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class _Seconds(click.FloatRange):
    """What click calls a float range, by its name."""

    name = "number of seconds"


def _split(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in re.split(r"[,\s]+", value) if part]


def _repos(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    # No names mean all repositories, so an unset variable of a shell would ask for more than was meant.
    names = _split(context, parameter, values)
    if values and not names:
        raise click.UsageError("--repos is empty: name repositories, or leave --repos out for all", context)
    return names


def variable_names(_: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Check the name of a variable, or several, that an option brought; a click callback."""
    for name in [value] if isinstance(value, str) else value or ():
        if not NAME.match(name):
            raise click.BadParameter(f"{name!r} is not a name for a variable", param=parameter)
    return value


def mint_options(command: Any, *, required: bool = True) -> Any:
    """Add `--mint-url`, `--audience` and `--timeout`."""
    for option in (
        click.option(
            "--timeout",
            type=_Seconds(1, 3600),
            metavar="SECONDS",
            default=60.0,
            show_default=True,
            help="For asking the mint, waits and repetitions included.",
        ),
        click.option(
            "--audience",
            default=DEFAULT_AUDIENCE,
            show_default=True,
            help="Audience of the job's OIDC token.",
        ),
        click.option(
            "--mint-url",
            "mint_urls",
            multiple=True,
            required=required,
            callback=_split,
            metavar="URL",
            envvar="FULLSEND_MINT_URL",
            show_envvar=True,
            help="The mint. May be repeated: the next is asked when one is unreachable or answers 5xx.",
        ),
    ):
        command = option(command)
    return command


def role_options(command: Any, *, required: bool = True) -> Any:
    """Add `--role` and `--repos`."""
    repos = click.option(
        "--repos",
        multiple=True,
        callback=_repos,
        metavar="NAME[,NAME…]",
        help="Bare repository names; without it the token covers the whole installation.",
    )
    role = click.option("--role", required=required, help="The agent role, for example coder.")
    return role(repos(command))


def check_request(role: str, repos: Sequence[str]) -> None:
    """Raise a usage error for what every mint refuses by itself, before anything is asked; the mint's own check."""
    if not role:
        raise click.BadParameter("it is empty; name the role, for example coder", param_hint="'--role'")
    try:
        parse_token_request(json.dumps({"role": role, "repos": list(repos)}).encode())
    except ClientError as refused:
        option = "'--role'" if isinstance(refused, InvalidRole) else "'--repos'"
        raise click.BadParameter(refused.public, param_hint=option) from refused


def client_for(mint_urls: list[str], audience: str, timeout: float) -> MintClient:
    """Make the client for one command."""
    return MintClient(mint_urls, audience=audience, retry=patience(timeout))


@contextmanager
def errors_explained() -> Iterator[None]:
    """Turn a client error into what a command prints: the sentence, code and request id, then the remedy."""
    try:
        yield
    except MintClientError as error:
        facts = f"code {error.code}" + (f", request id {error.request_id}" if error.request_id else "")
        kind = BadUsage if error.nothing_was_sent else CommandError
        raise kind(f"{error.message} ({facts})", error.remedy) from error


def mask_in_actions(token: str) -> None:
    """Tell a GitHub Actions runner to hide the token in the log, before anything else can print it.

    On stderr, which the runner reads for commands as well: stdout may be captured (`token=$(…)`), and
    then the command would end up inside the value instead of at the runner.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        note(f"::add-mask::{token}")
