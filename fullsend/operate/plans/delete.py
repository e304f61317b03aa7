"""`mint delete`: what `deploy` made, in reverse. APIs stay enabled, for others may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate import names
from fullsend.operate.federation import DELETED
from fullsend.operate.steps.federation import DeletePool, DeleteProvider
from fullsend.operate.steps.function import DeleteFunction
from fullsend.operate.steps.project import DeleteServiceAccount
from fullsend.operate.steps.secrets import DeleteSecret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fullsend.operate.state import MintState
    from fullsend.operate.steps.step import Step
    from mintcore.policy.names import Role


def delete(state: MintState, stored: Iterable[Role], *, keep_keys: bool) -> list[Step]:
    """Return the steps; `stored` are the roles whose secret the project holds."""
    steps: list[Step] = []
    if state.function is not None:
        steps.append(DeleteFunction())
    if not keep_keys:
        steps += [DeleteSecret(role) for role in sorted(stored)]
    if state.pool is not None and state.pool.state != DELETED:
        there = sorted(name for name, provider in state.providers.items() if provider.state != DELETED)
        steps += [DeleteProvider(names.MINT_POOL, name) for name in there]
        steps.append(DeletePool(names.MINT_POOL))
    if state.account:
        steps.append(DeleteServiceAccount(state.place.service_account))
    return steps
