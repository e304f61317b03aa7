"""Put a role's key into Cloud KMS: read its state there, and plan the steps until the mint can sign with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model.kms_names import DISABLED, ENABLED, KMS_API, KeyState, key_name, keys_in_use, ring_name
from fullsend.operate.operate_errors import BadInput, GoogleFailed, MissingPermission, NotThere
from fullsend.operate.plan.key_wrapping import algorithm_of, has_public_key
from fullsend.operate.plan.steps.kms_steps import (
    CreateKey,
    CreateKeyRing,
    DisableKeyVersion,
    GrantSigner,
    ImportKey,
)
from fullsend.operate.plan.steps.project_steps import EnableApis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.model.names import MintLocation
    from fullsend.operate.plan.deployment_spec import RoleKey
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.names import Role
    from mintcore.secret import Secret


def read_key(cloud: Cloud, state: MintState, role: Role, key: Secret | None) -> KeyState:
    """Return the state of the role's key in Cloud KMS; `key` None uses the present key. Raises OperateError."""
    if KMS_API not in state.apis:
        return KeyState()
    listed = cloud.kms.keys(ring_name(cloud.location))
    name = key_name(cloud.location, role)
    if listed is None or name not in listed:
        return KeyState(has_ring=listed is not None)
    versions = cloud.kms.versions(name) or []
    enabled = (one.name for one in versions if one.state == ENABLED)
    usable = next((one for one in enabled if key is None or _holds(cloud, one, key)), "")
    return KeyState(tuple(versions), frozenset(cloud.kms.signers(name)), usable, has_ring=True)


def storing_steps(state: MintState, roles: Sequence[RoleKey], *, for_mint: bool = True) -> list[Step]:
    """Return the steps that make Cloud KMS hold each role's key, and let the mint sign with it. Raises BadInput.

    `for_mint=False` only stores the key, because there is no mint yet that could sign.
    """
    kept = [(role, role.in_kms) for role in roles if role.in_kms is not None]
    steps: list[Step] = []
    if kept and KMS_API not in state.apis:
        steps.append(EnableApis((KMS_API,)))
    if any(role.key is not None and not found.has_ring for role, found in kept):
        steps.append(CreateKeyRing())
    for role, found in kept:
        steps += _role_steps(state, role, found, for_mint=for_mint)
    return steps


def _role_steps(state: MintState, role: RoleKey, found: KeyState, *, for_mint: bool) -> list[Step]:
    steps: list[Step] = []
    if role.key is None and not found.usable:
        again = next((one.name for one in found.versions or () if one.state == DISABLED), "")
        enable = f"\nor: gcloud kms keys versions enable {again}" if again else ""
        raise BadInput(
            f"Cloud KMS has no enabled key for the role {role.role}: {key_name(state.location, role.role)}.",
            f"Give the key's file: --role {role.role}={role.app_id}:FILE.pem, "
            f"or for add-role --pem FILE.pem{enable}",
        )
    if role.key is not None:
        bits, algorithm = algorithm_of(role.key)
        if found.versions is None:
            steps.append(CreateKey(role.role, bits))
    if for_mint and state.member not in found.signers:
        steps.append(GrantSigner(role.role, state.member))
    if role.key is not None and not found.usable:
        steps.append(ImportKey(role.role, version_of(state.location, role), algorithm, role.file, role.key))
    return steps


def version_of(location: MintLocation, role: RoleKey) -> str:
    """Return the version that will hold the role's key: its present version, or the next new one."""
    found = role.in_kms or KeyState()
    newest = found.versions[0].number if found.versions else 0
    return found.usable or f"{key_name(location, role.role)}/cryptoKeyVersions/{newest + 1}"


def versions_of(location: MintLocation, roles: Iterable[RoleKey]) -> tuple[tuple[Role, str], ...]:
    """Return role → version of the roles for which Cloud KMS signs."""
    return tuple((role.role, version_of(location, role)) for role in roles if role.in_kms is not None)


def retiring_steps(location: MintLocation, roles: Iterable[RoleKey]) -> list[Step]:
    """Return the steps that disable the versions which the mint no longer signs with."""
    return [
        DisableKeyVersion(role.role, name)
        for role in roles
        if role.in_kms is not None
        for name in role.in_kms.enabled
        if name != version_of(location, role)
    ]


def is_in_kms(state: MintState, role: Role) -> bool:
    """Return whether the role signs with KMS. Raises BadInput."""
    return str(role) in keys_in_use(state.environment)


def _holds(cloud: Cloud, version: str, key: Secret) -> bool:
    try:
        return has_public_key(key, cloud.kms.public_key(version))
    except (NotThere, GoogleFailed, MissingPermission):
        return False
