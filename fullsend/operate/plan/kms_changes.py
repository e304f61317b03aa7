"""`mint import-key`, and `add-role --kms` and `rotate-key` of a role whose key is in Cloud KMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.gcp.kms import ENABLED
from fullsend.operate.model import environment
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.kms_names import KMS_API, VARIABLE, key_name, keys_in_use, with_key
from fullsend.operate.operate_errors import GoogleFailed, MissingPermission, NotThere
from fullsend.operate.plan.deployment import edit_steps
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.key_wrapping import algorithm_of, has_public_key
from fullsend.operate.plan.steps.kms_steps import (
    CreateKey,
    CreateKeyRing,
    DisableKeyVersion,
    GrantSigner,
    ImportKey,
)
from fullsend.operate.plan.steps.project_steps import EnableApis
from fullsend.operate.plan.steps.secret_steps import DeleteSecret

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.kms_names import KmsVersion
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.model.names import MintLocation
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.names import Role
    from mintcore.secret import Secret


@dataclass(frozen=True, slots=True)
class KeyState:
    """A role's key in KMS: its versions, newest first (None: no such key), and who may sign."""

    versions: tuple[KmsVersion, ...] | None = None
    signers: frozenset[str] = frozenset()
    same: str = ""
    """The enabled version that holds the key of the operator's file, empty if none does."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """An App key in a file, for a role."""

    role: Role
    file: str
    key: Secret


def read_key(cloud: Cloud, state: MintState, role: Role, key: Secret) -> KeyState:
    """Return what KMS has for the role. Raises OperateError."""
    if KMS_API not in state.apis:
        return KeyState()
    name = key_name(cloud.location, role)
    versions = cloud.kms.versions(name)
    if versions is None:
        return KeyState()
    same = next((one.name for one in versions if one.state == ENABLED and _holds(cloud, one.name, key)), "")
    return KeyState(tuple(versions), frozenset(cloud.kms.signers(name)), same)


def import_key(state: MintState, found: KeyState, wanted: KeyFile, *, delete_secret: bool = False) -> list[Step]:
    """Return the steps: key, permission, import, a revision that signs with it, then old versions disabled.

    A running mint keeps its key until the new revision serves, so no request is refused. Raises BadInput, NotThere.
    """
    require_mint(state)
    role = wanted.role
    if role not in environment.app_ids(state.environment):
        raise NotThere(
            f"The mint has no role {role}.",
            f"fullsend mint status {state.location.flags()} lists its roles; add-role adds one.",
        )
    version = version_after(state.location, found, role)
    edit = Edit(set_variables=((VARIABLE, with_key(state.environment, role, version)),))
    environment.check(edit.apply(state.environment))
    steps = [*storing_steps(state, found, wanted, version), *edit_steps(state, edit)]
    steps += [
        DisableKeyVersion(role, one.name)
        for one in found.versions or ()
        if one.state == ENABLED and one.name != version
    ]
    secret = state.secrets.get(role)
    if delete_secret and secret is not None and secret.versions is not None:
        steps.append(DeleteSecret(role))
    return steps


def storing_steps(state: MintState, found: KeyState, wanted: KeyFile, version: str) -> list[Step]:
    """Return the steps that make KMS hold the key as `version` and let the mint sign with it. Raises BadInput."""
    bits, algorithm = algorithm_of(wanted.key)
    steps: list[Step] = []
    if KMS_API not in state.apis:
        steps.append(EnableApis((KMS_API,)))
    if found.versions is None:
        steps += [CreateKeyRing(), CreateKey(wanted.role, bits)]
    if state.member not in found.signers:
        steps.append(GrantSigner(wanted.role, state.member))
    if not found.same:
        steps.append(ImportKey(wanted.role, version, algorithm, wanted.file, wanted.key))
    return steps


def version_after(location: MintLocation, found: KeyState, role: Role) -> str:
    """Return the version that will hold the key: the one that does, or the next."""
    newest = found.versions[0].number if found.versions else 0
    return found.same or f"{key_name(location, role)}/cryptoKeyVersions/{newest + 1}"


def is_in_kms(state: MintState, role: Role) -> bool:
    """Return whether the role signs with KMS. Raises BadInput."""
    return str(role) in keys_in_use(state.environment)


def _holds(cloud: Cloud, version: str, key: Secret) -> bool:
    try:
        return has_public_key(key, cloud.kms.public_key(version))
    except (NotThere, GoogleFailed, MissingPermission):
        return False
