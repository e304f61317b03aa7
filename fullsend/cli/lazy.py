"""A click group that imports a command only when that command runs.

If an extra is missing, for a whole command or for an option, one sentence tells the user what to install. `--help`
prints the one-line descriptions of the table, so listing commands imports none of them.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import NoSuchCommand
from click.shell_completion import CompletionItem

from fullsend.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OURS = frozenset({"fullsend", "mintcore"})
# What to search for, where the package's name is not the module's.
_DISTRIBUTIONS = {
    "fullsend_sandbox": "fullsend-mint-sandbox",
    "google": "google-auth",
    "jwt": "PyJWT",
    "nacl": "PyNaCl",
    "yaml": "PyYAML",
}


COMMAND = "fullsend.command"
"""The key in a context's `meta` for the running command's path, such as `fullsend mint token`."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command lives (`module:attribute`), its line in `--help`, the extra that brings its imports.

    `install` says how to install a command that no extra brings.
    """

    target: str
    help: str
    extra: str = "cli"
    install: str = ""


class LazyGroup(click.Group):
    """A group whose commands come from a table of `Lazy` entries."""

    def __init__(self, *args: Any, table: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command in the table's order, which is the order in which new users need them."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command. Raises Failure for a missing extra, except during completion."""
        entry = self._table.get(cmd_name)
        try:
            return None if entry is None else _load(entry)
        except Failure:
            if ctx.resilient_parsing:
                return click.Command(cmd_name)
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names from the table: a Tab imports no command and needs no extra."""
        names = [name for name in self._table if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self._table[name].help) for name in names]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

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
        """Write the command list from the table, without imports."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._table.items()])


@contextmanager
def extra_needed(who: str, install: str, otherwise: str = "") -> Iterator[None]:
    """Turn an import inside that finds no package into an error: the package, and how to `install` it.

    `otherwise` is another way out. Raises Failure.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        module = (missing.name or "").split(".")[0]
        if module in _OURS:
            raise
        raise Failure(
            f"{who} needs the Python package {_DISTRIBUTIONS.get(module, module)}, which is not installed.",
            f"{install}{otherwise}",
        ) from missing


def pip_install(extra: str) -> str:
    """Return the command that adds an extra to the package, which is installed: pip needs no index for it."""
    return f"pip install 'fullsend-mint[{extra}]'"


def _load(entry: Lazy) -> click.Command:
    module_name, _, attribute = entry.target.partition(":")
    with extra_needed("this command", entry.install or pip_install(entry.extra)):
        module = importlib.import_module(module_name)
    command: click.Command = getattr(module, attribute)
    return command
