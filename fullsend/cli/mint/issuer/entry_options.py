"""Read entries of CALLERS from options and from JSON. The mint's own code checks them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.lists import split
from fullsend.cli.output import BadUsage
from fullsend.explain.input_errors import UnusableInputError
from fullsend.explain.text_file import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EXAMPLE = """'{"match": {"project_id": "4711"}, "as": "acme/app", "roles": ["coder"]}'"""


def match_option(command: Any) -> Any:
    """Add `--match`; it arrives as `match`, a mapping."""
    return click.option(
        "--match",
        metavar="CLAIM=VALUE",
        multiple=True,
        callback=pairs,
        help="A claim that the job's token must have; * at the end for any suffix. Repeat it.",
    )(command)


def as_option(command: Any) -> Any:
    """Add `--as`; it arrives as `acts_as`."""
    return click.option(
        "--as", "acts_as", metavar="OWNER/REPO", default="", help="The repository that the job acts for."
    )(command)


def entry_options(command: Any) -> Any:
    """Add the options of entries: one entry by its parts, or several in JSON."""
    role = click.option(
        "--role", "roles", metavar="ROLE", multiple=True, callback=split, help="A role it can ask for. Repeat it."
    )
    level = click.option("--level", default="", help="The highest level, and the default one.")
    no_level = click.option("--no-level", is_flag=True, help="Remove the entry's level: its jobs get any level.")
    caller = click.option("--caller", "inline", metavar="JSON", multiple=True, help=f"An entry, such as {EXAMPLE}.")
    callers = click.option("--callers", metavar="FILE", help="A JSON list of entries; - is stdin.")
    for option in (callers, caller, no_level, level, role, as_option, match_option):
        command = option(command)
    return command


def pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return CLAIM=VALUE options as a mapping; a click callback."""
    found: dict[str, str] = {}
    for text in values:
        claim, equals, value = text.partition("=")
        if not equals or not claim or not value:
            raise BadUsage(f"{text[:100]!r} is not CLAIM=VALUE.", "Such as: --match project_id=4711")
        if found.setdefault(claim, value) != value:
            raise BadUsage(
                f"The claim {claim} has two values.", "Run the command twice: each run adds one entry to CALLERS."
            )
    return found


def one_entry(match: Mapping[str, str], acts_as: str, roles: Sequence[str], level: str) -> list[dict[str, Any]]:
    """Return the entry that `--match`, `--as`, `--role` and `--level` describe; an empty list without them.

    Without roles or level, an existing entry with this match and repository keeps its own.
    """
    parts = {"--match": bool(match), "--as": bool(acts_as)}
    if not any(parts.values()) and not roles and not level:
        return []
    missing = [option for option, given in parts.items() if not given]
    if missing:
        raise BadUsage(
            f"An entry needs --match and --as; {' and '.join(missing)} {_is(missing)} missing.",
            "Such as: --match project_id=4711 --match ref_protected=true --as acme/app --role coder",
        )
    entry: dict[str, Any] = {"match": dict(match), "as": acts_as}
    return [entry | ({"roles": list(roles)} if roles else {}) | ({"level": level} if level else {})]


def _is(listed: Sequence[str]) -> str:
    return "is" if len(listed) == 1 else "are"


def in_json(inline: Sequence[str], path: Path | None) -> list[dict[str, Any]]:
    """Return the entries of `--caller` and `--callers`. Raises BadUsage."""
    found = [_object(_parsed(text, "--caller"), "--caller") for text in inline]
    if path is not None:
        listed = _parsed(file_text(path), str(path))
        if not isinstance(listed, list):
            raise BadUsage(f"{path} is not a JSON list of entries.", f"Such as: [{EXAMPLE[1:-1]}]")
        found += [_object(entry, str(path)) for entry in listed]
    return found


def file_text(path: Path) -> str:
    """Return a small text file's content, `-` for stdin. Raises BadUsage."""
    try:
        return read_text(path)
    except UnusableInputError as error:
        raise BadUsage(str(error), error.remedy) from None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadUsage(f"{where} is not JSON.", f"Such as: {EXAMPLE}") from None


def _object(entry: Any, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BadUsage(f"An entry of {where} is not a JSON object.", f"Such as: {EXAMPLE}")
    return entry
