"""Options that the grant commands share: the target, the role and the caller."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.github.install_options import bad_input_is_usage
from fullsend.cli.output import progress
from fullsend.cli.pace import pace
from fullsend.github.credentials import find_credentials
from fullsend.operate.model import grant_list, names
from fullsend.operate.plan.grant_session import GrantSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend.operate.model.grant_list import Caller

GRANTABLE = "The mint uses it within a minute, if its operator has set GRANTS=1."


class _Named(click.ParamType[Any]):
    """A parameter whose form is checked before any call."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Read the name."""
        with bad_input_is_usage():
            return value if not isinstance(value, str) else self._parse(value)


def target_argument(command: Any) -> Any:
    """Add the argument that names the target."""
    return click.argument("target", metavar="ORG|OWNER/REPO", type=_Named("target", grant_list.caller))(command)


def role_option(*, required: bool) -> Callable[[Any], Any]:
    """Return the option that names the role."""
    kind = _Named("role", names.role)
    return click.option("--role", required=required, metavar="ROLE", type=kind, help="The role, such as coder.")


def caller_option(*, required: bool) -> Callable[[Any], Any]:
    """Return the option that names the caller."""
    text = "The repository whose jobs get the role, or an owner for all of its repositories."
    kind = _Named("caller", grant_list.caller)
    return click.option("--caller", required=required, metavar="OWNER[/REPO]", type=kind, help=text)


def open_session(target: Caller) -> GrantSession:
    """Return the target's grants on GitHub, with the operator's token. Raises OperateError."""
    session = GrantSession(target, find_credentials(os.environ), sleep=pace().sleep)
    with progress(f"looking at {target}"):
        session.look()
    return session
