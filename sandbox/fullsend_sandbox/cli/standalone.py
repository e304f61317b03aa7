"""`fullsend sandbox standalone`: show a standalone mint with two roles and a hosted mint as its fallback.

This file prints. The steps are in `sandbox/fullsend_sandbox/standalone_demo.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fullsend_sandbox.cli.common import ended_by_signals, finish, source_folder, source_option
from fullsend_sandbox.cli.output import CommandError, json_option, progress
from fullsend_sandbox.demo import play
from fullsend_sandbox.process import MintDidNotStartError
from fullsend_sandbox.standalone_demo import STEPS, two_mints
from fullsend_sandbox.world import World

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Show a standalone mint with a hosted fallback mint.")
@json_option
@source_option
def standalone(*, as_json: bool, source: Path | None) -> None:
    """Show a standalone mint that forwards some roles to a hosted mint.

    It starts fullsend-mint with a directory of keys for the roles scanner (custom) and triage, and a hosted mint
    as the fallback for all other roles. Then it mints from both and ends.
    """
    folder = source_folder(source)
    with ended_by_signals(), World() as world:
        try:
            with two_mints(world, folder) as mint, progress("minting from both"):
                outcomes = list(play(world, mint.url, STEPS))
        except MintDidNotStartError as problem:
            raise CommandError(str(problem)) from problem
    finish(outcomes, mint, as_json=as_json)
