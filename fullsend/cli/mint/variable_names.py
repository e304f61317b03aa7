"""Check the name that an option gives to the variable with a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.output import BadUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# With a token as the value, the shell, the loader or later steps fail, or use the token as a file name. A command
# must not get the request variables for OIDC tokens, which `exec` removes.
_TAKEN = re.compile(
    r"PATH|HOME|IFS|ENV|BASH_ENV|SHELL|(LD|DYLD)_[A-Z_]*|ACTIONS_ID_TOKEN_REQUEST_[A-Z]*"
    r"|GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY|API_URL|GRAPHQL_URL|SERVER_URL)"
)


def token_variables(_: click.Context, parameter: click.Parameter, value: str | Sequence[str] | None) -> Any:
    """Check the names of variables in an option; a click callback."""
    for name in [value] if isinstance(value, str) else value or ():
        if not _NAME.fullmatch(name):
            raise click.BadParameter(f"{name!r} is not a name for a variable", param=parameter)
        if _TAKEN.fullmatch(name):
            raise BadUsage(
                f"{parameter.opts[0]} {name}: the system or the runner uses this variable itself.",
                "Give the variable that the command reads its token from, for example GH_TOKEN.",
            )
    return value
