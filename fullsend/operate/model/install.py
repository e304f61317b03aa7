"""Define the managed names of an install on GitHub, their places, and the leftovers of older installs.

Pure. `plan/install_changes.py` decides the values; `install_values.py` checks their form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.github.slots import Kind, Slot
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, Repo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MINT_URL = "FULLSEND_MINT_URL"
REGION = "FULLSEND_GCP_REGION"
PER_REPO = "FULLSEND_PER_REPO_INSTALL"
PROJECT = "FULLSEND_GCP_PROJECT_ID"
PROVIDER = "FULLSEND_GCP_WIF_PROVIDER"
FLAGS = {
    MINT_URL: "--mint-url URL",
    PROJECT: "--inference-project PROJECT",
    PROVIDER: "--inference-wif-provider NAME",
}

HOME = ".fullsend"
"""The repository of an organization's install."""

_CLIENT_ID = re.compile(r"FULLSEND_[A-Z][A-Z0-9_]*_CLIENT_ID")
_LEFTOVER = re.compile(r"FULLSEND_DISPATCH_TOKEN|FULLSEND_[A-Z0-9_]+_(?:APP_)?(?:PEM|PRIVATE_KEY)")
"""Long-lived credentials of installs before the mint: each role's App key, and a personal access token."""


@dataclass(frozen=True, slots=True)
class Install:
    """A whole organization's install, or one repository's own."""

    target: Org | Repo

    def __post_init__(self) -> None:
        if isinstance(self.target, Repo) and self.target.key == HOME:
            raise BadInput(
                f"{self.target} holds its organization's install and cannot have a separate one.",
                f"Name the organization: {self.target.owner}",
            )

    @property
    def per_repo(self) -> bool:
        """Whether this is the install of a single repository."""
        return isinstance(self.target, Repo)

    @property
    def home(self) -> str:
        """The repository with the secrets."""
        return str(self.target) if self.per_repo else f"{self.target}/{HOME}"

    @property
    def holders(self) -> tuple[str, ...]:
        """Every place that is read or written."""
        return (self.home,) if self.per_repo else (str(self.target), self.home)

    def slots(self, client_ids: Iterable[str] = ()) -> tuple[Slot, ...]:
        """Return every slot the install should fill, given the names of its client ids.

        A repository whose name begins with a dot does not receive its organization's variables, so the mint's
        URL is kept in both places.
        """
        variables = [MINT_URL, REGION, *([PER_REPO] if self.per_repo else sorted(client_ids))]
        on_org = [] if self.per_repo else [Slot(str(self.target), Kind.VARIABLE, MINT_URL)]
        in_home = [Slot(self.home, Kind.VARIABLE, name) for name in variables]
        return (*on_org, *in_home, *(Slot(self.home, Kind.SECRET, name) for name in (PROJECT, PROVIDER)))

    def slots_named(self, name: str) -> tuple[Slot, ...]:
        """Return the slots of a managed name. Raises BadInput for any other name."""
        client_ids = [name] if self.is_client_id(name) else []
        found = tuple(slot for slot in self.slots(client_ids) if slot.name == name)
        if not found:
            raise BadInput(
                f"{name!r} is not a name that an install on {self.target} manages.",
                f"The names are: {', '.join(self.names())}.\n"
                "For other names, use `gh variable set` and `gh secret set`.",
            )
        return found

    def names(self) -> Iterator[str]:
        """Return all managed names, for messages."""
        yield from dict.fromkeys(slot.name for slot in self.slots())
        if not self.per_repo:
            yield "FULLSEND_{ROLE}_CLIENT_ID"

    def manages(self, slot: Slot) -> bool:
        """Whether this install manages a slot. Only managed slots are set, shown and removed."""
        client_id = slot.holder == self.home and slot.kind is Kind.VARIABLE and self.is_client_id(slot.name)
        return client_id or slot in self.slots()

    def is_client_id(self, name: str) -> bool:
        """Whether a name is some role's `FULLSEND_{ROLE}_CLIENT_ID` here."""
        return not self.per_repo and _CLIENT_ID.fullmatch(name) is not None


def is_leftover(slot: Slot) -> bool:
    """Whether a slot is a credential that installs before the mint kept on GitHub, variable or secret."""
    return _LEFTOVER.fullmatch(slot.name) is not None


def client_id_name(role: str) -> str:
    """Return the variable of a role's client id; a name on GitHub has no dashes."""
    return f"FULLSEND_{role.upper().replace('-', '_')}_CLIENT_ID"


def role_of_client_id(name: str) -> str:
    """Return the role whose client id has this name."""
    return name.removeprefix("FULLSEND_").removesuffix("_CLIENT_ID").lower()


def flags(names: Collection[str]) -> str:
    """Return the options of `setup` that give these names a value."""
    return " ".join(flag for name, flag in FLAGS.items() if name in names)
