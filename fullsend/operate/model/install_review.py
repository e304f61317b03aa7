"""Compare an install on GitHub with the wanted one: each name is present, missing, stale or different. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fullsend.github.slots import Kind, Slot, Stored
from fullsend.operate.model.install import MINT_URL, PER_REPO, Install, flags, is_leftover, role_of_client_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEEN_BY = {
    "private": "not visible to public repositories",
    "selected": "visible to selected repositories only",
}


class State(StrEnum):
    """The state of a slot."""

    PRESENT = "present"
    MISSING = "missing"
    STALE = "stale"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Finding:
    """A slot's state, its value and details, and the command that fixes it, empty if none is needed."""

    slot: Slot
    state: State
    value: str | None = None
    detail: str = ""
    fix: str = ""


def review(install: Install, given: Mapping[str, str], observed: Mapping[Slot, Stored]) -> list[Finding]:
    """Compare the present with the wanted slots; `given` values must be equal, other slots must only exist."""
    names = {name for name in given if install.is_client_id(name)}
    names |= {slot.name for slot in observed if install.manages(slot) and install.is_client_id(slot.name)}
    findings = [_finding(slot, install, given, observed) for slot in install.slots(names)]
    if not names and not install.per_repo:
        findings.append(_no_client_id(install))
    return findings + [_stale(slot) for slot in leftovers(observed)]


def _no_client_id(install: Install) -> Finding:
    """Return the finding for an organization without any client id, where no role's workflow can start."""
    slot = Slot(install.home, Kind.VARIABLE, "FULLSEND_{ROLE}_CLIENT_ID")
    command = f"fullsend github setup {install.target} --client-id ROLE=CLIENT_ID"
    return Finding(slot, State.MISSING, detail="no role has a client ID", fix=command)


def leftovers(observed: Iterable[Slot]) -> list[Slot]:
    """Return the leftovers of an older install."""
    return sorted(slot for slot in observed if is_leftover(slot))


def _finding(slot: Slot, install: Install, given: Mapping[str, str], observed: Mapping[Slot, Stored]) -> Finding:
    stored = observed.get(slot)
    expected = _expected(slot, install, given, observed)
    if stored is None:
        # One command for all missing values, with the options for those without a default.
        absent = {each.name for each in install.slots() if each not in observed}
        clients = _client_flags(install, given, observed)
        command = " ".join([f"fullsend github setup {install.target}", flags(absent), *clients])
        return Finding(slot, State.MISSING, fix=" ".join(command.split()))
    if slot.kind is Kind.SECRET:
        return Finding(slot, State.PRESENT, detail=f"written {stored.updated_at}")
    if expected not in (None, stored.value):
        return Finding(slot, State.DIFFERENT, stored.value, f"should be {expected}", _set(install, slot, expected))
    return Finding(slot, State.PRESENT, stored.value, SEEN_BY.get(stored.visibility or "", ""))


def _client_flags(install: Install, given: Mapping[str, str], observed: Mapping[Slot, Stored]) -> list[str]:
    missing = {
        name: value
        for name, value in given.items()
        if install.is_client_id(name) and Slot(install.home, Kind.VARIABLE, name) not in observed
    }
    return [
        f"--client-id {role_of_client_id(name)}={shlex.quote(value)}" for name, value in sorted(missing.items())
    ]


def _set(install: Install, slot: Slot, value: str | None) -> str:
    return f"fullsend github set {install.target} {slot.name} {shlex.quote(value or '')}"


def _expected(
    slot: Slot, install: Install, given: Mapping[str, str], observed: Mapping[Slot, Stored]
) -> str | None:
    if slot.kind is Kind.SECRET:
        return None
    if slot.name in given:
        return given[slot.name]
    if slot.name == PER_REPO:
        return "true"
    if slot.name == MINT_URL and not install.per_repo:
        # The organization's copy is the original; the home repository's follows it.
        original = observed.get(Slot(str(install.target), Kind.VARIABLE, MINT_URL))
        return original.value if original else None
    return None


def _stale(slot: Slot) -> Finding:
    where = f"--repo {slot.holder}" if "/" in slot.holder else f"--org {slot.holder}"
    return Finding(
        slot,
        State.STALE,
        detail="a long-lived credential of an older install, which a mint makes unnecessary",
        fix=f"gh {slot.kind} delete {slot.name} {where}",
    )
