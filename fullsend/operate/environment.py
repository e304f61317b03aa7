"""Edits of the mint's environment: what a variable says, and the environment after an edit.

Pure. An edit states what must be true afterwards, not the text to write, so that it can be applied again to
whatever another operator has written meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fullsend.operate.errors import BadInput
from mintcore.policy.names import Org, Repo, Role, parse_repo
from mintcore.settings import ConfigurationError, read_hosted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")

EVERYONE = "*"
SOURCE_HASH = "FULLSEND_SOURCE_SHA256"
"""Set beside the mint's own variables: which bundle the revision was built from."""
MAX_BYTES = 32 * 1024
"""Google's limit for all variables of a function together."""


def items(environment: Mapping[str, str], variable: str) -> list[str]:
    """Return the items of a comma-separated variable."""
    return [item.strip() for item in environment.get(variable, "").split(",") if item.strip()]


def orgs(environment: Mapping[str, str]) -> list[Org]:
    """Return the organisations of ALLOWED_ORGS that are names."""
    return [org for item in items(environment, "ALLOWED_ORGS") if (org := _valid(item, Org)) is not None]


def repos(environment: Mapping[str, str]) -> list[Repo]:
    """Return the repositories of PER_REPO_WIF_REPOS that are names."""
    listed = items(environment, "PER_REPO_WIF_REPOS")
    return [repo for item in listed if (repo := _valid(item, parse_repo)) is not None]


def _valid(item: str, parse: Callable[[str], T]) -> T | None:
    try:
        return parse(item)
    except ValueError:
        return None


def is_public(environment: Mapping[str, str]) -> bool:
    """Whether the mint is in public mode."""
    return EVERYONE in items(environment, "ALLOWED_ORGS")


def app_ids(environment: Mapping[str, str]) -> dict[str, str]:
    """Return role → App ID. Raises BadInput when ROLE_APP_IDS is not the object it has to be."""
    text = environment.get("ROLE_APP_IDS", "").strip()
    try:
        parsed = json.loads(text) if text else {}
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise BadInput(
            "ROLE_APP_IDS of the running mint is not a JSON object, so that no role can be added to it.",
            "Look at it with `fullsend mint status`, and set it right on the Cloud Run service's page.",
        )
    return {str(role): str(app) for role, app in parsed.items()}


@dataclass(frozen=True, slots=True)
class Edit:
    """What must hold of the environment afterwards; empty fields leave things as they are."""

    add_orgs: tuple[Org, ...] = ()
    remove_orgs: tuple[Org, ...] = ()
    add_repos: tuple[Repo, ...] = ()
    remove_repos: tuple[Repo, ...] = ()
    add_roles: tuple[tuple[Role, str], ...] = ()
    remove_roles: tuple[Role, ...] = ()
    add_workflow_files: tuple[str, ...] = ()
    public: bool | None = None
    set_variables: tuple[tuple[str, str], ...] = ()

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the edited environment. Raises BadInput when it would be too large."""
        edited = dict(environment) | dict(self.set_variables)
        self._edit_orgs(edited)
        self._edit_repos(edited)
        self._edit_roles(edited)
        if self.add_workflow_files:
            _put(
                edited, "ALLOWED_WORKFLOW_FILES", _union(edited, "ALLOWED_WORKFLOW_FILES", self.add_workflow_files)
            )
        _check_size(edited)
        return edited

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether there is nothing left to do."""
        return self.apply(environment) == dict(environment)

    def _edit_orgs(self, edited: dict[str, str]) -> None:
        listed = items(edited, "ALLOWED_ORGS")
        gone = {org.key for org in self.remove_orgs} | {org.key for org in self.add_orgs}
        kept = [item for item in listed if item.lower() not in gone]
        if self.public is False:
            kept = [item for item in kept if item != EVERYONE]
        if self.public and EVERYONE not in kept:
            kept = [EVERYONE, *kept]
        wanted = [*kept, *(org.login for org in self.add_orgs)]
        if sorted(wanted) != sorted(listed):
            _put(edited, "ALLOWED_ORGS", wanted, keep_empty=True)

    def _edit_repos(self, edited: dict[str, str]) -> None:
        listed = items(edited, "PER_REPO_WIF_REPOS")
        gone = {repo.owner.key + "/" + repo.key for repo in (*self.remove_repos, *self.add_repos)}
        wanted = [item for item in listed if item.lower() not in gone] + [str(repo) for repo in self.add_repos]
        if sorted(wanted) != sorted(listed):
            _put(edited, "PER_REPO_WIF_REPOS", wanted)

    def _edit_roles(self, edited: dict[str, str]) -> None:
        if not (self.add_roles or self.remove_roles):
            return
        before = app_ids(edited)
        after = {role: app for role, app in before.items() if role not in self.remove_roles}
        after |= dict(self.add_roles)
        if after != before:
            edited["ROLE_APP_IDS"] = json.dumps(after, sort_keys=True)
        if items(edited, "ALLOWED_ROLES"):  # unset means all of ROLE_APP_IDS, which stays true
            kept = [item for item in items(edited, "ALLOWED_ROLES") if item not in self.remove_roles]
            added = [str(role) for role, _ in self.add_roles if role not in kept]
            _put(edited, "ALLOWED_ROLES", [*kept, *added])


def _union(environment: Mapping[str, str], variable: str, added: Iterable[str]) -> list[str]:
    listed = items(environment, variable)
    return [*listed, *(item for item in dict.fromkeys(added) if item not in listed)]


def _put(environment: dict[str, str], variable: str, listed: Iterable[str], *, keep_empty: bool = False) -> None:
    text = ",".join(listed)
    if text or keep_empty:
        environment[variable] = text
    else:
        environment.pop(variable, None)


def _check_size(environment: Mapping[str, str]) -> None:
    size = sum(len(name.encode()) + len(value.encode()) + 2 for name, value in environment.items())
    if size > MAX_BYTES:
        raise BadInput(
            f"The variables of the mint would take {size} bytes together; Google takes {MAX_BYTES}. "
            "Nothing was written.",
            "Unenroll what no longer mints, or run a second mint in another project.",
        )


def check(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the mint's own warnings about an environment. Raises BadInput with the mint's own problems."""
    try:
        return read_hosted(environment).common.warnings
    except ConfigurationError as error:
        raise BadInput("The mint would not start with these settings:\n  " + "\n  ".join(error.problems)) from None
