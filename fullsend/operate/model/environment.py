"""Edits of the mint's environment: what a variable says, and the environment after an edit.

Pure. An edit states what must be true afterwards, not the text to write, so that it can be applied again to
whatever another operator has written meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, Repo, Role, parse_repo
from mintcore.settings.environment import ConfigurationError, read_hosted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")

EVERYONE = "*"
SOURCE_HASH = "FULLSEND_SOURCE_SHA256"
"""Set beside the mint's own variables: which bundle the revision was built from."""
KEY_IN_USE = "FULLSEND_KEY_"
"""How the names begin under which `rotate-key` notes, per role, the fingerprint of the key in use."""
REPO_ONLY = "FULLSEND_REPO_ONLY_ORGS"
"""Organizations that are in ALLOWED_ORGS for the sake of single repositories: the shared provider stays shut."""
MAX_BYTES = 32 * 1024
"""Google's limit for all variables of a function together."""


def items(environment: Mapping[str, str], variable: str) -> list[str]:
    """Return the items of a comma-separated variable."""
    return [item.strip() for item in environment.get(variable, "").split(",") if item.strip()]


def orgs(environment: Mapping[str, str]) -> list[Org]:
    """Return the organizations of ALLOWED_ORGS that are names."""
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


def admitted_orgs(environment: Mapping[str, str]) -> list[Org]:
    """Return the organizations that the shared provider has to admit: all but those of single repositories."""
    apart = {item.lower() for item in items(environment, REPO_ONLY)}
    return [org for org in orgs(environment) if org.key not in apart]


def is_public(environment: Mapping[str, str]) -> bool:
    """Whether the mint is in public mode."""
    return EVERYONE in items(environment, "ALLOWED_ORGS")


def app_ids(environment: Mapping[str, str]) -> dict[str, str]:
    """Return role → App ID. Raises BadInput when ROLE_APP_IDS is not the object it has to be."""
    return {str(role): str(app) for role, app in json_object(environment, "ROLE_APP_IDS").items()}


def json_object(environment: Mapping[str, str], variable: str) -> dict[str, Any]:
    """Return the object in a variable, empty when it is not set. Raises BadInput when it is not an object."""
    text = environment.get(variable, "").strip()
    try:
        parsed = json.loads(text) if text else {}
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise BadInput(
            f"{variable} of the running mint is not a JSON object, so that it cannot be added to.",
            "Set it right on the Cloud Run service's page; docs/configuration.md has an example.",
        )
    return parsed


class Change(Protocol):
    """Something to be done to the environment, again and again until it holds of what is there."""

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with it. Raises BadInput."""

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether there is nothing left to do."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What must hold of the environment afterwards; empty fields leave things as they are."""

    add_orgs: tuple[Org, ...] = ()
    remove_orgs: tuple[Org, ...] = ()
    add_repos: tuple[Repo, ...] = ()
    remove_repos: tuple[Repo, ...] = ()
    add_roles: tuple[tuple[Role, str], ...] = ()
    remove_roles: tuple[Role, ...] = ()
    custom_permissions: tuple[tuple[Role, str], ...] = ()
    """Per custom role its permissions as `name:level name:level`."""
    add_workflow_files: tuple[str, ...] = ()
    public: bool | None = None
    set_variables: tuple[tuple[str, str], ...] = ()

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the edited environment. Raises BadInput when it would be too large, or serve more than before."""
        edited = dict(environment) | dict(self.set_variables)
        self._edit_repos(edited)
        self._edit_orgs(edited)
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
        listed, apart = items(edited, "ALLOWED_ORGS"), items(edited, REPO_ONLY)
        with_repos = {repo.owner.key for repo in repos(edited)}
        added, removed = {org.key for org in self.add_orgs}, {org.key for org in self.remove_orgs}
        kept = [item for item in listed if item.lower() not in added]
        kept = [item for item in kept if item.lower() not in removed or item.lower() in with_repos]
        # An organization that leaves and has repositories enrolled stays for these alone.
        stays = [item for item in kept if item.lower() in removed and item not in apart]
        if self.public is not None:
            kept = [*([EVERYONE] if self.public else []), *(item for item in kept if item != EVERYONE)]
        _put_if_changed(edited, "ALLOWED_ORGS", [*kept, *(org.login for org in self.add_orgs)])
        _put_if_changed(edited, REPO_ONLY, [*(item for item in apart if item.lower() not in added), *stays])

    def _edit_repos(self, edited: dict[str, str]) -> None:
        listed = items(edited, "PER_REPO_WIF_REPOS")
        gone = {f"{repo.owner.key}/{repo.key}" for repo in (*self.remove_repos, *self.add_repos)}
        wanted = [item for item in listed if item.lower() not in gone] + [str(repo) for repo in self.add_repos]
        _put_if_changed(edited, "PER_REPO_WIF_REPOS", wanted)
        self._admit_owners(edited)
        self._dismiss_owners(edited)

    def _admit_owners(self, edited: dict[str, str]) -> None:
        allowed = {item.lower() for item in items(edited, "ALLOWED_ORGS")}
        if EVERYONE in allowed:
            return
        new = {repo.owner.key: repo.owner.login for repo in self.add_repos if repo.owner.key not in allowed}
        for variable in ("ALLOWED_ORGS", REPO_ONLY):
            _put_if_changed(edited, variable, [*items(edited, variable), *new.values()])

    def _dismiss_owners(self, edited: dict[str, str]) -> None:
        apart = {item.lower() for item in items(edited, REPO_ONLY)}
        left = apart - {repo.owner.key for repo in repos(edited)}
        for variable in ("ALLOWED_ORGS", REPO_ONLY):
            _put_if_changed(edited, variable, [one for one in items(edited, variable) if one.lower() not in left])

    def _edit_roles(self, edited: dict[str, str]) -> None:
        if not (self.add_roles or self.remove_roles):
            return
        before = app_ids(edited)
        after = {role: app for role, app in before.items() if role not in self.remove_roles}
        after |= dict(self.add_roles)
        if after != before:
            edited["ROLE_APP_IDS"] = json.dumps(after, sort_keys=True)
        self._edit_permissions(edited)
        if items(edited, "ALLOWED_ROLES"):  # unset means all of ROLE_APP_IDS, which stays true
            kept = [item for item in items(edited, "ALLOWED_ROLES") if item not in self.remove_roles]
            added = [str(role) for role, _ in self.add_roles if role not in kept]
            _refuse_to_widen([*kept, *added], after)
            _put(edited, "ALLOWED_ROLES", [*kept, *added])

    def _edit_permissions(self, edited: dict[str, str]) -> None:
        before = json_object(edited, "CUSTOM_ROLE_PERMISSIONS")
        after = {role: given for role, given in before.items() if role not in self.remove_roles}
        after |= {role: dict(pair.split(":") for pair in text.split()) for role, text in self.custom_permissions}
        if after != before:
            edited["CUSTOM_ROLE_PERMISSIONS"] = json.dumps(after, sort_keys=True)


def _refuse_to_widen(left: list[str], roles: Mapping[str, str]) -> None:
    """Raise BadInput when no name would be left in ALLOWED_ROLES: an empty list serves every role with an App."""
    if left:
        return
    others = ",".join(sorted(roles))
    raise BadInput(
        "ALLOWED_ROLES names no other role, and without a name in it the mint would serve every role that has an "
        "App. Nothing was written.",
        f"Say which to serve instead, such as: fullsend mint deploy --env ALLOWED_ROLES={others or 'ROLE'}\n"
        "To serve none, take the mint away: fullsend mint delete",
    )


def _union(environment: Mapping[str, str], variable: str, added: Iterable[str]) -> list[str]:
    listed = items(environment, variable)
    return [*listed, *(item for item in dict.fromkeys(added) if item not in listed)]


def _put_if_changed(environment: dict[str, str], variable: str, listed: list[str]) -> None:
    if sorted(listed) != sorted(items(environment, variable)):
        _put(environment, variable, listed, keep_empty=variable == "ALLOWED_ORGS")


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
