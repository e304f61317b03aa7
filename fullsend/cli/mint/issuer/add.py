"""`fullsend mint issuer add`: add another CI system's issuer, and choose which of its jobs can mint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.mint.issuer.entry_options import entry_options, file_text, in_json, one_entry
from fullsend.cli.mint.issuer.shown import as_json as shown
from fullsend.cli.mint.operator_options import carry_out, google, place_options, plan_options
from fullsend.cli.output import BadUsage, json_option, note, print_json, progress
from fullsend.client.issuer_discovery import read_discovery
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import environment
from fullsend.operate.model.issuer_list import issuers
from fullsend.operate.model.key_sets import read_key_set
from fullsend.operate.model.names import issuer_name
from fullsend.operate.plan.issuer_changes import SECOND_GITHUB, IssuerSpec, add_issuer, edit_for
from fullsend.operate.plan.steps.issuer_steps import KeySet
from mintcore.policy.kinds.github import GITHUB
from mintcore.policy.kinds.table import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend.operate.model.mint_state import MintState


class KindChoice(click.Choice[str]):
    """The kinds of issuers. GitHub's kind is refused, with a sentence that names the right command."""

    def __init__(self) -> None:
        super().__init__([kind for kind in KINDS if kind != GITHUB.name])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the kind. Raises BadUsage."""
        if value == GITHUB.name:
            raise BadUsage(*SECOND_GITHUB)
        return super().convert(value, param, ctx)


@click.command()
@click.argument("name")
@place_options
@click.option("--kind", type=KindChoice(), help="The CI system.")
@click.option("--url", default="", help="The issuer's URL, exactly as in the claim iss of its tokens.")
@click.option("--audience", help="The audience of its tokens; OIDC_AUDIENCE of the mint by default.")
@click.option(
    "--jwks-file",
    type=click.Path(path_type=Path),
    help="Its JSON Web Key Set, to upload if Google cannot reach the issuer.",
)
@click.option("--no-jwks-file", "from_issuer", is_flag=True, help="Read the keys from the issuer again.")
@entry_options
@click.option("--replace", is_flag=True, help="Remove the issuer's other entries.")
@json_option
@plan_options
def add(
    *,
    name: str,
    project: str,
    region: str,
    kind: str | None,
    url: str,
    audience: str | None,
    jwks_file: Path | None,
    from_issuer: bool,
    match: dict[str, str],
    acts_as: str,
    roles: Sequence[str],
    level: str,
    no_level: bool,
    inline: Sequence[str],
    callers: str | None,
    replace: bool,
    as_json: bool,
    dry_run: bool,
    emit: str | None,
) -> None:
    """Let jobs of another CI system mint: the issuer NAME, its identity provider, and entries of CALLERS.

    Run it again to add an entry, or to change the entry with the same match and repository: --role replaces its
    roles, --level its level; without them, both stay. Without options it restores the provider. Google takes up to
    a few minutes to admit a new entry.
    """
    if jwks_file is not None and from_issuer:
        raise BadUsage("--jwks-file and --no-jwks-file exclude each other.")
    if audience is not None and not audience.strip():
        raise BadUsage("--audience is empty.", "Name the audience, or leave --audience out for the mint's.")
    if level and no_level:
        raise BadUsage("--level and --no-level exclude each other.")
    entries = [*one_entry(match, acts_as, roles, level), *in_json(inline, Path(callers) if callers else None)]
    if replace and not entries:
        raise BadUsage(
            "--replace needs at least one entry.", f"To remove all of them: fullsend mint issuer remove {name}"
        )
    if no_level and not entries:
        raise BadUsage("--no-level needs an entry.", "Name it with --match and --as.")
    with google(project, region) as cloud:
        keys = _keys(jwks_file, from_issuer=from_issuer)
        wanted = IssuerSpec(
            issuer_name(name), kind or "", url, audience or "", tuple(entries), replace, keys, no_level
        )
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        steps = add_issuer(state, wanted)
        _warn(state, wanted)
        already = f"{name} already has these settings."
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, as_json=as_json)
        if done and steps:
            note(f"{name} is an issuer of the mint.")
        if done and as_json:
            print_json(shown(read_state(cloud), name))


def _warn(state: MintState, wanted: IssuerSpec) -> None:
    """Print the warnings that the mint will log and, for a new issuer, why Google could not read its URL."""
    edit = edit_for(state.environment, wanted)
    for sentence in environment.new_warnings(state.environment, edit.apply(state.environment)):
        note(f"warning: {sentence}")
    if wanted.name in issuers(state.environment) or (wanted.keys is not None and wanted.keys.text):
        return
    found = read_discovery(edit.issuer.url)
    if found.refused:
        note(
            f"warning: the issuer publishes no usable discovery document: {found.refused}. Google will refuse its "
            "tokens. Fix: give --url exactly as in the claim iss, or --jwks-file"
        )
    elif found.unreachable:
        note(
            f"warning: the issuer could not be read from here: {found.unreachable}. Fix: if Google cannot reach it "
            "either, add --jwks-file"
        )


def _keys(path: Path | None, *, from_issuer: bool) -> KeySet | None:
    if path is not None:
        return KeySet(read_key_set(file_text(path), str(path)), str(path.absolute()))
    return KeySet("") if from_issuer else None
