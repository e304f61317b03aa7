"""`fullsend mint doctor`: every way the parts of a mint can disagree, each with its fix."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from fullsend.cli.mint.operator_options import github_api, google, place_options, resolver
from fullsend.cli.output import NOT_HEALTHY, json_option, note, print_json, progress
from fullsend.github.apps import GitHubApps
from fullsend.operate.doctor.check import check, read_snapshot
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import build, default_source
from fullsend.operate.plan.enrollment import require_mint


@click.command()
@place_options
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    show_default="where this command came from",
    help="The source the mint should run; without any, which one it runs is not checked.",
)
@json_option
def doctor(*, project: str, region: str, source: Path | None, as_json: bool) -> None:
    """Find what is wrong with a mint and how to fix it.

    Holds the environment, the providers, the secrets, the Apps and their installations against each other.
    Changes nothing. Exit status 3 when there is something to fix.
    """
    with google(project, region) as cloud:
        bundle_hash = _hash(source)
        with progress(f"examining the mint of {project}"):
            state = read_state(cloud)
            require_mint(state)
            github = GitHubApps(github_api(state.environment))
            snapshot = read_snapshot(
                cloud, state, github=github, resolver=resolver(state.environment), bundle_hash=bundle_hash
            )
            findings = check(snapshot)
    if as_json:
        print_json({"url": state.url, "findings": [asdict(finding) for finding in findings]})
    for number, finding in enumerate([] if as_json else findings, start=1):
        indented = finding.mend.replace("\n", "\n      ")
        click.echo(f"{number}. {finding.what} ({finding.code})\n      {indented}")
    if not findings:
        note(f"Nothing is wrong with the mint at {state.url}.")
    if any(finding.certain for finding in findings):
        sys.exit(NOT_HEALTHY)


def _hash(source: Path | None) -> str:
    """Return the hash of the source; empty when none was named and the command was installed without it."""
    if source is not None:
        return build(source).sha256
    try:
        return build(default_source()).sha256
    except BadInput:
        return ""
