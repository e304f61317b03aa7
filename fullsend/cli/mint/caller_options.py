"""Options and error handling that the caller's commands share."""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.lists import split
from fullsend.cli.output import NOT_HEALTHY, BadUsage, CommandError, note, without_secrets
from fullsend.cli.retry_notice import retry_policy
from fullsend.client import masking
from fullsend.client.errors import MintClientError, MintConfigurationError, MintRefusedError
from fullsend.client.identity import DEFAULT_AUDIENCE
from fullsend.client.mint import MintClient, job_owner
from fullsend.client.mint_request import MintRequest, mint_request, read_permissions
from mintcore.errors import (
    ClientError,
    InvalidLevel,
    InvalidPermissions,
    InvalidRepos,
    InvalidRole,
    InvalidTargetOrg,
)
from mintcore.policy.token_request import parse_token_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fullsend.client.types import MintedToken

_OPTIONS: dict[type[ClientError], str] = {
    InvalidRole: "'--role'",
    InvalidLevel: "'--level'",
    InvalidPermissions: "'--permission'",
    InvalidTargetOrg: "'--target-org'",
}


class _Seconds(click.FloatRange):
    """What click calls a float range, by its name."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a finite number. The range of click accepts `nan`, so it is checked here."""
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


def _repos(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    # An empty value usually comes from an unset variable; it must not request more than intended.
    names = split(context, parameter, values)
    if values and not names:
        raise click.UsageError(
            "--repos is empty: name repositories, give '*' for the whole installation, or leave --repos out for "
            "the mint's default.",
            context,
        )
    return names


def _permissions(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    try:
        found = read_permissions(values)
    except MintClientError as error:
        raise click.UsageError(f"--permission: {error.message}", context) from error
    if values and not found:
        raise click.UsageError("--permission is empty: name one, such as contents:read, or leave it out.", context)
    return found or None


def _not_empty(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.UsageError(f"{parameter.opts[0]} is empty: give a name, or leave it out.", context)
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
            help="Total time for the mint, waits and retries included.",
        ),
        click.option(
            "--audience",
            default=DEFAULT_AUDIENCE,
            show_default=True,
            callback=_not_empty,
            help="Audience of the job's OIDC token.",
        ),
        click.option(
            "--mint-url",
            "mint_urls",
            multiple=True,
            required=required,
            callback=split,
            metavar="URL",
            envvar="FULLSEND_MINT_URL",
            show_envvar=True,
            help="The mint. May be repeated: the next one is tried when a mint is unreachable or answers 5xx.",
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
        help="Repository names of your own organization, or '*' for the whole installation. [default: the mint's "
        "default for the role]",
    )
    role = click.option("--role", required=required, help="The agent role, for example coder.")
    return role(repos(command))


def narrowing_options(command: Any, *, with_permissions: bool = True) -> Any:
    """Add `--level`, `--target-org` and, for a token, `--permission`."""
    options = [
        click.option(
            "--target-org",
            metavar="ORG",
            callback=_not_empty,
            help="Mint for another organization, whose repositories grant this one the role.",
        ),
        click.option(
            "--permission",
            "permissions",
            multiple=True,
            callback=_permissions,
            metavar="NAME:LEVEL",
            help="Only these permissions of the level, for example contents:read. May be repeated.",
        ),
        click.option(
            "--level",
            metavar="LEVEL",
            callback=_not_empty,
            help="The role's level: read, write or a custom one. [default: the mint's, usually write]",
        ),
    ]
    for option in options if with_permissions else (options[0], options[2]):
        command = option(command)
    return command


def check_request(
    role: str,
    repos: Sequence[str],
    *,
    level: str | None = None,
    permissions: Mapping[str, str] | None = None,
    target_org: str | None = None,
) -> MintRequest:
    """Return the request. Raises a usage error before sending if every mint would refuse it.

    It uses the mint's own rules.
    """
    if not role:
        raise click.BadParameter("it is empty; name the role, for example coder", param_hint="'--role'")
    try:
        request = mint_request(
            role,
            list(repos) or None,
            level=level,
            permissions=permissions,
            target_org=target_org,
            owner=job_owner(),
        )
        parse_token_request(json.dumps(request.body()).encode())
    except MintConfigurationError as refused:
        message = refused.message.replace("target_org", "--target-org")
        raise click.BadParameter(message, param_hint="'--repos'") from refused
    except ClientError as refused:
        option = next((name for kind, name in _OPTIONS.items() if isinstance(refused, kind)), "'--repos'")
        public = refused.public.replace("target_org", "--target-org")
        if isinstance(refused, InvalidRepos) and repos:
            public = f"{', '.join(map(ascii, repos))}: {public}"
        raise click.BadParameter(public, param_hint=option) from refused
    return request


def print_warnings(minted: MintedToken) -> None:
    """Print the mint's warnings on stderr."""
    for warning in minted.warnings:
        note(f"warning: {without_secrets(warning)}")


def client_for(mint_urls: list[str], audience: str, timeout: float) -> MintClient:
    """Make the client for one command."""
    return MintClient(mint_urls, audience=audience, retry=retry_policy(timeout))


class Refused(CommandError):
    """The mint would refuse the job. Exit status 3."""

    exit_code = NOT_HEALTHY


@contextmanager
def errors_explained(forbidden: type[CommandError] = CommandError) -> Iterator[None]:
    """Turn a client error into a command error, with its sentence, remedy, code and request id.

    A 403 of the mint becomes a `forbidden`.
    """
    try:
        yield
    except MintClientError as error:
        kind = BadUsage if error.nothing_was_sent else CommandError
        if error.status == HTTPStatus.FORBIDDEN and isinstance(error, MintRefusedError):
            kind = forbidden
        message = error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."
        raise kind(message, error.remedy, code=error.code, request_id=error.request_id) from error


def mask_in_log(token: str, *, printed: bool = False) -> None:
    """Make the CI system hide the token in the log before anything prints it; print a warning if it cannot.

    With `printed` the token goes to stdout, so the user is warned if the system cannot hide it. The command for a
    runner goes to stderr: a shell that captures stdout (`token=$(…)`) would put it into the value.
    """
    problem = masking.mask_in_log(token, os.environ, lambda line: click.echo(line, err=True))
    if problem and (printed or problem.failed):
        note(f"{problem.sentence}\nFix: use `fullsend mint exec`, or `--out FILE` without printing that file.")
