"""`fullsend inference provision`, `deprovision` and `status`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from fullsend.cli.mint.operator_options import carry_out, google, plan_options, project_option, resolver
from fullsend.cli.output import NOT_HEALTHY, note, print_json, print_table, progress, yes_option
from fullsend.operate.gcp.read_state import federation
from fullsend.operate.model import conditions, names
from fullsend.operate.model.federation import resource
from fullsend.operate.model.inference_members import USER, admits
from fullsend.operate.plan.inference_access import InferenceState
from fullsend.operate.plan.inference_access import deprovision as plan_deprovision
from fullsend.operate.plan.inference_access import provision as plan_provision
from mintcore.policy.names import Repo

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from mintcore.policy.names import Org


def read(cloud: Cloud) -> InferenceState:
    """Return the state of the project's inference pool."""
    number, apis = cloud.apis.look()
    pool, providers = federation(cloud, names.INFERENCE_POOL) if "iam.googleapis.com" in apis else (None, {})
    members: set[str] = set()
    if "cloudresourcemanager.googleapis.com" in apis:
        number = cloud.project.number()
        members = cloud.project.members(USER)
    return InferenceState(number, apis, pool, providers.get(names.PROVIDER), frozenset(members))


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@project_option
@click.option("--as-spelled", is_flag=True, help="Use the name exactly as typed, without asking GitHub.")
@plan_options
def provision(*, target: str, project: str, as_spelled: bool, dry_run: bool, emit: str | None) -> None:
    """Allow the workflows of an organization or a repository to use models."""
    with google(project) as cloud:
        wanted = names.target(target)
        if not as_spelled:
            who = resolver({})
            wanted = who.repo(wanted) if isinstance(wanted, Repo) else who.org(wanted)
        with progress(f"reading the project {project}"):
            state = read(cloud)
        steps = plan_provision(state, wanted)
        already = f"{target} can use models already."
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already):
            click.echo(_env(project, _resource(state.number)))
            if steps:
                note(f"{target} can use models.")


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@project_option
@yes_option
@plan_options
def deprovision(*, target: str, project: str, yes: bool, dry_run: bool, emit: str | None) -> None:
    """Revoke the use of models, and remove the IAM binding on the project."""
    with google(project) as cloud:
        wanted = names.target(target)
        with progress(f"reading the project {project}"):
            state = read(cloud)
        steps = plan_deprovision(state, wanted)
        question = f"Revoke the use of models in {project} from {target}?"
        cover = state.covering(wanted)
        already = f"{target} itself has no access." if cover else f"{target} cannot use models."
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done:
            _report_remaining(state, wanted, ended=bool(steps))


def _report_remaining(state: InferenceState, wanted: Org | Repo, *, ended: bool) -> None:
    """Report whether the target still has access through its organization."""
    cover = state.covering(wanted)
    if cover is None and ended:
        note(f"{wanted} can no longer use models.")
    elif cover is not None:
        note(
            f"{wanted} can still use models: its organization {cover} has access. To end that for all its "
            f"repositories: fullsend inference deprovision {cover}"
        )


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@project_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "env"]),
    default="text",
    show_default=True,
    help="env prints lines for a shell, without the provider if the target cannot use models.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
def status(context: click.Context, *, target: str, project: str, form: str, as_json: bool) -> None:
    """Show whether an organization or a repository can use models. Exit status 3 when not."""
    if as_json and form != "json" and context.get_parameter_source("form") is ParameterSource.COMMANDLINE:
        raise click.UsageError(f"--json and --format {form} contradict each other: give one of them.")
    with google(project) as cloud:
        wanted = names.target(target)
        with progress(f"reading the project {project}"):
            state = read(cloud)
    found = _found(state, wanted)
    well = all(found[part] for part in ("pool", "provider", "granted", "admitted"))
    if as_json or form == "json":
        print_json(found)
    elif form == "env":
        # A pipe loses the exit status, so a name that does not work is left out.
        click.echo(_env(project, str(found["wif_provider"]) if well else ""))
    else:
        print_table(("what", "state"), [(name, _word(value)) for name, value in found.items()])
    if not well:
        note(f"{wanted} cannot use models. Fix: fullsend inference provision {wanted} --project {project}")
        sys.exit(NOT_HEALTHY)


def _found(state: InferenceState, wanted: Org | Repo) -> dict[str, str | bool]:
    provider = state.provider is not None and state.provider.usable
    cover = state.covering(wanted)
    bound = [one for one in state.targets() if one in (wanted, cover)]
    # A condition written by hand cannot be checked. In the others, Google compares names case-sensitively.
    condition = conditions.parse(state.provider.spec.condition) if state.provider is not None else None
    return {
        "target": str(wanted),
        "pool": state.pool is not None and state.pool.usable,
        "provider": provider,
        "condition": state.provider.spec.condition if state.provider is not None else "",
        "granted": bool(bound),
        "admitted": provider and (condition is None or any(admits(condition, one) for one in bound)),
        "covered_by": str(cover) if cover is not None else "",
        "wif_provider": _resource(state.number) if provider else "",
    }


def _word(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _resource(number: str) -> str:
    return resource(number, names.INFERENCE_POOL, names.PROVIDER)


def _env(project: str, provider: str) -> str:
    line = f"\nFULLSEND_GCP_WIF_PROVIDER={provider}" if provider else ""
    return f"FULLSEND_GCP_PROJECT_ID={project}{line}"
