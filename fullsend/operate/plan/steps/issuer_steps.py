"""Define the steps on the providers of other CI systems' issuers, safely beside other operators.

A provider has no etag, so two writers can undo each other. ISSUERS and CALLERS are guarded by the service's etag,
so they decide: a step derives the provider from them, writes it, and reads both again until they agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fullsend.operate.model import names
from fullsend.operate.model.cloud_run_service import Service
from fullsend.operate.model.federation import DELETED, ProviderSpec, same
from fullsend.operate.model.issuer_federation import issuer_provider
from fullsend.operate.model.issuer_list import entries_of, issuers, with_provider
from fullsend.operate.operate_errors import AlreadyExists, NotReady
from fullsend.operate.plan.steps.federation_steps import CREATE, NO_KEYS, provider_commands
from mintcore.policy.issuers import issuer_provider_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.edits import Change
    from fullsend.operate.model.federation import Provider
    from fullsend.operate.model.names import MintLocation

ROUNDS = 60


@dataclass(frozen=True, slots=True)
class KeySet:
    """A key set to upload: its text, and the file for gcloud. An empty text removes an earlier upload."""

    text: str
    path: str = ""


def kept_keys(found: Provider | None, given: KeySet | None) -> str:
    """Return the key set that a provider should have.

    Attack: a deleted provider that comes back must not trust keys that were uploaded for it before.
    """
    if given is not None:
        return given.text
    return found.spec.keys if found is not None and found.state != DELETED else ""


@dataclass(frozen=True, slots=True)
class PutIssuerProvider:
    """Make an issuer's provider admit the entries of CALLERS, and those that a later step adds.

    `spec` is the expected result for the plan, and `how` the verb in its title.
    """

    name: str
    spec: ProviderSpec
    how: str = CREATE
    edit: Change | None = field(default=None, repr=False)
    keys: KeySet | None = field(default=None, repr=False)
    old_keys: bool = False
    """Whether the provider has uploaded keys now."""

    def title(self) -> str:
        """Return the step's title."""
        uploaded = ", with its key set," if self.keys is not None and self.keys.text else ""
        provider = issuer_provider_id(self.name)
        return f"{self.how} the provider {provider}{uploaded} with the condition: {self.spec.condition}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        upload: tuple[str, ...] = ()
        if self.keys is not None and self.keys.text:
            upload = ("--jwk-json-path", self.keys.path)
        elif self.old_keys and not self.spec.keys:
            upload = NO_KEYS
        provider = issuer_provider_id(self.name)
        return provider_commands(location, names.MINT_POOL, provider, self.spec, how=self.how, upload=upload)

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        _settle(cloud, self.name, self.edit, self.keys)


@dataclass(frozen=True, slots=True)
class CheckIssuerProviders:
    """Check that providers admit exactly the entries of CALLERS, and correct them if not.

    Without names, it checks every issuer.
    """

    names: tuple[str, ...] = ()

    def title(self) -> str:
        """Return the step's title."""
        which = ", ".join(issuer_provider_id(name) for name in self.names) or "of every issuer"
        return f"check that the provider {which} admits the entries of CALLERS"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [f"# {self.title()}: fullsend mint doctor {location.flags()}"]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        for name in self.names or tuple(_issuers(cloud)):
            _settle(cloud, name, None, None)


def _variables(cloud: Cloud) -> Mapping[str, str]:
    raw = cloud.run.service(cloud.location.service)
    return Service(raw).environment if raw is not None else {}


def _issuers(cloud: Cloud) -> list[str]:
    return [issuer.name for issuer in with_provider(_variables(cloud))]


def _settle(cloud: Cloud, name: str, edit: Change | None, keys: KeySet | None) -> None:
    provider = cloud.location.provider(names.MINT_POOL, issuer_provider_id(name))
    for _ in range(ROUNDS):
        variables = _variables(cloud)
        after = edit.apply(variables) if edit is not None else variables
        issuer = issuers(after).get(name)
        if issuer is None:
            return  # another operator removed the issuer meanwhile
        found = cloud.federation.provider(provider)
        number = cloud.project.number()
        spec = issuer_provider(number, issuer, entries_of(after, name), kept_keys(found, keys))
        if found is not None and found.usable and same(found.spec, spec):
            return
        _write(cloud, provider, found, spec)
    raise NotReady(
        f"The provider {issuer_provider_id(name)} was changed by other operators {ROUNDS} times in a row.",
        "Run the command again when they are done.",
    )


def _write(cloud: Cloud, provider: str, found: Provider | None, spec: ProviderSpec) -> None:
    if found is None:
        try:
            cloud.federation.create_provider(provider, spec)
        except AlreadyExists:
            return  # another operator was faster; the next round compares
        return
    if found.state == DELETED:
        cloud.federation.undelete_provider(provider)
    cloud.federation.update_provider(provider, spec)
