"""`mint delete`: what `deploy` made, in reverse. APIs stay enabled, because others may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.gcp.read_state import roles_of
from fullsend.operate.model import names
from fullsend.operate.model.federation import DELETED
from fullsend.operate.model.kms_names import keys_in_use, ring_name
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.steps.federation_steps import DeletePool, DeleteProvider
from fullsend.operate.plan.steps.function_steps import DeleteFunction
from fullsend.operate.plan.steps.kms_steps import DisableKeyVersion, RevokeSigner
from fullsend.operate.plan.steps.project_steps import DeleteServiceAccount
from fullsend.operate.plan.steps.secret_steps import DeleteSecret, RevokeSecret
from mintcore.policy.roles import key_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fullsend.operate.model.kms_names import KeyState
    from fullsend.operate.model.mint_state import MintState, SecretState
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.names import Role


def own_keys(state: MintState, stored: Mapping[Role, SecretState]) -> list[Role]:
    """Return the roles whose stored key belongs to this mint; a matching name alone does not prove that.

    These are the keys of the roles that it serves. After a deletion that stopped half-way there is no environment:
    then they are the keys that its account may still read. `remove-role --keep-pem` removes that permission.
    """
    readable = {role for role, secret in stored.items() if state.member in secret.readers}
    return sorted(_served(state, readable) & stored.keys())


def own_kms_versions(state: MintState, kms: Mapping[Role, KeyState]) -> list[tuple[Role, str]]:
    """Return the enabled versions in the mint's key ring that hold keys of its roles, by role."""
    served = _served(state, {role for role, key in kms.items() if state.member in key.signers})
    return [(role, name) for role in sorted(served & kms.keys()) for name in kms[role].enabled]


def keys_elsewhere(state: MintState) -> list[str]:
    """Return the Cloud KMS versions that the mint signs with outside its own key ring. Raises BadInput."""
    ring = ring_name(state.location)
    return sorted(one for one in keys_in_use(state.environment).values() if not one.startswith(f"{ring}/"))


def _served(state: MintState, accessible: set[Role]) -> set[Role]:
    served = {key_role(role) for role in roles_of(state.environment)}
    return served or (accessible if state.account else set())


def refuse_elsewhere(state: MintState, regions: Iterable[str]) -> None:
    """Raise BadInput when a mint lives in another region: account, pool and keys are the whole project's.

    `regions` are all that have the function.
    """
    others = [region for region in regions if region != state.location.region]
    if not others:
        return
    project = state.location.project
    there = f"in the region {' and in '.join(others)}, with the same service account, pool and keys"
    if state.function is None:
        raise BadInput(
            f"The region {state.location.region} has no mint; one runs {there}. Nothing was deleted.",
            f"To delete that one: fullsend mint delete --project {project} --region {others[0]}",
        )
    raise BadInput(
        f"Another mint runs {there}; it would be left without them. Nothing was deleted.",
        f"To delete only this one's function: gcloud functions delete {names.FUNCTION} --gen2 --project {project} "
        f"--region {state.location.region}",
    )


def delete(
    state: MintState, stored: Mapping[Role, SecretState], kms: Mapping[Role, KeyState], *, keep_keys: bool
) -> list[Step]:
    """Return the steps; `stored` and `kms` are the secrets and keys with a name such as a role's key has.

    Key versions are disabled, not destroyed: that can be undone, and a destroyed key cannot be downloaded again.
    What stays loses the account's permission before the account goes: the binding of a deleted account would stay
    in the policy for up to 60 days.
    """
    steps: list[Step] = []
    if state.function is not None:
        steps.append(DeleteFunction())
    if not keep_keys:
        steps += [DeleteSecret(role) for role in own_keys(state, stored)]
        steps += [DisableKeyVersion(role, name) for role, name in own_kms_versions(state, kms)]
    if state.pool is not None and state.pool.state != DELETED:
        there = sorted(name for name, provider in state.providers.items() if provider.state != DELETED)
        steps += [DeleteProvider(names.MINT_POOL, name) for name in there]
        steps.append(DeletePool(names.MINT_POOL))
    if state.account:
        gone = set() if keep_keys else set(own_keys(state, stored))
        steps += [
            RevokeSecret(role, state.member)
            for role, secret in sorted(stored.items())
            if role not in gone and state.member in secret.readers
        ]
        steps += [RevokeSigner(role, state.member) for role in sorted(kms) if state.member in kms[role].signers]
        steps.append(DeleteServiceAccount(state.location.service_account))
    return steps
