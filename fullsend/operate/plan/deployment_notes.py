"""Describe the changes of a deployment beyond its options, in sentences for the operator. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import DeploymentSpec


def notes(state: MintState, deployment: DeploymentSpec, after: Mapping[str, str]) -> list[str]:
    """Return the sentences; empty if the deployment changes nothing else."""
    before = state.environment
    return [*_remembered(before, deployment, after), *_moved(before, after)]


def _remembered(before: Mapping[str, str], deployment: DeploymentSpec, after: Mapping[str, str]) -> list[str]:
    """Report organizations that were listed before the mint became public."""
    if not environment.is_public(before) or environment.is_public(after):
        return []
    given = {org.key for org in deployment.orgs}
    again = [str(org) for org in environment.orgs(after) if org.key not in given]
    if not again:
        return []
    listed = f"Also enrolled, because they were before the mint became public: {', '.join(again)}."
    return [f"{listed} To remove one afterwards: fullsend mint unenroll {again[0]}"]


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Report the repositories whose organization is no longer listed for them."""
    apart = {item.lower() for item in environment.items(before, environment.REPO_ONLY)}
    if not apart or environment.items(after, environment.REPO_ONLY):
        return []
    unused = f"{environment.REPO_ONLY} is no longer used."
    moved = [org for org in environment.orgs(before) if org.key in apart]
    if not moved:
        return [unused]
    repos = [repo for repo in environment.repos(after) if repo.owner.key in apart]
    told = [f"Removed from ALLOWED_ORGS: {', '.join(map(str, moved))}, listed there only for single repositories."]
    if repos:
        told.append(f"Enrolled separately, so their tokens reach only themselves: {', '.join(map(str, repos))}.")
    told += [
        f"No repository of {org} is enrolled, so its jobs no longer mint. Fix, to enroll all of it: "
        f"fullsend mint enroll {org}"
        for org in moved
        if all(repo.owner != org for repo in repos)
    ]
    return [*told, unused]
