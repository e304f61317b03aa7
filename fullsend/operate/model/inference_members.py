"""Read the members that may use models from the project's policy, and build the provider's condition. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from fullsend.operate.model import conditions, federation, names
from mintcore.policy.names import Org, Repo, parse_repo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fullsend.operate.model.conditions import Condition

USER = "roles/aiplatform.user"


def member_for(number: str, target: Org | Repo) -> str:
    """Return the IAM member for all workflows of an organization or a repository."""
    attribute = "repository_owner" if isinstance(target, Org) else "repository"
    return federation.principal_set(number, names.INFERENCE_POOL, attribute, str(target))


def targets_among(members: Iterable[str], number: str) -> list[Org | Repo]:
    """Return the organizations and repositories among the members of a project's policy.

    A policy can have any members, so members of another form are left out.
    """
    sets = re.escape(federation.principal_set(number, names.INFERENCE_POOL, "X", "")).replace("X/", "")
    pattern = re.compile(rf"{sets}(repository|repository_owner)/(.+)")
    found: list[Org | Repo] = []
    for member in sorted(members):
        named = pattern.fullmatch(member)
        if named is not None:
            with suppress(ValueError):
                found.append(parse_repo(named[2]) if named[1] == "repository" else Org(named[2]))
    return found


def same_but_for_case(members: Iterable[str], member: str) -> list[str]:
    """Return the members that are equal except for case."""
    return sorted(one for one in members if one.lower() == member.lower())


def as_admitted(targets: Iterable[Org | Repo], condition: Condition | None) -> list[Org | Repo]:
    """Sort targets: first those that a condition admits in exactly this spelling.

    Google compares case-sensitively, and GitHub sends only one spelling, so a binding in another spelling has no
    effect. Of two spellings the condition keeps its present one.
    """
    return sorted(targets, key=lambda one: condition is None or not admits(condition, one))


def admits(condition: Condition, target: Org | Repo) -> bool:
    """Whether a condition admits a target in exactly this case."""
    if condition.public:
        return True
    if condition.repo is not None and str(condition.repo) == str(target):
        return True
    return (target if isinstance(target, Org) else target.owner).login in condition.spelled()


def condition_for(targets: Iterable[Org | Repo]) -> Condition:
    """Return the provider's condition: one repository, or the owners of all targets, which bindings narrow.

    Of names that differ only in case, the first is used.
    """
    listed = list(targets)
    repos = dict.fromkeys(one for one in listed if isinstance(one, Repo))
    if len(repos) == 1 and all(one in repos for one in listed):
        return conditions.Condition(repo=next(iter(repos)))
    return conditions.for_orgs(dict.fromkeys(one if isinstance(one, Org) else one.owner for one in listed))


def admitted_by(condition: Condition) -> list[Org | Repo]:
    """Return the targets that a condition admits."""
    return [*condition.orgs, *([] if condition.repo is None else [condition.repo])]
