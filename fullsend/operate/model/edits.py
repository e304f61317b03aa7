"""Define edits of the mint's environment.

Pure. An edit states the wanted result, not the text to write. So it can be applied again after another operator's
write.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fullsend.operate.model.environment import (
    EVERYONE,
    IDS,
    KMS_KEYS,
    REPO_ONLY,
    REQUIRED,
    app_ids,
    items,
    json_object,
    repos,
)
from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mintcore.policy.names import Org, Repo, Role

MAX_BYTES = 32 * 1024
"""Google's limit for the size of all variables of a function."""


class Change(Protocol):
    """A change of the environment. Applied a second time, it changes nothing."""

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with the change. Raises BadInput."""

    def is_applied(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment already has the change."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The wanted state of the environment; empty fields change nothing."""

    add_orgs: tuple[Org, ...] = ()
    remove_orgs: tuple[Org, ...] = ()
    add_repos: tuple[Repo, ...] = ()
    remove_repos: tuple[Repo, ...] = ()
    add_roles: tuple[tuple[Role, str], ...] = ()
    remove_roles: tuple[Role, ...] = ()
    kms_keys: tuple[tuple[Role, str], ...] = ()
    """A role and the Cloud KMS key version that signs for it."""
    custom_permissions: tuple[tuple[Role, str], ...] = ()
    """Per custom role its permissions as `name:level name:level`."""
    add_workflow_files: tuple[str, ...] = ()
    public: bool | None = None
    add_ids: tuple[tuple[str, str], ...] = ()
    """Name and GitHub's id of an organization or repository that is enrolled."""
    require: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """A claim and its accepted values; without a value the claim is no longer required."""
    retire_repo_only: bool = False
    """Remove the organizations of REPO_ONLY from ALLOWED_ORGS: their repositories are enrolled separately."""
    set_variables: tuple[tuple[str, str], ...] = ()

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the edited environment. Raises BadInput if it would be too large or serve more roles."""
        edited = dict(environment) | dict(self.set_variables)
        self._edit_repos(edited)
        self._edit_orgs(edited)
        self._edit_roles(edited)
        self._edit_kms_keys(edited)
        self._edit_ids(edited)
        self._edit_required(edited)
        if self.add_workflow_files:
            _put(
                edited, "ALLOWED_WORKFLOW_FILES", _union(edited, "ALLOWED_WORKFLOW_FILES", self.add_workflow_files)
            )
        check_size(edited)
        return edited

    def is_applied(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment already has every change."""
        return self.apply(environment) == dict(environment)

    def _edit_orgs(self, edited: dict[str, str]) -> None:
        apart = {item.lower() for item in items(edited, REPO_ONLY)}
        retired = apart if self.retire_repo_only else set()
        gone = {org.key for org in (*self.add_orgs, *self.remove_orgs)} | retired
        kept = [item for item in items(edited, "ALLOWED_ORGS") if item.lower() not in gone]
        if self.public is not None:
            kept = [*([EVERYONE] if self.public else []), *(item for item in kept if item != EVERYONE)]
        _put_if_changed(edited, "ALLOWED_ORGS", [*kept, *(org.login for org in self.add_orgs)])
        left = [item for item in items(edited, REPO_ONLY) if item.lower() not in gone]
        _put_if_changed(edited, REPO_ONLY, left)

    def _edit_repos(self, edited: dict[str, str]) -> None:
        listed = items(edited, "PER_REPO_WIF_REPOS")
        gone = {f"{repo.owner.key}/{repo.key}" for repo in (*self.remove_repos, *self.add_repos)}
        wanted = [item for item in listed if item.lower() not in gone] + [str(repo) for repo in self.add_repos]
        _put_if_changed(edited, "PER_REPO_WIF_REPOS", wanted)
        self._dismiss_owners(edited)

    def _dismiss_owners(self, edited: dict[str, str]) -> None:
        """Remove an organization that an older version listed, once its last repository is unenrolled."""
        apart = {item.lower() for item in items(edited, REPO_ONLY)}
        left = apart - {repo.owner.key for repo in repos(edited)}
        for variable in ("ALLOWED_ORGS", REPO_ONLY):
            _put_if_changed(edited, variable, [one for one in items(edited, variable) if one.lower() not in left])

    def _edit_ids(self, edited: dict[str, str]) -> None:
        new = {name.lower() for name, _ in self.add_ids}
        gone = {org.key for org in self.remove_orgs} | {str(repo).lower() for repo in self.remove_repos}
        if not new and not gone:
            return
        before = json_object(edited, IDS)
        kept = {name: value for name, value in before.items() if name.lower() not in new | gone}
        _put_object(edited, IDS, before, kept | {name: int(value) for name, value in self.add_ids})

    def _edit_required(self, edited: dict[str, str]) -> None:
        if not self.require:
            return
        before, given = json_object(edited, REQUIRED), dict(self.require)
        kept = {name: values for name, values in before.items() if name not in given}
        _put_object(
            edited, REQUIRED, before, kept | {name: list(values) for name, values in given.items() if values}
        )

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

    def _edit_kms_keys(self, edited: dict[str, str]) -> None:
        if not (self.kms_keys or self.remove_roles):
            return
        before = json_object(edited, KMS_KEYS)
        kept = {role: version for role, version in before.items() if role not in self.remove_roles}
        _put_object(edited, KMS_KEYS, before, kept | {str(role): version for role, version in self.kms_keys})

    def _edit_permissions(self, edited: dict[str, str]) -> None:
        before = json_object(edited, "CUSTOM_ROLE_PERMISSIONS")
        after = {role: given for role, given in before.items() if role not in self.remove_roles}
        after |= {role: dict(pair.split(":") for pair in text.split()) for role, text in self.custom_permissions}
        if after != before:
            edited["CUSTOM_ROLE_PERMISSIONS"] = json.dumps(after, sort_keys=True)


def _refuse_to_widen(left: list[str], roles: Mapping[str, str]) -> None:
    """Raise BadInput if ALLOWED_ROLES would become empty, because an empty list serves every role with an App."""
    if left:
        return
    others = ",".join(sorted(roles))
    raise BadInput(
        "ALLOWED_ROLES has no other role, and an empty list would serve every role with an App. Nothing was "
        "written.",
        f"Name the roles to serve instead, such as: fullsend mint deploy --env ALLOWED_ROLES={others or 'ROLE'}\n"
        "To serve no role, delete the mint: fullsend mint delete",
    )


def _put_object(
    environment: dict[str, str], variable: str, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """Write a JSON object; remove the variable instead of an empty object, which would stop the mint."""
    if after == before:
        return
    if after:
        environment[variable] = json.dumps(after, sort_keys=True)
    else:
        environment.pop(variable, None)


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


def check_size(environment: Mapping[str, str]) -> None:
    """Raise BadInput if the variables are larger than Google's limit."""
    size = sum(len(name.encode()) + len(value.encode()) + 2 for name, value in environment.items())
    if size > MAX_BYTES:
        raise BadInput(
            f"The mint's variables would take {size} bytes together; Google's limit is {MAX_BYTES}. "
            "Nothing was written.",
            "Unenroll names that no longer mint, or run a second mint in another project.",
        )
