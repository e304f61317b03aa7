"""Plan the steps that store a role's key in the place where the mint reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.gcp.secret_manager import ENABLED
from fullsend.operate.model.kms_names import keys_in_use
from fullsend.operate.model.mint_state import SecretState
from fullsend.operate.model.names import secret_id
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.kms_keys import storing_steps
from fullsend.operate.plan.steps.secret_steps import AddKey, CreateSecret, GrantSecret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import RoleKey
    from fullsend.operate.plan.steps.step import Step


def key_steps(state: MintState, roles: Sequence[RoleKey]) -> list[Step]:
    """Return the steps for the roles' keys. Raises BadInput if no key is given or stored."""
    in_secrets = [role for role in roles if role.in_kms is None]
    return [step for role in in_secrets for step in _secret_steps(state, role)] + storing_steps(state, roles)


def _secret_steps(state: MintState, wanted: RoleKey) -> list[Step]:
    found = state.secrets.get(wanted.role, SecretState())
    if str(wanted.role) in keys_in_use(state.environment):
        if wanted.key is None:
            return []
        raise BadInput(
            f"The role {wanted.role} signs with Cloud KMS, so a key in a secret would not be used.",
            f"Add --kms to put the key there, or: fullsend mint import-key {wanted.role} --pem {wanted.file} "
            f"{state.location.flags()}",
        )
    steps: list[Step] = []
    if wanted.key is None and (found.latest is None or found.latest.state != ENABLED):
        raise BadInput(
            f"The role {wanted.role} has no usable key: the secret {secret_id(wanted.role)} "
            "does not exist, has no version, or its newest version is disabled.",
            f"Give the key's file: --role {wanted.role}={wanted.app_id}:FILE.pem, or --pem FILE.pem for add-role.",
        )
    if found.versions is None:
        steps.append(CreateSecret(wanted.role))
    if wanted.key is not None:
        steps.append(AddKey(wanted.role, wanted.file, wanted.key))
    if state.member not in found.readers:
        steps.append(GrantSecret(wanted.role, state.member))
    return steps
