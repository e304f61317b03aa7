"""Plan `mint add-role`, `remove-role` and `rotate-key`."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fullsend.github.app_key import load_app_key
from fullsend.operate.gcp.secret_manager import ENABLED
from fullsend.operate.model import environment
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.kms_names import key_name, keys_in_use
from fullsend.operate.model.mint_state import SecretState
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.deployment import edit_steps
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.key_changes import key_steps
from fullsend.operate.plan.kms_keys import retiring_steps, versions_of
from fullsend.operate.plan.steps.kms_steps import DisableKeyVersion, RevokeSigner
from fullsend.operate.plan.steps.secret_steps import DeleteSecret, DisableOldKeys, RevokeSecret
from mintcore.keys.pem import normalize
from mintcore.policy.roles import BUILT_IN, key_role

if TYPE_CHECKING:
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import RoleKey
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.names import Role
    from mintcore.secret import Secret


def add_role(state: MintState, wanted: RoleKey) -> list[Step]:
    """Return the steps: the key, then ROLE_APP_IDS and ALLOWED_ROLES. Raises BadInput, NotThere."""
    require_mint(state)
    _require_own_app(state, wanted.role, "is served with it", "add-role {} …")
    custom = environment.json_object(state.environment, "CUSTOM_ROLE_PERMISSIONS")
    if wanted.role not in BUILT_IN and not wanted.permissions and wanted.role not in custom:
        raise BadInput(
            f"{wanted.role} is not a built-in role, and without permissions the mint does not serve it.",
            "Name the permissions of its tokens: --permission contents:read --permission issues:write",
        )
    permissions = ((wanted.role, wanted.permissions),) if wanted.permissions else ()
    kms_keys = versions_of(state.location, [wanted])
    edit = Edit(add_roles=((wanted.role, wanted.app_id),), custom_permissions=permissions, kms_keys=kms_keys)
    after = edit.apply(state.environment)
    environment.check(after)
    retired = retiring_steps(state.location, [wanted])
    return [*key_steps(state, [wanted]), *edit_steps(state, edit), *retired]


def _require_own_app(state: MintState, role: Role, what: str, command: str) -> None:
    """Raise BadInput for a role that shares another role's App, with the command for that role."""
    owner = key_role(role)
    if owner != role:
        raise BadInput(
            f"The role {role} does not have its own App: it uses {owner}'s, and {what}.",
            f"fullsend mint {command.format(owner)} {state.location.flags()}",
        )


def _refuse_shared_app(state: MintState, role: Role) -> None:
    """Raise BadInput for a role that shares another role's App, because only ALLOWED_ROLES can remove it."""
    roles = environment.app_ids(state.environment)
    if (
        key_role(role) == role
        or key_role(role) not in roles
        or environment.items(state.environment, "ALLOWED_ROLES")
    ):
        return
    raise BadInput(
        f"The role {role} does not have its own App: it uses {key_role(role)}'s, and is served with it.",
        f"fullsend mint deploy {state.location.flags()} --env ALLOWED_ROLES={','.join(sorted(roles))} "
        f"serves the others without {role}.",
    )


def remove_role(state: MintState, role: Role, *, keep_pem: bool) -> list[Step]:
    """Return the steps: the environment, then the key. The mint can no longer use a key that is kept.

    Raises BadInput, NotThere.
    """
    require_mint(state)
    version = keys_in_use(state.environment).get(role, "")
    edit = Edit(remove_roles=(role,))
    after = edit.apply(state.environment)
    if after != state.environment:
        if not environment.app_ids(after):
            raise BadInput(
                f"{role} is the mint's only role, and the mint does not start without a role.",
                f"Add another first, or delete the mint: fullsend mint delete {state.location.flags()}",
            )
        environment.check(after)
    steps = edit_steps(state, edit)
    if not steps:
        _refuse_shared_app(state, role)
    if version and not keep_pem:
        steps = [*steps, DisableKeyVersion(role, version)]
    if version.startswith(f"{key_name(state.location, role)}/"):
        steps = [*steps, RevokeSigner(role, state.member)]
    found = state.secrets.get(role)
    if found is None or found.versions is None:
        return steps
    if not keep_pem:
        return [*steps, DeleteSecret(role)]
    return [*steps, RevokeSecret(role, state.member)] if state.member in found.readers else steps


def rotate_key(state: MintState, wanted: RoleKey, stored: Secret | None = None) -> list[Step]:
    """Return the steps: the new version, a revision that reads it, then the old versions disabled.

    A key that is in use already needs no step. `stored` is the newest stored key, None if it cannot be read.

    A running mint caches a key for minutes. So the new key's fingerprint is written to the environment, which makes
    a new revision whose instances read the key again. Once that revision serves, the old key is unused.
    """
    require_mint(state)
    _require_own_app(state, wanted.role, "signs with its key", "rotate-key {} --pem FILE.pem")
    if wanted.role not in environment.app_ids(state.environment) or wanted.key is None:
        raise NotThere(
            f"The mint has no role {wanted.role}.",
            f"fullsend mint status {state.location.flags()} lists its roles; add-role adds one.",
        )
    marker, new = environment.KEY_IN_USE + wanted.role.upper().replace("-", "_"), fingerprint(wanted.key)
    named = state.environment.get(marker, new)
    if named == new and _is_the_only_one(state.secrets.get(wanted.role, SecretState()), stored, new):
        return []
    edit = Edit(set_variables=((marker, new),))
    return [*key_steps(state, [wanted]), *edit_steps(state, edit), DisableOldKeys(wanted.role)]


def _is_the_only_one(found: SecretState, stored: Secret | None, new: str) -> bool:
    """Whether no other key is enabled; another enabled key comes from an interrupted rotation."""
    enabled = [version for version in found.versions or () if version.state == ENABLED]
    try:
        return stored is not None and len(enabled) == 1 and fingerprint(stored) == new
    except (ValueError, TypeError):
        return False  # the stored value is not an RSA key


def fingerprint(key: Secret) -> str:
    """Return the fingerprint of a key's public key, as GitHub shows it on the App's page.

    Raises ValueError, TypeError.
    """
    public = load_app_key(normalize(key.reveal().encode())).public_key()
    digest = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return f"SHA256:{base64.b64encode(digest).decode()}"
