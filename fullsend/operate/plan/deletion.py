"""Plan `mint delete`: remove everything that `deploy` made. APIs stay enabled, because others may use them."""

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


def knows_its_keys(state: MintState) -> bool:
    """Whether the mint's settings are readable and say which roles it serves.

    An interrupted deletion has removed them. A function without its service has older ones, because `add-role` and
    `remove-role` change only the service.
    """
    return state.service is not None and bool(roles_of(state.environment))


def own_keys(state: MintState, stored: Mapping[Role, SecretState]) -> list[Role]:
    """Return the roles whose stored key belongs to this mint: those it serves, and none without its settings.

    Neither a matching name nor the account's permission proves it: an interrupted `add-role` leaves both.
    """
    return sorted(_served(state) & stored.keys())


def own_kms_versions(state: MintState, kms: Mapping[Role, KeyState]) -> list[tuple[Role, str]]:
    """Return the enabled versions in the mint's key ring that hold keys of its roles, by role."""
    return [(role, name) for role in sorted(_served(state) & kms.keys()) for name in kms[role].enabled]


def kept_keys(state: MintState, stored: Mapping[Role, SecretState], kms: Mapping[Role, KeyState]) -> str:
    """Return which keys a deletion keeps and why, with the command that deletes each; empty for none."""
    project = state.location.project
    others = sorted(stored.keys() - set(own_keys(state, stored)))
    commands = [f"gcloud secrets delete {names.secret_id(role)} --project {project}" for role in others]
    if knows_its_keys(state):
        why = "Not deleted, because this mint does not serve their roles"
    else:
        why = "Not deleted, because the mint's settings are gone or unreadable, so its own keys are unknown"
        enabled = [DisableKeyVersion(role, name) for role in sorted(kms) for name in kms[role].enabled]
        commands += [line for step in enabled for line in step.gcloud(state.location)]
        others = sorted({*others, *(step.role for step in enabled)})
    if not commands:
        return ""
    advice = "To delete those that nothing else uses (a deleted secret cannot be restored):"
    return "\n".join([f"{why}: the keys of {', '.join(others)}", advice, *commands])


def keys_elsewhere(state: MintState) -> list[str]:
    """Return the Cloud KMS versions that the mint signs with outside its own key ring. Raises BadInput."""
    ring = ring_name(state.location)
    return sorted(one for one in keys_in_use(state.environment).values() if not one.startswith(f"{ring}/"))


def _served(state: MintState) -> set[Role]:
    return {key_role(role) for role in roles_of(state.environment)} if knows_its_keys(state) else set()


def refuse_elsewhere(state: MintState, regions: Iterable[str]) -> None:
    """Raise BadInput if a mint runs in another region, because account, pool and keys belong to the whole project.

    `regions` are all regions with the function.
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
        f"Another mint runs {there}; it needs them. Nothing was deleted.",
        f"To delete only this mint's function: gcloud functions delete {names.FUNCTION} --gen2 --project {project} "
        f"--region {state.location.region}",
    )


def delete(
    state: MintState, stored: Mapping[Role, SecretState], kms: Mapping[Role, KeyState], *, keep_keys: bool
) -> list[Step]:
    """Return the steps; `stored` and `kms` are the secrets and keys that are named like a role's key.

    Key versions are disabled, not destroyed, because a destroyed key cannot be downloaded again. The account's
    permissions on remaining resources are removed before the account: a deleted account's binding would stay in the
    policy for up to 60 days. The function is deleted first, because it can be deployed again and keys cannot.
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
