"""`fullsend mint doctor`: every way the parts of a mint can disagree, each with the command that fixes it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fullsend.cli.mint.operator_options import github_api, google, place_options, resolver
from fullsend.cli.output import NOT_HEALTHY, json_option, note, print_json, progress
from fullsend.github.apps import GitHubApps
from fullsend.operate.doctor.check import check, read_snapshot
from fullsend.operate.doctor.finding import Kind
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import build, default_source
from fullsend.operate.plan.enrollment import require_mint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend.operate.doctor.finding import Finding

_TITLES = {Kind.PROBLEM: "", Kind.PROTECTION_OFF: "Protections that are off:", Kind.UNCHECKED: "Not checked:"}


@click.command()
@place_options
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    show_default="where this command came from",
    help="The source that the mint should run; without one, which source it runs is not checked.",
)
@json_option
def doctor(*, project: str, region: str, source: Path | None, as_json: bool) -> None:
    """Find what is wrong with a mint, and print the command that fixes it.

    Compares the environment, the providers, the secrets, the Apps, their installations and the enrolled names.
    Changes nothing. Exit status 3 when there is a problem; a protection that is off is no problem.
    """
    with google(project, region) as cloud:
        bundle_hash = _hash(source)
        with progress(f"checking the mint of {project}"):
            state = read_state(cloud)
            require_mint(state)
            github = GitHubApps(github_api(state.environment))
            snapshot = read_snapshot(
                cloud, state, github=github, resolver=resolver(state.environment), bundle_hash=bundle_hash
            )
            findings = check(snapshot)
    problems = [finding for finding in findings if finding.kind is Kind.PROBLEM]
    if as_json:
        print_json({"url": state.url, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
    if not problems:
        note(f"Nothing is wrong with the mint at {state.url}.")
    if problems:
        sys.exit(NOT_HEALTHY)


def _print(findings: Sequence[Finding]) -> None:
    """Print the problems first, then the protections that are off, then what was not checked."""
    number = 0
    for kind, title in _TITLES.items():
        listed = [finding for finding in findings if finding.kind is kind]
        if listed and title:
            click.echo(title)
        for finding in listed:
            number += 1
            indented = finding.fix.replace("\n", "\n           ")
            click.echo(f"{number}. {finding.what} ({finding.code})\n      Fix: {indented}")


def _hash(source: Path | None) -> str:
    """Return the hash of the source; empty when none was named and the command was installed without it."""
    if source is not None:
        return build(source).sha256
    try:
        return build(default_source()).sha256
    except BadInput:
        return ""
