"""`fullsend mint enroll` and `unenroll`: change which organizations and repositories can mint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fullsend.cli.lists import listing
from fullsend.cli.mint.operator_options import carry_out, google, place_options, plan_options, resolver
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import names
from fullsend.operate.model.environment import is_public, orgs, repos
from fullsend.operate.plan.enrollment import (
    enroll_org,
    enroll_repo,
    require_mint,
    still_covered,
    stopped_entries,
    unenroll_org,
    unenroll_repo,
)
from mintcore.policy.names import Repo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.names import Org


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@place_options
@click.option(
    "--as-spelled", is_flag=True, help="Use the name exactly as typed and store no id, without asking GitHub."
)
@plan_options
def enroll(*, target: str, project: str, region: str, as_spelled: bool, dry_run: bool, emit: str | None) -> None:
    """Allow an organization to mint, or one repository with its own workflows.

    Looks up the name's case and id on GitHub. Another account can take over a name, but not an id. Safe to run from
    many places at once. Google takes up to a few minutes to admit a new name.
    """
    with google(project, region) as cloud:
        wanted = names.target(target)
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        require_mint(state)
        steps = _named(state, wanted) if as_spelled else _looked_up(state, wanted)
        already = f"{target} is enrolled already."
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already) and steps:
            note(
                f"{target} is enrolled.\nInstall the App of each role there, unless it is installed already: "
                f"fullsend mint doctor {state.location.flags()} reports the missing ones."
            )


def _named(state: MintState, wanted: Org | Repo) -> list[Step]:
    return enroll_repo(state, wanted) if isinstance(wanted, Repo) else enroll_org(state, wanted)


def _looked_up(state: MintState, wanted: Org | Repo) -> list[Step]:
    """Plan with GitHub's spelling and with ids, which another account cannot take over."""
    github = resolver(state.environment)
    if isinstance(wanted, Repo):
        repo = github.repository(wanted)
        return enroll_repo(state, repo.name, repo.number, repo.owner_number)
    org = github.account(wanted)
    return enroll_org(state, org.name, org.number)


@click.command()
@click.argument("target", metavar="ORG|ORG/REPO")
@place_options
@yes_option
@plan_options
def unenroll(*, target: str, project: str, region: str, yes: bool, dry_run: bool, emit: str | None) -> None:
    """Revoke an organization's or repository's access to the mint.

    Tokens that were minted before stay valid for up to an hour.
    """
    with google(project, region) as cloud:
        wanted = names.target(target)
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        steps = unenroll_repo(state, wanted) if isinstance(wanted, Repo) else unenroll_org(state, wanted)
        question = f"End the enrollment of {target}?"
        already = f"{target} is not enrolled. Enrolled: {_enrolled(state.environment)}."
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done:
            _report_remaining(
                state.environment if not steps else read_state(cloud).environment, wanted, ended=bool(steps)
            )


def _enrolled(environment: Mapping[str, str]) -> str:
    if is_public(environment):
        return "every organization, because the mint is public"
    return listing([*map(str, orgs(environment)), *map(str, repos(environment))])


def _report_remaining(environment: Mapping[str, str], wanted: Org | Repo, *, ended: bool) -> None:
    """Report that the enrollment ended, and which settings still let the target or its repositories mint."""
    if ended:
        note(f"{wanted} is no longer enrolled.")
    stopped = stopped_entries(environment, wanted)
    if stopped:
        note(f"Jobs of other CI systems can no longer act for {wanted}: {', '.join(stopped)}")
    if isinstance(wanted, Repo):
        held = still_covered(environment, wanted)
        if held:
            note(held)
        return
    left = [str(repo) for repo in repos(environment) if repo.owner == wanted]
    if left:
        note(f"These repositories of {wanted} are enrolled separately and can still mint: {', '.join(left)}")
