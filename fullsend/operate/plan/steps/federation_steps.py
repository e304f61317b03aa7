"""Steps on the workload identity pool and its providers."""

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
_POOLS = ("iam", "workload-identity-pools")
_POOL_VERBS: dict[str, tuple[str, tuple[str, ...]]] = {
    CREATE: ("create", ()),
    UNDELETE: ("undelete", ()),
    ENABLE: ("update", ("--no-disabled",)),
}


def _in_pool(location: MintLocation, pool: str) -> tuple[str, ...]:
    return ("--project", location.project, "--location", "global", "--workload-identity-pool", pool)


@dataclass(frozen=True, slots=True)
class PutPool:
    """Create a pool, undelete it, or enable it, as `how` says."""

    pool: str
    how: str = CREATE

    def title(self) -> str:
        """Say what it does."""
        return f"{self.how} the workload identity pool {self.pool}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        verb, flags = _POOL_VERBS[self.how]
        where = ("--project", location.project, "--location", "global")
        return [gcloud(*_POOLS, verb, self.pool, *where, *flags)]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        name = cloud.location.pool(self.pool)
        if self.how == CREATE:
            with suppress(AlreadyExists):  # somebody else was faster
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
        """Say what it does."""
        return f"delete the workload identity pool {self.pool} (its name stays reserved for 30 days)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        where = ("--project", location.project, "--location", "global", "--quiet")
        return [gcloud(*_POOLS, "delete", self.pool, *where)]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        cloud.federation.delete_pool(cloud.location.pool(self.pool))


@dataclass(frozen=True, slots=True)
class PutProvider:
    """Create a provider, or undelete and update it, so that it says what `spec` says."""

    pool: str
    provider: str
    spec: ProviderSpec
    how: str = CREATE

    def title(self) -> str:
        """Say what it does."""
        return f"{self.how} the provider {self.provider} with the condition: {self.spec.condition}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        where = (self.provider, *_in_pool(location, self.pool))
        mapping = ",".join(f"{name}={value}" for name, value in self.spec.mapping.items())
        trust = ("--issuer-uri", self.spec.issuer, "--allowed-audiences", ",".join(self.spec.audiences))
        flags = (*trust, "--attribute-mapping", mapping, "--attribute-condition", self.spec.condition)
        verb = "create-oidc" if self.how == CREATE else "update-oidc"
        lines = [gcloud(*_POOLS, "providers", verb, *where, *flags)]
        if self.how == UNDELETE:
            lines.insert(0, gcloud(*_POOLS, "providers", "undelete", *where))
        return lines

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        name = cloud.location.provider(self.pool, self.provider)
        if self.how == CREATE:
            try:
                cloud.federation.create_provider(name, self.spec)
            except AlreadyExists:
                pass  # somebody else was faster; make it say the same
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
        """Say what it does."""
        return f"delete the provider {self.provider} (its name stays reserved for 30 days)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        where = (self.provider, *_in_pool(location, self.pool), "--quiet")
        return [gcloud(*_POOLS, "providers", "delete", *where)]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        cloud.federation.delete_provider(cloud.location.provider(self.pool, self.provider))
