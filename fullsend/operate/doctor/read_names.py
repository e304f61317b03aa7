"""Ask GitHub about the enrolled names: their present spelling and ids, and the new name of a renamed account."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fullsend.failure import Failure
from fullsend.github.name_resolver import RenamedError, UnknownNameError
from fullsend.operate.doctor.finding import Finding, NameReport, Snapshot
from fullsend.operate.doctor.name_checks import enrolled, names
from fullsend.operate.model import environment
from mintcore.policy.names import Org, Repo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.github.name_resolver import NameResolver
    from fullsend.operate.model.mint_state import MintState

_NONE: Mapping[str, str] = MappingProxyType({})


def changed_names(state: MintState, resolver: NameResolver, only: Org | Repo | None = None) -> list[Finding]:
    """Return the enrolled names, or ``only`` one, that were renamed or that another account has taken over."""
    accounts = read_names(state.serving_environment, resolver, only=only)
    found = names(Snapshot(state=state, accounts=accounts))
    return [finding for finding in found if finding.code in {"renamed", "name_taken_over"}]


def read_names(
    variables: Mapping[str, str],
    resolver: NameResolver,
    installed: Mapping[str, str] = _NONE,
    only: Org | Repo | None = None,
) -> dict[str, NameReport]:
    """Return GitHub's answer about each enrolled name, by lowercased name; names without an answer are missing.

    `installed` are the names of the Apps' installations, which show the spelling of a private account.
    """
    ids = environment.ids(variables)
    found: dict[str, NameReport] = {}
    for target in (one for one in enrolled(variables) if only in {None, one}):
        key = str(target).lower()
        try:
            found[key] = _account(target, ids.get(key, ""), resolver)
        except Failure:
            found[key] = NameReport(spelling=installed.get(key, ""))
    return found


def _account(target: Org | Repo, pinned: str, resolver: NameResolver) -> NameReport:
    try:
        if isinstance(target, Org):
            account = resolver.account(target)
            spelling, number = str(account.name), account.number
        else:
            repository = resolver.repository(target)
            spelling, number = str(repository.name), repository.number
    except UnknownNameError:
        if isinstance(target, Repo):
            raise  # the repository may be private
        return NameReport(gone=True, known_as=_known_as(target, pinned, resolver))
    except RenamedError:
        return NameReport(gone=True, known_as=_known_as(target, pinned, resolver))
    moved = "" if not pinned or number == pinned else _known_as(target, pinned, resolver)
    return NameReport(spelling, number, known_as=moved)


def _known_as(target: Org | Repo, pinned: str, resolver: NameResolver) -> str:
    if not pinned:
        return ""
    return resolver.login_of(pinned) if isinstance(target, Org) else resolver.repo_of(pinned)
