"""Plan the steps from GitHub's present variables and secrets to the wanted ones of an install. Pure.

A variable is changed only if it differs. A secret cannot be compared, so an existing one is kept unless the
operator asks to write it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.github.slots import Kind, Slot, Stored
from fullsend.operate.model.install import MINT_URL, PER_REPO, REGION, Install, flags
from fullsend.operate.model.install_values import DEFAULT_REGION
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.steps.slot_steps import Action, ChangeSlot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def changes(steps: Sequence[ChangeSlot]) -> list[ChangeSlot]:
    """Return the steps that change something."""
    return [step for step in steps if step.action is not Action.KEEP]


def plan_setup(
    install: Install,
    given: Mapping[str, str],
    observed: Mapping[Slot, Stored],
    *,
    rewrite_secrets: bool = False,
) -> list[ChangeSlot]:
    """Return the steps that write the given values; other values stay.

    Raises BadInput for a value that is neither given nor present, with the options to add.
    """
    client_ids = [name for name in given if install.is_client_id(name)]
    wanted = {slot: _value(slot, install, given, observed) for slot in install.slots(client_ids)}
    missing = {slot.name for slot, value in wanted.items() if value is None and slot not in observed}
    if missing:
        raise BadInput(f"{install.target} has no {', '.join(sorted(missing))} yet.", f"Give {flags(missing)}")
    return [_step(slot, value, observed.get(slot), rewrite=rewrite_secrets) for slot, value in wanted.items()]


def plan_set(install: Install, name: str, value: str, observed: Mapping[Slot, Stored]) -> list[ChangeSlot]:
    """Return the steps that write one value in every place of its name. Raises BadInput for an unmanaged name."""
    return [_step(slot, value, observed.get(slot), rewrite=True) for slot in install.slots_named(name)]


def plan_uninstall(install: Install, observed: Mapping[Slot, Stored]) -> list[ChangeSlot]:
    """Return the steps that remove every managed name that exists, and no other."""
    return [ChangeSlot(Action.REMOVE, slot) for slot in sorted(observed) if install.manages(slot)]


def _value(slot: Slot, install: Install, given: Mapping[str, str], observed: Mapping[Slot, Stored]) -> str | None:
    """Return the wanted value of a slot; None leaves it unchanged."""
    if slot.name in given:
        return given[slot.name]
    if slot.name == PER_REPO:
        return "true"
    if slot.name == REGION and slot not in observed:
        return DEFAULT_REGION
    if slot.name == MINT_URL and slot.holder == install.home and not install.per_repo:
        # The copy in the dot-repository follows the organization's value.
        original = observed.get(Slot(str(install.target), Kind.VARIABLE, MINT_URL))
        return original.value if original else None
    return None


def _step(slot: Slot, value: str | None, stored: Stored | None, *, rewrite: bool) -> ChangeSlot:
    if stored is None:
        return ChangeSlot(Action.CREATE, slot, value)
    if slot.kind is Kind.SECRET:
        return (
            ChangeSlot(Action.REWRITE, slot, value)
            if rewrite and value is not None
            else ChangeSlot(Action.KEEP, slot)
        )
    if value in (None, stored.value):
        return ChangeSlot(Action.KEEP, slot, stored.value)
    return ChangeSlot(Action.UPDATE, slot, value, before=stored.value)
