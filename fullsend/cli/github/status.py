"""`fullsend github status`: show each managed name as present, missing, stale or different."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.github.install_options import (
    errors_explained,
    given_values,
    open_session,
    target_argument,
    value_options,
)
from fullsend.cli.output import NOT_HEALTHY, json_option, note, print_json, print_table, progress
from fullsend.operate.model.install_review import Finding, State, review

if TYPE_CHECKING:
    from fullsend.operate.model.install import Install


@click.command()
@target_argument
@value_options
@json_option
def status(*, install: Install, as_json: bool, **options: Any) -> None:
    """Show the variables and secrets of ORG or OWNER/REPO.

    Values given as options are compared with those on GitHub. Exit status 3 if a name is missing or has another
    value, or if an older installation left a credential behind.
    """
    given = given_values(install, **options)
    with errors_explained():
        session = open_session(install)
        with progress(f"reading {install.target}"):
            session.look()
            findings = review(install, given, session.read())
    wrong = [finding for finding in findings if finding.state is not State.PRESENT]
    if as_json:
        print_json(
            {
                "target": str(install.target),
                "mode": "per-repo" if install.per_repo else "per-org",
                "healthy": not wrong,
                "organization_secrets_listed": not session.unread,
                "items": [_as_json(finding) for finding in findings],
            }
        )
    else:
        rows = [(f.state.value, f.slot.holder, f.slot.kind.value, f.slot.name, _about(f)) for f in findings]
        print_table(("state", "where", "kind", "name", "value"), rows, whole=("state", "where", "kind", "name"))
        for fix in dict.fromkeys(finding.fix for finding in wrong):
            click.echo(f"Fix: {fix}")
        if session.unread:
            note("The organization's secrets were not checked, because the token may not list them.")
    if wrong:
        sys.exit(NOT_HEALTHY)


def _about(finding: Finding) -> str:
    return ", ".join(part for part in (finding.value, finding.detail) if part)


def _as_json(finding: Finding) -> dict[str, str | None]:
    return {
        "status": finding.state.value,
        "where": finding.slot.holder,
        "kind": finding.slot.kind.value,
        "name": finding.slot.name,
        "value": finding.value,
        "detail": finding.detail,
        "fix": finding.fix,
    }
