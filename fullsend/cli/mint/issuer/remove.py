"""`fullsend mint issuer remove`: remove an issuer with its provider and entries, or some of its entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.lists import listing
from fullsend.cli.mint.issuer.entry_options import as_option, match_option
from fullsend.cli.mint.issuer.shown import as_json as shown
from fullsend.cli.mint.issuer.shown import entry_text
from fullsend.cli.mint.operator_options import carry_out, google, place_options, plan_options
from fullsend.cli.output import json_option, note, print_json, progress, yes_option
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model.issuer_list import entries_of, issuers
from fullsend.operate.model.names import issuer_name
from fullsend.operate.plan.issuer_changes import entries_to_drop, remove_entries, remove_issuer

if TYPE_CHECKING:
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.steps.step import Step


@click.command()
@click.argument("name")
@place_options
@match_option
@as_option
@yes_option
@json_option
@plan_options
def remove(
    *,
    name: str,
    project: str,
    region: str,
    match: dict[str, str],
    acts_as: str,
    yes: bool,
    as_json: bool,
    dry_run: bool,
    emit: str | None,
) -> None:
    """Remove the issuer NAME, its provider and its entries of CALLERS.

    With --match or --as, remove only the matching entries, and keep the issuer. Tokens that were minted before stay
    valid for up to an hour.
    """
    with google(project, region) as cloud:
        issuer_name(name)
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        part = bool(match or acts_as)
        steps, question = _part(state, name, match, acts_as) if part else _whole(state, name)
        nothing = f"No entry of {name} matches these options." if part else _unknown(state, name)
        done = carry_out(
            steps,
            cloud,
            dry_run=dry_run,
            emit=emit,
            otherwise=nothing,
            question=question,
            yes=yes,
            as_json=as_json,
        )
        if done and steps:
            note(f"The entries of {name} are removed." if part else f"{name} is no longer an issuer of the mint.")
        if done and as_json:
            print_json(_removed(state, read_state(cloud) if steps else state, name))


def _unknown(state: MintState, name: str) -> str:
    return f"The mint has no issuer {name}. It has: {listing(issuers(state.environment))}."


def _removed(before: MintState, after: MintState, name: str) -> dict[str, Any]:
    """Return the removed entries, and the issuer's present state, null if it was removed."""
    stays = name in issuers(after.environment)
    left = [entry.fields() for entry in entries_of(after.environment, name)]
    gone = [entry.fields() for entry in entries_of(before.environment, name) if entry.fields() not in left]
    return {
        "name": name,
        "issuer_removed": name in issuers(before.environment) and not stays,
        "callers_removed": [{key: value for key, value in fields.items() if key != "issuer"} for fields in gone],
        "issuer": shown(after, name) if stays else None,
    }


def _whole(state: MintState, name: str) -> tuple[list[Step], str]:
    acting = dict.fromkeys(str(entry.acts_as) for entry in entries_of(state.environment, name))
    stopped = f" Its jobs can no longer mint; they act for {', '.join(acting)}." if acting else ""
    return remove_issuer(state, name), f"Remove the issuer {name}?{stopped}"


def _part(state: MintState, name: str, match: dict[str, str], acts_as: str) -> tuple[list[Step], str]:
    edit, entries = entries_to_drop(state, name, match, acts_as)
    listed = "\n  ".join(entry_text(entry) for entry in entries)
    return remove_entries(state, edit), f"Remove from CALLERS:\n  {listed}\n?"
