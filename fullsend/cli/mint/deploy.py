"""`fullsend mint deploy`: create a mint on Google Cloud, or update it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fullsend.cli.lists import split, split_at_commas
from fullsend.cli.mint.operator_options import (
    carry_out,
    google,
    place_options,
    plan_options,
    resolver,
)
from fullsend.cli.mint.role_keys import check_role, kms_option, report_leftovers, with_kms
from fullsend.cli.output import CommandError, note, progress
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import environment, names
from fullsend.operate.model.conditions import required_of
from fullsend.operate.model.deployable_variables import check_names
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.bundle import build, default_source
from fullsend.operate.plan.deployment import deploy as plan
from fullsend.operate.plan.deployment import edit_for
from fullsend.operate.plan.deployment_notes import notes
from fullsend.operate.plan.deployment_spec import DeploymentSpec, RoleKey
from fullsend.operate.plan.pem_file import read_pem

if TYPE_CHECKING:
    from fullsend.operate.model.mint_state import MintState


@click.command()
@place_options
@click.option(
    "--org", "orgs", multiple=True, callback=split_at_commas, help="Enroll this organization; may be repeated."
)
@click.option("--public/--no-public", default=None, help="Serve every organization, but only host workflows.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE=APP_ID[:FILE.pem]",
    help="A role, its App's ID and the App's key; without a file, the stored key is used. May be repeated.",
)
@kms_option
@click.option(
    "--workflow-files",
    multiple=True,
    callback=split,
    metavar="FILE,…",
    help="Workflow files that may mint, added to the list, such as triage.yml; * for all. "
    "--env ALLOWED_WORKFLOW_FILES=… sets the whole list.",
)
@click.option(
    "--repo-scope",
    default="",
    metavar="caller|organization",
    help="Which repositories a job's token can reach. caller: its own and .fullsend; a job of .fullsend may name "
    "any. organization: any, or the whole installation. A JSON object gives each role a scope. "
    "[default: the mint's present scope; caller for a new mint]",
)
@click.option(
    "--workflow-refs",
    default="",
    metavar="REF,…",
    help="Refs at which host workflows are trusted, such as refs/heads/main,refs/tags/*,commits. "
    "[default: the mint's present refs; these for a new public mint]",
)
@click.option(
    "--require",
    multiple=True,
    metavar="CLAIM=VALUE,…",
    help="Require a claim to have one of these values, in the mint and in the providers' conditions. "
    "CLAIM= removes the requirement. May be repeated.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable that no other option or command manages; NAME= unsets it.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=default_source,
    show_default="where this command came from",
    help="The folder with main.py and mintcore/.",
)
@click.option(
    "--min-instances",
    type=click.IntRange(0, 100),
    help="Instances that always run. [default: the mint's present number; 0 for a new mint]",
)
@click.option(
    "--max-instances",
    type=click.IntRange(1, 100),
    help="Maximum number of instances. [default: the mint's present number; 3 for a new mint]",
)
@click.option(
    "--as-spelled", is_flag=True, help="Use --org exactly as typed and store no id, without asking GitHub."
)
@click.option("--skip-github", is_flag=True, help="Do not check the Apps' keys and permissions with GitHub.")
@click.option(
    "--skip-build-check", is_flag=True, help="Do not check the role of Cloud Build's account on the project."
)
@plan_options
def deploy(
    *,
    project: str,
    region: str,
    orgs: list[str],
    public: bool | None,
    roles: tuple[str, ...],
    kms: bool,
    workflow_files: list[str],
    repo_scope: str,
    workflow_refs: str,
    require: tuple[str, ...],
    variables: tuple[str, ...],
    source: Path,
    min_instances: int | None,
    max_instances: int | None,
    as_spelled: bool,
    skip_github: bool,
    skip_build_check: bool,
    dry_run: bool,
    emit: str | None,
) -> None:
    """Create the mint, or bring it up to date.

    Adds to what exists: earlier organizations and roles stay. If a step fails or the command is stopped, run the
    same command again; it continues from there.
    """
    if kms and not roles:
        raise click.UsageError("--kms applies to the keys of --role; give at least one --role.")
    with google(project, region) as cloud:
        deployment = DeploymentSpec(
            orgs=tuple(names.org(org) for org in orgs),
            public=public,
            roles=tuple(_role(text) for text in roles),
            workflow_files=tuple(names.workflow_file(name) for name in workflow_files),
            variables=tuple(names.variable(text) for text in variables),
            repo_scope=repo_scope,
            workflow_refs=workflow_refs,
            require=tuple(_required(text) for text in require),
            check_builder=not skip_build_check,
            min_instances=min_instances,
            max_instances=max_instances,
        )
        check_names(deployment.variables)
        bundle = build(source)
        with progress(f"reading the project {project}"):
            state = read_state(cloud, [role.role for role in deployment.roles])
            if kms:
                in_kms = tuple(with_kms(cloud, state, role) for role in deployment.roles)
                deployment = replace(deployment, roles=in_kms)
        after = edit_for(state, deployment).apply(state.environment)
        if deployment.orgs and not as_spelled:
            found = [resolver(after).account(org) for org in deployment.orgs]
            ids = tuple((str(one.name), one.number) for one in found)
            deployment = replace(deployment, orgs=tuple(one.name for one in found), ids=ids)
        steps = plan(state, deployment, bundle)
        if not skip_github:
            for role in (one for one in deployment.roles if one.key is not None or one.in_kms is not None):
                check_role(cloud, role, after)
        _tell(state, deployment)
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit):
            url = read_state(cloud).url
            if not url:
                raise CommandError("Google did not return the mint's URL.", "Run the command again.")
            click.echo(f"FULLSEND_MINT_URL={url}")
            for role in deployment.roles:
                report_leftovers(state, role)
            note("Give callers this URL: fullsend github setup ORG --mint-url … sets it for them.")


def _tell(state: MintState, deployment: DeploymentSpec) -> None:
    """Print the changes beyond the given options, and the warnings that the mint will log."""
    after = edit_for(state, deployment).apply(state.environment)
    for sentence in notes(state, deployment, after):
        note(sentence)
    for sentence in environment.new_warnings(state.environment, after):
        note(f"warning: {sentence}")


def _required(text: str) -> tuple[str, tuple[str, ...]]:
    name, equals, values = text.partition("=")
    if not equals:
        raise BadInput(f"--require {text!r} is not CLAIM=VALUE,VALUE.", "For example: --require event_name=push")
    listed = tuple(value.strip() for value in values.split(",") if value.strip())
    # `CLAIM=` removes a requirement on purpose; a list of commas only comes from unset variables.
    if values and not listed:
        raise BadInput(
            f"--require {text!r} has no value.", f"Name one, or write {name}= to remove the requirement."
        )
    if listed:
        required_of({name: listed})
    return name, listed


def _role(text: str) -> RoleKey:
    name, equals, rest = text.partition("=")
    app_id, _, file = rest.partition(":")
    if not equals:
        raise BadInput(f"--role {text!r} is not ROLE=APP_ID or ROLE=APP_ID:FILE.pem.")
    role = names.role(name)
    if role == "fix":
        raise BadInput("The role fix does not have its own App: it uses coder's, and is served with it.")
    return RoleKey(role, names.app_id(app_id), file, read_pem(Path(file), role) if file else None)
