"""`fullsend github grants`: list the roles that a target grants, with their callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fullsend.cli.github.grant_options import (
    caller_option,
    open_session,
    role_option,
    target_argument,
)
from fullsend.cli.github.install_options import errors_explained
from fullsend.cli.output import json_option, print_json, print_table, progress
from fullsend.operate.model.grant_list import Grants, parse_grants, role_of
from mintcore.policy.grants import variable_name

if TYPE_CHECKING:
    from fullsend.operate.model.grant_list import Caller
    from mintcore.policy.names import Role


@click.command()
@target_argument
@role_option(required=False)
@caller_option(required=False)
@json_option
def grants(*, target: Caller, role: Role | None, caller: Caller | None, as_json: bool) -> None:
    """List the grants of ORG or OWNER/REPO.

    With --role, list only that role's grants. With --caller, list only that caller's grants, including its owner's.
    """
    with errors_explained():
        session = open_session(target)
        with progress(f"reading the grants of {target}"):
            found = session.read()
    if role is not None:
        found = {name: kept for name, kept in found.items() if name == variable_name(role)}
    if caller is not None:
        found = {name: _of(kept, caller) for name, kept in found.items() if kept.reach(caller)}
    if as_json:
        print_json({"target": str(target), "grants": [_as_json(name, kept) for name, kept in found.items()]})
        return
    rows = [(role_of(name) or "", entry, "") for name, kept in found.items() for entry in kept.callers]
    rows += [(role_of(name) or "", entry, "ignored") for name, kept in found.items() for entry in kept.ignored]
    if rows:
        print_table(("role", "caller", "note"), sorted(rows), whole=("role", "caller"))
    else:
        click.echo(f"{target} grants nothing" + ("." if role is None and caller is None else " of that."))


def _of(kept: Grants, caller: Caller) -> Grants:
    """Return the entries through which the caller has the grant."""
    return Grants(tuple(entry for entry in kept.callers if parse_grants(entry).reach(caller)))


def _as_json(variable: str, kept: Grants) -> dict[str, object]:
    return {
        "role": role_of(variable),
        "variable": variable,
        "callers": list(kept.callers),
        "ignored": list(kept.ignored),
    }
