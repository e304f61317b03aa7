"""Plan `mint import-key`: move a running mint's key into Cloud KMS, or replace it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model import environment
from fullsend.operate.model.edits import Edit
from fullsend.operate.operate_errors import NotThere
from fullsend.operate.plan.deployment import edit_steps
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.kms_keys import retiring_steps, storing_steps, versions_of
from fullsend.operate.plan.steps.secret_steps import DeleteSecret

if TYPE_CHECKING:
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import RoleKey
    from fullsend.operate.plan.steps.step import Step


def import_key(state: MintState, wanted: RoleKey, *, delete_secret: bool = False) -> list[Step]:
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
    edit = Edit(kms_keys=versions_of(state.location, [wanted]))
    environment.check(edit.apply(state.environment))
    steps = [
        *storing_steps(state, [wanted]),
        *edit_steps(state, edit),
        *retiring_steps(state.location, [wanted]),
    ]
    secret = state.secrets.get(role)
    if delete_secret and secret is not None and secret.versions is not None:
        steps.append(DeleteSecret(role))
    return steps
