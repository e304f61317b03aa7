"""Steps on whom the organizations' provider admits, safe with other operators at work.

A provider has no etag, so that two writers can undo each other. ALLOWED_ORGS has one (the service's), and is
the record: each writer of the condition checks afterwards whether it admits every organization of ALLOWED_ORGS
and writes it again if not. The last writer of all therefore leaves a condition that admits everyone enrolled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model import conditions, environment, names
from fullsend.operate.model.cloud_run_service import Service
from fullsend.operate.operate_errors import BadInput, NotReady, NotThere
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.conditions import Condition
    from fullsend.operate.model.names import MintLocation
    from mintcore.policy.names import Org

ROUNDS = 60


def wanted(text: str, variables: Mapping[str, str], add: Iterable[Org] = (), drop: Iterable[Org] = ()) -> Condition:
    """Return what the condition should be, from what it is and the mint's environment.

    Everyone it admits already stays, for it may be another operator's enrollment under way. Raises BadInput for
    a condition that was written by hand.
    """
    if environment.is_public(variables):
        return conditions.Condition(public=True)
    current = conditions.parse(text)
    if current is None or current.repo is not None:
        raise BadInput(
            f"The condition of the provider {names.PROVIDER} was not written by this command line: {text}",
            "`fullsend mint deploy` writes it anew from ALLOWED_ORGS; `fullsend mint doctor` shows both.",
        )
    leaving = {org.key for org in drop}
    spelled = {org.key: org for org in current.orgs if org.key not in leaving}
    spelled |= {org.key: org for org in environment.admitted_orgs(variables) if org.key not in leaving}
    spelled |= {org.key: org for org in add}
    return conditions.for_orgs(spelled.values())


@dataclass(frozen=True, slots=True)
class _SetCondition:
    """Write the provider's condition: what it is to become is known when the plan is made."""

    orgs: tuple[Org, ...]
    condition: str

    def title(self) -> str:
        """Say what it does."""
        return f"set the condition of the provider {names.PROVIDER} to: {self.condition}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        return [_gcloud(location, self.condition)]


class AdmitOrgs(_SetCondition):
    """Let the provider admit organizations, and everyone in ALLOWED_ORGS."""

    __slots__ = ()

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        _settle(cloud, add=self.orgs)


@dataclass(frozen=True, slots=True)
class CheckAdmission:
    """Check that the provider admits everyone in ALLOWED_ORGS, and write it again if not."""

    def title(self) -> str:
        """Say what it does."""
        return f"check that the provider {names.PROVIDER} admits every organization of ALLOWED_ORGS"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        return [f"# {self.title()}: fullsend mint doctor {location.flags()}"]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        _settle(cloud)


class DropOrgs(_SetCondition):
    """Let the provider no longer admit organizations."""

    __slots__ = ()

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        _settle(cloud, drop=self.orgs)


def _settle(cloud: Cloud, *, add: Iterable[Org] = (), drop: Iterable[Org] = ()) -> None:
    name = cloud.location.provider(names.MINT_POOL, names.PROVIDER)
    for _ in range(ROUNDS):
        raw = cloud.run.service(cloud.location.service)
        variables = Service(raw).environment if raw is not None else {}
        provider = cloud.federation.provider(name)
        if provider is None:
            raise NotThere(f"The provider {names.PROVIDER} does not exist.", "fullsend mint deploy creates it.")
        condition = wanted(provider.spec.condition, variables, add, drop)
        if condition == conditions.parse(provider.spec.condition) and _same_case(
            condition, provider.spec.condition
        ):
            return
        cloud.federation.set_condition(name, condition.cel())
    raise NotReady(
        f"The condition of the provider {names.PROVIDER} was changed by others {ROUNDS} times in a row.",
        "Run the command again when they are done.",
    )


def _same_case(condition: Condition, text: str) -> bool:
    current = conditions.parse(text)
    return current is not None and current.spelled() == condition.spelled()


def _gcloud(location: MintLocation, condition: str) -> str:
    where = ("--project", location.project, "--location", "global", "--workload-identity-pool", names.MINT_POOL)
    change = ("update-oidc", names.PROVIDER, *where, "--attribute-condition", condition)
    return gcloud("iam", "workload-identity-pools", "providers", *change)
