"""Find which callers the mint's providers must admit, from its environment and the present conditions. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model import conditions, environment
from fullsend.operate.model.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mintcore.policy.names import Org, Repo

Account = tuple["Org", str]
"""An organization and GitHub's id for it, empty if unknown."""


def shared(
    current: Condition | None,
    variables: Mapping[str, str],
    add: Iterable[Account] = (),
    drop: Iterable[Account] = (),
) -> Condition:
    """Return the condition of the organizations' provider. Raises BadInput for a claim that CEL cannot compare.

    Every organization that it admits now stays, because another operator may be enrolling it.
    """
    required = conditions.required_of(environment.required_claims(variables))
    if environment.is_public(variables):
        return Condition(public=True, required=required)
    added, leaving = list(add), list(drop)
    left = {org.key for org, _ in leaving}
    named = {org.key: org for org in (current.orgs if current is not None else ()) if org.key not in left}
    named |= {org.key: org for org in environment.admitted_orgs(variables) if org.key not in left}
    named |= {org.key: org for org, _ in added}
    known = environment.ids(variables) | {org.key: number for org, number in added if number}
    known = {key: known[key] for key in named if key in known}
    before = (current.ids if current is not None else frozenset()) - {number for _, number in leaving}
    # The condition is written before the environment, so an organization that it does not name is not under way.
    by_hand = named.keys() - {org.key for org in (current.orgs if current is not None else ())} - known.keys()
    ids = _pinned(named, known, before, without_id=by_hand | {org.key for org, number in added if not number})
    if environment.reports_only(variables, "ids"):
        ids = frozenset()
    return Condition(conditions.for_orgs(named.values()).orgs, ids=ids, required=required)


def _pinned(
    named: Mapping[str, Org], known: Mapping[str, str], before: frozenset[str], without_id: set[str]
) -> frozenset[str]:
    """Return the owners' ids to require; empty if that would exclude an organization with an unknown id.

    While another operator enrolls an organization, its id is in the condition but not yet in the environment. An
    organization that a person added to ALLOWED_ORGS has no id in either.
    """
    unknown = named.keys() - known.keys()
    spare = before - set(known.values())
    if unknown and (len(spare) < len(unknown) or unknown & without_id):
        return frozenset()
    return frozenset(known.values()) | (before if unknown else frozenset())


def own(repo: Repo, repo_id: str, owner_id: str, variables: Mapping[str, str]) -> Condition:
    """Return the condition of a repository's own provider. Raises BadInput for a claim that CEL cannot compare."""
    required = conditions.required_of(environment.required_claims(variables))
    return Condition(repo=repo, ids=frozenset({owner_id} - {""}), repo_id=repo_id, required=required)


def own_renewed(current: Condition, variables: Mapping[str, str]) -> Condition:
    """Return a repository's condition with the present required claims; names and ids stay."""
    required = conditions.required_of(environment.required_claims(variables))
    return Condition(repo=current.repo, ids=current.ids, repo_id=current.repo_id, required=required)
