"""A click group that imports a command only when that command runs.

If an extra is missing, for a whole command or for an option, the user reads in one sentence what to install.
`--help` prints the one-line descriptions of the table, so listing commands imports none of them.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import NoSuchCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OURS = frozenset({"fullsend", "mintcore"})
# What to search for, where the package's name is not the module's.
_DISTRIBUTIONS = {
    "jwt": "PyJWT",
    "nacl": "PyNaCl",
    "yaml": "PyYAML",
}


COMMAND = "fullsend.command"
"""Where a context keeps the path of the command that runs, such as `fullsend mint token`."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command lives (`module:attribute`), its line in `--help`, the extra that brings its imports."""

    target: str
    help: str
    extra: str = "cli"
    distribution: str = "fullsend-mint"


class LazyGroup(click.Group):
    """A group whose commands come from a table of `Lazy` entries."""

    def __init__(self, *args: Any, table: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command, in the table's order, which is the order a newcomer meets them in."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import and return one command; an extra that is not installed becomes one sentence."""
        entry = self._table.get(cmd_name)
        return None if entry is None else _load(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for one that there is not, click asks "Did you mean" with the table's names."""
        try:
            found = super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(error.command_name, possibilities=self._table, ctx=ctx) from None
        ctx.meta[COMMAND] = f"{ctx.command_path} {found[0]}"
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the command list from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._table.items()])


@contextmanager
def extra_needed(who: str, install: str, otherwise: str = "") -> Iterator[None]:
    """Turn an import inside that finds no package into one sentence: what to install, or do `otherwise`.

    Raises click.ClickException.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        module = (missing.name or "").split(".")[0]
        if module in _OURS:
            raise
        raise click.ClickException(
            f"{who} needs the Python package {_DISTRIBUTIONS.get(module, module)}, which is not installed. "
            f"Fix: pip install '{install}'{otherwise}"
        ) from missing


def _load(entry: Lazy) -> click.Command:
    module_name, _, attribute = entry.target.partition(":")
    install = f"{entry.distribution}[{entry.extra}]" if entry.extra else entry.distribution
    with extra_needed("this command", install):
        module = importlib.import_module(module_name)
    command: click.Command = getattr(module, attribute)
    return command
