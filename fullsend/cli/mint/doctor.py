"""`fullsend mint doctor`: find parts of a mint that disagree, and print the command that fixes each."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from fullsend.audit.entries import ReadReport, read_events, without_repeats
from fullsend.cli.input_option import InputFile
from fullsend.cli.mint.operator_options import github_api, google, place_options, resolver
from fullsend.cli.output import (
    NOT_HEALTHY,
    BadUsage,
    CommandError,
    json_option,
    note,
    print_json,
    print_table,
    progress,
)
from fullsend.failure import Failure
from fullsend.github.apps import GitHubApps
from fullsend.operate.doctor.check import check, read_snapshot
from fullsend.operate.doctor.finding import Kind
from fullsend.operate.doctor.quota_checks import quotas_of
from fullsend.operate.doctor.rehearsal import rehearse
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model.provenance import MAX_BYTES, Provenance, ServedSource, parse_digests
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import build, default_source, of_archive
from fullsend.operate.plan.enrollment import require_mint
from mintcore.settings.environment import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fullsend.operate.doctor.finding import Finding
    from fullsend.operate.doctor.rehearsal import Rehearsal
    from fullsend.operate.gcp.cloud import Cloud

_TITLES = {Kind.PROBLEM: "", Kind.PROTECTION_OFF: "Protections that are off:", Kind.UNCHECKED: "Not checked:"}


@click.command()
@place_options
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    show_default="where this command came from",
    help="The folder with the source that the mint should run. Without a source, this check is skipped.",
)
@click.option(
    "--events",
    type=InputFile(),
    multiple=True,
    metavar="FILE",
    help="Audit events, in a form that `audit find` reads: also list granted requests that the protections would "
    "deny. "
    "May be repeated.",
)
@click.option(
    "--provenance",
    type=InputFile(),
    metavar="FILE",
    help="A release's SHA256SUMS or attestation: also compare the source that Cloud Functions has with it. Verify "
    "the file first: gh attestation verify.",
)
@json_option
def doctor(
    *,
    project: str,
    region: str,
    source: Path | None,
    provenance: IO[bytes] | None,
    events: tuple[IO[bytes], ...],
    as_json: bool,
) -> None:
    """Find what is wrong with a mint, and print the command that fixes it.

    Compares the environment, the providers, the secrets, the Apps, their installations and the enrolled names.
    Changes nothing. Exit status 3 when there is a problem; a protection that is off does not count.
    """
    with google(project, region) as cloud:
        bundle_hash = _hash(source)
        with progress(f"checking the mint of {project}"):
            state = read_state(cloud)
            if state.function is None or state.function.get("state") != "FAILED":
                require_mint(state)  # a function whose first build failed has no service yet
            github = GitHubApps(github_api(state.environment))
            snapshot = read_snapshot(
                cloud, state, github=github, resolver=resolver(state.environment), bundle_hash=bundle_hash
            )
            if provenance is not None:
                snapshot = replace(snapshot, provenance=_published(cloud, provenance))
            findings = check(snapshot)
    rehearsal = _rehearsed(events, state.serving_environment) if events else None
    problems = [finding for finding in findings if finding.kind is Kind.PROBLEM]
    if as_json:
        quotas = {app: asdict(quota) for app, quota in quotas_of(snapshot).items()}
        found = {"url": state.url, "findings": [asdict(finding) for finding in findings], "quotas": quotas}
        print_json(found | ({} if rehearsal is None else {"rehearsal": asdict(rehearsal)}))
    else:
        _print(findings)
        if rehearsal is not None:
            _print_rehearsal(rehearsal)
    for app, quota in quotas_of(snapshot).items():
        note(f"GitHub accepts {quota.remaining} of {quota.limit} requests of the App {app} until {quota.ends}.")
    if not problems:
        note(f"Nothing is wrong with the mint at {state.url}.")
    if problems:
        sys.exit(NOT_HEALTHY)


def _published(cloud: Cloud, file: IO[bytes]) -> Provenance:
    """Return the digests of a file and the source that Cloud Functions has. Raises BadInput for the file."""
    text = file.read(MAX_BYTES).decode("utf-8", "replace")
    digests = parse_digests(text, file.name)
    try:
        sha256, others = of_archive(cloud.functions.source(cloud.location.function))
    except Failure as error:
        return Provenance(file.name, digests, ServedSource(unreadable=error.message, fix=error.remedy))
    return Provenance(file.name, digests, ServedSource(sha256, others))


def _rehearsed(files: Sequence[IO[bytes]], environment: Mapping[str, str]) -> Rehearsal:
    reading = ReadReport()
    found = [entry for file in files for entry in read_events(file.name, file, reading)]
    if not found:
        raise BadUsage(
            f"The command found no audit event in {', '.join(file.name for file in files)}.",
            "Give the lines a mint prints, the file of AUDIT_LOG, or an export of Cloud Logging.",
        )
    try:
        return rehearse((entry.event for entry in without_repeats(found)), environment)
    except ConfigurationError as error:
        raise CommandError("The mint's settings are not valid.", "\n".join(error.problems)) from None


def _print_rehearsal(rehearsal: Rehearsal) -> None:
    """Print which of the granted requests the protections would deny."""
    click.echo(f"With every protection on, of {rehearsal.decided} granted requests:")
    if not rehearsal.stopped:
        click.echo("no request is known to be denied." if rehearsal.undecided else "no request would be denied.")
    changes = {change: str(n) for n, change in enumerate(dict.fromkeys(one.change for one in rehearsal.stopped), 1)}
    rows = [
        (changes[one.change], one.rule, one.repository, one.workflow, one.role, str(one.times))
        for one in rehearsal.stopped
    ]
    if rows:
        columns = ("no.", "rule", "repository", "workflow", "role", "requests")
        print_table(columns, rows, whole=columns)
        for change, number in changes.items():
            click.echo(f"{number}. {change}")
        click.echo(f"Fix: change these jobs before the rule denies.{_exception(rehearsal)}")
    if rehearsal.narrowed:
        click.echo(
            "These jobs name no repositories and got all of them. With REPO_SCOPE=caller they get only their "
            "own, even while the rule repo_scope only reports:"
        )
        less = [(one.repository, one.workflow, one.role, str(one.times)) for one in rehearsal.narrowed]
        print_table(("repository", "workflow", "role", "requests"), less)
        click.echo("Fix: name the repositories in the jobs that need others.")
    if rehearsal.undecided:
        click.echo(
            f"{rehearsal.undecided} requests depend on grants, commits or claims that audit events do not "
            "contain. Fix: "
            "turn the rules on with REPORT_ONLY, then read fullsend audit find --would-deny FILE."
        )
    if rehearsal.unreadable:
        note(f"{rehearsal.unreadable} events could not be decided: they lack the caller's claims.")


def _exception(rehearsal: Rehearsal) -> str:
    """Return the option that lets roles keep their access to other repositories; empty if no rule stops them."""
    roles = sorted({one.role for one in rehearsal.stopped if one.rule == "repo_scope"})
    if not roles:
        return ""
    scopes = json.dumps(dict.fromkeys(roles, "organization") | {"*": "caller"})
    return f" A role that needs other repositories keeps them with --repo-scope '{scopes}'."


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
    """Return the hash of the source; empty without a named or installed source."""
    if source is not None:
        return build(source).sha256
    try:
        return build(default_source()).sha256
    except BadInput:
        return ""
