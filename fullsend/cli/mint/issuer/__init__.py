"""The `fullsend mint issuer` group and its commands."""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "add": Lazy("fullsend.cli.mint.issuer.add:add", "Let jobs of another CI system mint.", "operate"),
    "remove": Lazy("fullsend.cli.mint.issuer.remove:remove", "Remove an issuer or some of its entries.", "operate"),
    "list": Lazy("fullsend.cli.mint.issuer.list:list_", "Show the issuers and their entries.", "operate"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def issuer() -> None:
    """Manage the issuers of other CI systems, and which of their jobs can mint."""
