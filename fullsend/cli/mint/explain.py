"""`fullsend mint explain`: show offline, rule by rule, how a mint decides about given claims."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.lazy import extra_needed, pip_install
from fullsend.cli.mint.caller_options import narrowing_options, role_options
from fullsend.cli.mint.location_options import PROJECT_VARIABLES, project_from_environment
from fullsend.cli.output import (
    NOT_HEALTHY,
    BadUsage,
    CommandError,
    encodable,
    json_option,
    note,
    print_json,
    print_table,
)
from fullsend.explain.checks import Outcome
from fullsend.explain.claims_file import read_claims
from fullsend.explain.configuration import read_configuration
from fullsend.explain.input_errors import UnreadableFileError, UnusableInputError
from fullsend.explain.trace import explain as explained

if TYPE_CHECKING:
    from fullsend.explain.checks import Explanation
    from fullsend.explain.configuration import Configuration

_SIGNS = {Outcome.PASSED: "ok", Outcome.FAILED: "NO", Outcome.NOT_CHECKED: "-", Outcome.WOULD_DENY: "!"}


@click.command()
@click.option(
    "--claims",
    "claims_file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The claims as JSON, or the JWT (decoded, not verified, never printed); - for stdin.",
)
@role_options
@narrowing_options
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The mint's environment: KEY=VALUE lines, or the YAML of gcloud's --env-vars-file; - for stdin.",
)
@click.option(
    "--project",
    help="Instead of --env-file: the Google Cloud project of a deployed mint. "
    f"[default: the environment's {' or '.join(PROJECT_VARIABLES)}]",
)
@click.option("--region", default="us-central1", show_default=True, help="With --project: the mint's region.")
@json_option
def explain(
    *,
    claims_file: Path,
    role: str,
    repos: list[str],
    level: str | None,
    permissions: dict[str, str] | None,
    target_org: str | None,
    env_file: Path | None,
    project: str | None,
    region: str,
    as_json: bool,
) -> None:
    """Show every rule that applies to a request, its result, and the change that would allow it.

    It makes no call to the mint or to GitHub: signature, exchange, grants, commits, App key and installation are
    not checked. Exit status 3 when the mint would refuse.
    """
    if not role.strip():
        raise click.UsageError("--role is empty: name the requested role, such as --role coder.")
    if env_file is not None and project is not None:
        raise click.UsageError("--env-file and --project name two mints: give one of them.")
    if env_file is None:
        project = project or project_from_environment()
    if env_file is None and not project:
        raise click.UsageError(f"Say which mint: --env-file FILE, or --project P (or set {PROJECT_VARIABLES[0]}).")
    if str(claims_file) == str(env_file) == "-":
        raise click.UsageError("--claims and --env-file cannot both be stdin.")
    try:
        claims = read_claims(claims_file)  # read first, because reading a project takes a while
        configuration = _of_project(project, region) if env_file is None else read_configuration(env_file)
        further = {"level": level, "permissions": permissions or None, "target_org": target_org}
        result = explained(claims, role, repos, configuration, now=time.time(), further=further)
    except UnreadableFileError as error:
        raise BadUsage(str(error), error.remedy) from None
    except UnusableInputError as error:
        raise CommandError(str(error), error.remedy) from None
    if as_json:
        print_json(_fields(result, configuration))
    else:
        _print(result, configuration)
    if result.refusal is not None:
        sys.exit(NOT_HEALTHY)


def _of_project(project: str | None, region: str) -> Configuration:
    with extra_needed("--project", pip_install("operate"), ", or give the mint's variables with --env-file"):
        from fullsend.cli.mint.explain_project import read_project  # noqa: PLC0415 - needs an extra, files do not
    return read_project(project or "", region)


def _fields(result: Explanation, configuration: Configuration) -> dict[str, Any]:
    refusal, grant = result.refusal, result.grant
    return {
        "allowed": None if result.forwarded_to else refusal is None,
        "forwarded_to": result.forwarded_to or None,
        "status": None if result.forwarded_to else 200 if refusal is None else refusal.status,
        "code": None if refusal is None else refusal.code,
        "mode": configuration.mode,
        "rules": [check.fields() for check in result.checks],
        "permissions": None if grant is None else result.permissions,
        "level": None if grant is None else grant.level,
        "org": None if grant is None else str(grant.target.org),
        "repos": None if grant is None else list(grant.repos) or ["*"],
        "warnings": list(configuration.settings.warnings),
    }


def _print(result: Explanation, configuration: Configuration) -> None:
    for warning in configuration.settings.warnings:
        note(f"warning: {warning}")
    rows = [
        (_SIGNS[check.outcome], check.name, check.found, check.expected, check.code or check.outcome.value)
        for check in result.checks
    ]
    print_table(("", "rule", "found", "needed", "outcome"), rows)
    refusal = result.refusal
    for check in result.checks:
        if check.outcome in {Outcome.FAILED, Outcome.WOULD_DENY}:
            click.echo(encodable(f"{check.name}: {check.change}"))
    if refusal is not None:
        click.echo(f"The {configuration.mode} mint would answer {refusal.status} {refusal.code}.")
        return
    if result.forwarded_to:
        click.echo(f"The standalone mint would send the request on to {result.forwarded_to}; that mint decides.")
        return
    click.echo(
        f"As far as an offline check can tell, the {configuration.mode} mint would grant {_granted(result)}, "
        "if the token is genuine and the role's App is installed."
    )


def _granted(result: Explanation) -> str:
    grant = result.grant
    if grant is None:
        return "nothing"
    permissions = ", ".join(f"{name}:{access}" for name, access in result.permissions.items())
    repos = ", ".join(f"{grant.target.org}/{name}" for name in grant.repos)
    return f"{permissions} on {repos or f'every repository of the installation on {grant.target.org}'}"
