"""`fullsend mint issuer list`: show the issuers, and which of their jobs can mint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.mint.issuer.shown import as_json as shown
from fullsend.cli.mint.issuer.shown import match_text
from fullsend.cli.mint.operator_options import google, place_options
from fullsend.cli.output import json_option, note, print_json, print_table, progress
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import issuer_list
from fullsend.operate.plan.enrollment import require_mint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fullsend.operate.model.mint_state import MintState


ENTRIES = "Entries of CALLERS; the first that matches and has the role decides"


@click.command("list")
@place_options
@json_option
def list_(*, project: str, region: str, as_json: bool) -> None:
    """Show the issuers of other CI systems, their providers, and their entries of CALLERS in order."""
    with google(project, region) as cloud:
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        require_mint(state)
    listed = [shown(state, name) for name in sorted(issuer_list.issuers(state.environment))]
    if as_json:
        print_json({"issuers": listed})
    elif not listed:
        note(
            "The mint accepts only GitHub's issuer. To add one: fullsend mint issuer add NAME --kind KIND --url URL"
        )
    else:
        _print(listed, state)
    valid = len(issuer_list.callers(state.environment))
    if len(issuer_list.raw_callers(state.environment)) > valid:
        note("Some entries of CALLERS are invalid and not shown. Fix: fullsend mint doctor shows them")


def _print(listed: Sequence[Mapping[str, Any]], state: MintState) -> None:
    rows = [(one["name"], one["kind"], one["url"], one["audience"], _provider(one["provider"])) for one in listed]
    print_table(("issuer", "kind", "url", "audience", "provider"), rows, whole=("issuer",), title="Issuers")
    entries = [
        (
            str(entry.index),
            entry.issuer,
            match_text(entry),
            str(entry.acts_as),
            ", ".join(entry.roles),
            entry.level or "any",
        )
        for entry in issuer_list.callers(state.environment)
    ]
    if entries:
        click.echo()
        print_table(("index", "issuer", "match", "as", "roles", "level"), entries, whole=("issuer",), title=ENTRIES)


def _provider(provider: Mapping[str, Any]) -> str:
    return f"{provider['id']} {provider['state']}" + (", uploaded keys" if provider["uploaded_keys"] else "")
