"""`fullsend mint enroll` and `unenroll`: who may mint."""

from __future__ import annotations

import click

from fullsend.cli.mint.operator_options import carry_out, google, place_options, plan_options, resolver
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import names
from fullsend.operate.model.environment import REPO_ONLY, items
from fullsend.operate.plan.enrollment import enroll_org, enroll_repo, require_mint, unenroll_org, unenroll_repo
from mintcore.policy.names import Repo


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@place_options
@click.option("--as-spelled", is_flag=True, help="Take the name in the case it is given, without asking GitHub.")
@plan_options
def enroll(*, target: str, project: str, region: str, as_spelled: bool, dry_run: bool, emit: str | None) -> None:
    """Let an organization mint, or one repository with its own workflows.

    Safe to run from many places at once. Google takes up to some minutes to let a new name in.
    """
    with google(project, region) as cloud:
        wanted = names.target(target)
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        require_mint(state)
        if isinstance(wanted, Repo):
            repo = wanted if as_spelled else resolver(state.environment).repo(wanted)
            steps = enroll_repo(state, repo)
        else:
            org = wanted if as_spelled else resolver(state.environment).org(wanted)
            steps = enroll_org(state, org)
        already = f"{target} is enrolled already."
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already) and steps:
            note(f"{target} is enrolled.")


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@place_options
@yes_option
@plan_options
def unenroll(*, target: str, project: str, region: str, yes: bool, dry_run: bool, emit: str | None) -> None:
    """Let an organization or repository no longer mint.

    Tokens that were minted before live on for up to an hour.
    """
    with google(project, region) as cloud:
        wanted = names.target(target)
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        steps = unenroll_repo(state, wanted) if isinstance(wanted, Repo) else unenroll_org(state, wanted)
        question = f"End the enrollment of {target}?"
        already = f"{target} is not enrolled."
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done and steps:
            note(f"{target} is no longer enrolled.")
            after = {} if isinstance(wanted, Repo) else read_state(cloud).environment
            if str(wanted).lower() in {one.lower() for one in items(after, REPO_ONLY)}:
                note(f"Repositories of {target} that are enrolled by themselves still mint.")
