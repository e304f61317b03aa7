"""Define the steps that change which organizations the provider admits, safely beside other operators.

A provider has no etag, so two writers can undo each other. ALLOWED_ORGS is guarded by the service's etag, so it
decides: after writing the condition, a step checks that it admits every organization of ALLOWED_ORGS and writes it
again if not. So the last writer leaves a condition that admits every enrolled organization.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model import admission, conditions, environment, names
from fullsend.operate.model.cloud_run_service import Service
from fullsend.operate.operate_errors import BadInput, NotReady, NotThere
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.admission import Account
    from fullsend.operate.model.conditions import Condition
    from fullsend.operate.model.names import MintLocation

ROUNDS = 60


def wanted(
    text: str, variables: Mapping[str, str], add: Iterable[Account] = (), drop: Iterable[Account] = ()
) -> Condition:
    """Return the wanted condition, from the present one and the mint's environment.

    Raises BadInput for a condition that was written by hand.
    """
    current = conditions.parse(text)
    if not environment.is_public(variables) and (current is None or current.repo is not None):
        raise BadInput(
            f"The condition of the provider {names.PROVIDER} was not written by fullsend: {text}",
            "`fullsend mint deploy` replaces it with one from ALLOWED_ORGS; `fullsend mint doctor` shows both.",
        )
    return admission.shared(current, variables, add, drop)


@dataclass(frozen=True, slots=True)
class _SetCondition:
    """Write the provider's condition; `condition` is the expected result for the plan."""

    accounts: tuple[Account, ...]
    condition: str

    def title(self) -> str:
        """Return the step's title."""
        return f"set the condition of the provider {names.PROVIDER} to: {self.condition}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [_gcloud(location, self.condition)]


class AdmitOrgs(_SetCondition):
    """Let the provider admit organizations, and all of ALLOWED_ORGS."""

    __slots__ = ()

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        _settle(cloud, add=self.accounts)


@dataclass(frozen=True, slots=True)
class CheckAdmission:
    """Check that the provider admits all of ALLOWED_ORGS, and correct it if not."""

    def title(self) -> str:
        """Return the step's title."""
        return f"check that the provider {names.PROVIDER} admits every organization of ALLOWED_ORGS"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [f"# {self.title()}: fullsend mint doctor {location.flags()}"]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        _settle(cloud)


class DropOrgs(_SetCondition):
    """Remove organizations from the provider's condition."""

    __slots__ = ()

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        _settle(cloud, drop=self.accounts)


def _settle(cloud: Cloud, *, add: Iterable[Account] = (), drop: Iterable[Account] = ()) -> None:
    name = cloud.location.provider(names.MINT_POOL, names.PROVIDER)
    for _ in range(ROUNDS):
        raw = cloud.run.service(cloud.location.service)
        variables = Service(raw).environment if raw is not None else {}
        provider = cloud.federation.provider(name)
        if provider is None:
            raise NotThere(f"The provider {names.PROVIDER} does not exist.", "fullsend mint deploy creates it.")
        condition = wanted(provider.spec.condition, variables, add, drop)
        if conditions.same(condition.cel(), provider.spec.condition):
            return
        cloud.federation.set_condition(name, condition.cel())
    raise NotReady(
        f"The condition of the provider {names.PROVIDER} was changed by other operators {ROUNDS} times in a row.",
        "Run the command again when they are done.",
    )


def _gcloud(location: MintLocation, condition: str) -> str:
    where = ("--project", location.project, "--location", "global", "--workload-identity-pool", names.MINT_POOL)
    change = ("update-oidc", names.PROVIDER, *where, "--attribute-condition", condition)
    return gcloud("iam", "workload-identity-pools", "providers", *change)
