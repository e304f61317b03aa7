"""Define a requested deployment, as checked values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fullsend.operate.model.kms_names import KeyState
    from mintcore.policy.names import Org, Role
    from mintcore.secret import Secret


@dataclass(frozen=True, slots=True)
class RoleKey:
    """A role, its App, and the App's key; without a key, the stored one is used."""

    role: Role
    app_id: str
    file: str = ""
    key: Secret | None = field(default=None, repr=False, compare=False)
    in_kms: KeyState | None = None
    """The state of the role's key in Cloud KMS, which signs for it; None if the key is in a secret."""
    permissions: str = ""
    """A custom role's, as `name:level name:level`."""


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """The wanted deployment, in addition to the existing resources."""

    orgs: tuple[Org, ...] = ()
    public: bool | None = None
    roles: tuple[RoleKey, ...] = ()
    workflow_files: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    ids: tuple[tuple[str, str], ...] = ()
    """GitHub's id by organization, if it was looked up."""
    require: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """A claim and its accepted values; without a value the claim is no longer required."""
    repo_scope: str = ""
    workflow_refs: str = ""
    check_builder: bool = True
    min_instances: int | None = None
    max_instances: int | None = None
