"""Define the steps on the workload identity pool and its providers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import AlreadyExists
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.federation import ProviderSpec
    from fullsend.operate.model.names import MintLocation

CREATE = "create"
UNDELETE = "undelete"
ENABLE = "enable"
UPDATE = "update"
NO_KEYS = ("--jwk-json-path", "/dev/null")
"""gcloud has no flag that clears an uploaded key set; an empty file does."""
_POOLS = ("iam", "workload-identity-pools")


def _in_pool(location: MintLocation, pool: str) -> tuple[str, ...]:
    return ("--project", location.project, "--location", "global", "--workload-identity-pool", pool)


def provider_commands(
    location: MintLocation,
    pool: str,
    provider: str,
    spec: ProviderSpec,
    *,
    how: str,
    upload: tuple[str, ...] = (),
) -> list[str]:
    """Return the gcloud commands that give a provider the settings of `spec`; `upload` is its key set's file."""
    where = (provider, *_in_pool(location, pool))
    mapping = ",".join(f"{name}={value}" for name, value in spec.mapping.items())
    trust = ("--issuer-uri", spec.issuer, "--allowed-audiences", ",".join(spec.audiences), *upload)
    flags = (*trust, "--attribute-mapping", mapping, "--attribute-condition", spec.condition)
    created = ("create-oidc", *where, *flags)
    command = created if how == CREATE else ("update-oidc", *where, *flags, "--no-disabled")
    lines = [gcloud(*_POOLS, "providers", *command)]
    if how == UNDELETE:
        lines.insert(0, gcloud(*_POOLS, "providers", "undelete", *where))
    return lines


@dataclass(frozen=True, slots=True)
class PutPool:
    """Create a pool, undelete it, or enable it, as `how` says."""

    pool: str
    how: str = CREATE

    def title(self) -> str:
        """Return the step's title."""
        return f"{self.how} the workload identity pool {self.pool}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = (self.pool, "--project", location.project, "--location", "global")
        enable = gcloud(*_POOLS, "update", *where, "--no-disabled")
        if self.how == ENABLE:
            return [enable]
        first = gcloud(*_POOLS, self.how, *where)
        return [first] if self.how == CREATE else [first, enable]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        name = cloud.location.pool(self.pool)
        if self.how == CREATE:
            with suppress(AlreadyExists):  # another operator was faster
                cloud.federation.create_pool(name, self.pool)
            return
        if self.how == UNDELETE:
            cloud.federation.undelete_pool(name)
        cloud.federation.enable_pool(name)


@dataclass(frozen=True, slots=True)
class DeletePool:
    """Delete a pool; its name stays reserved for 30 days."""

    pool: str

    def title(self) -> str:
        """Return the step's title."""
        return f"delete the workload identity pool {self.pool} (its name stays reserved for 30 days)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = ("--project", location.project, "--location", "global")
        return [gcloud(*_POOLS, "delete", self.pool, *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.federation.delete_pool(cloud.location.pool(self.pool))


@dataclass(frozen=True, slots=True)
class PutProvider:
    """Create a provider, or undelete and update it, with the settings of `spec`."""

    pool: str
    provider: str
    spec: ProviderSpec
    how: str = CREATE
    old_keys: bool = False
    """Whether it has an uploaded key set that `spec` removes."""

    def title(self) -> str:
        """Return the step's title."""
        return f"{self.how} the provider {self.provider} with the condition: {self.spec.condition}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        upload = NO_KEYS if self.old_keys else ()
        return provider_commands(location, self.pool, self.provider, self.spec, how=self.how, upload=upload)

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        name = cloud.location.provider(self.pool, self.provider)
        if self.how == CREATE:
            try:
                cloud.federation.create_provider(name, self.spec)
            except AlreadyExists:
                pass  # another operator was faster; write the same content
            else:
                return
        current = cloud.federation.provider(name)
        if current is not None and current.state == "DELETED":
            cloud.federation.undelete_provider(name)
        cloud.federation.update_provider(name, self.spec)


@dataclass(frozen=True, slots=True)
class DeleteProvider:
    """Delete a provider; its name stays reserved for 30 days."""

    pool: str
    provider: str

    def title(self) -> str:
        """Return the step's title."""
        return f"delete the provider {self.provider} (its name stays reserved for 30 days)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = (self.provider, *_in_pool(location, self.pool))
        return [gcloud(*_POOLS, "providers", "delete", *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.federation.delete_provider(cloud.location.provider(self.pool, self.provider))
