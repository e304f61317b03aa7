"""What a deployment changes besides what was asked for, in sentences for the operator. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import DeploymentSpec


def notes(state: MintState, deployment: DeploymentSpec, after: Mapping[str, str]) -> list[str]:
    """Return the sentences; none for a deployment that does what was asked and nothing else."""
    before = state.environment
    return [*_remembered(before, deployment, after), *_moved(before, after)]


def _remembered(before: Mapping[str, str], deployment: DeploymentSpec, after: Mapping[str, str]) -> list[str]:
    """Tell of organizations that were listed before the mint became public."""
    if not environment.is_public(before) or environment.is_public(after):
        return []
    given = {org.key for org in deployment.orgs}
    again = [str(org) for org in environment.orgs(after) if org.key not in given]
    if not again:
        return []
    listed = f"Also enrolled, because they were before the mint became public: {', '.join(again)}."
    return [f"{listed} To remove one afterwards: fullsend mint unenroll {again[0]}"]


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Tell of the repositories whose organization is no longer listed on their behalf."""
    apart = {item.lower() for item in environment.items(before, environment.REPO_ONLY)}
    if not apart or environment.items(after, environment.REPO_ONLY):
        return []
    repos = ", ".join(str(repo) for repo in environment.repos(after) if repo.owner.key in apart)
    owners = ", ".join(environment.items(before, environment.REPO_ONLY))
    removed = f"Removed from ALLOWED_ORGS: {owners}, listed there only for {repos or 'repositories'}."
    now = "A repository in PER_REPO_WIF_REPOS no longer needs its organization there; its tokens reach only itself."
    return [f"{removed} {now} {environment.REPO_ONLY} is no longer used."]
