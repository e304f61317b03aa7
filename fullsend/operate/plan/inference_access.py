"""Plan `inference provision` and `deprovision`: a pool whose identities can only use models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model import conditions, federation, names
from fullsend.operate.model.federation import DELETED
from fullsend.operate.model.inference_members import (
    USER,
    as_admitted,
    condition_for,
    member_for,
    same_but_for_case,
    targets_among,
)
from fullsend.operate.plan.deployment import pool_steps, provider_steps
from fullsend.operate.plan.steps.federation_steps import DeletePool, DeleteProvider
from fullsend.operate.plan.steps.inference_steps import CheckInference
from fullsend.operate.plan.steps.project_steps import EnableApis, GrantProjectRole, RevokeProjectRole
from mintcore.policy.names import Org, Repo

if TYPE_CHECKING:
    from fullsend.operate.model.federation import Pool, Provider
    from fullsend.operate.plan.steps.step import Step

APIS = (
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "sts.googleapis.com",
    "aiplatform.googleapis.com",
)


@dataclass(frozen=True, slots=True)
class InferenceState:
    """The project's number and APIs, the pool, its provider, and the members that can use models through it."""

    number: str
    apis: frozenset[str]
    pool: Pool | None
    provider: Provider | None
    members: frozenset[str]

    def targets(self) -> list[Org | Repo]:
        """Return the organizations and repositories that may use models, from the project's policy."""
        return targets_among(self.members, self.number)

    def covering(self, target: Org | Repo) -> Org | None:
        """Return the repository's organization if it has access as a whole, which covers the repository."""
        if not isinstance(target, Repo):
            return None
        return next((one for one in self.targets() if isinstance(one, Org) and one == target.owner), None)


def provision(state: InferenceState, target: Org | Repo) -> list[Step]:
    """Return the steps: APIs, pool, provider, binding; a binding of the name in another case is removed.

    Raises BadInput for a condition over the limit.
    """
    steps: list[Step] = []
    disabled = tuple(api for api in APIS if api not in state.apis)
    if disabled:
        steps.append(EnableApis(disabled))
    steps += pool_steps(state.pool, names.INFERENCE_POOL)
    steps += _provider(state, [target, *state.targets()])
    member = member_for(state.number, target)
    if member not in state.members:
        steps.append(GrantProjectRole(USER, member))
    others = (one for one in same_but_for_case(state.members, member) if one != member)
    steps += [RevokeProjectRole(USER, one) for one in others]
    return [*steps, CheckInference(target)] if steps else []


def deprovision(state: InferenceState, target: Org | Repo) -> list[Step]:
    """Return the steps: its bindings in any case, then the provider; also the pool if no target is left."""
    bound = same_but_for_case(state.members, member_for(state.number, target))
    steps: list[Step] = [RevokeProjectRole(USER, one) for one in bound]
    current = conditions.parse(state.provider.spec.condition) if state.provider is not None else None
    left = as_admitted((one for one in state.targets() if one != target), current)
    there = state.pool is not None and state.pool.state != DELETED
    if left and there:
        steps += _provider(state, left)
        return [*steps, CheckInference()] if steps else []
    if there and state.provider is not None and state.provider.state != DELETED:
        steps.append(DeleteProvider(names.INFERENCE_POOL, names.PROVIDER))
    return [*steps, DeletePool(names.INFERENCE_POOL)] if there else steps


def _provider(state: InferenceState, targets: list[Org | Repo]) -> list[Step]:
    spec = federation.inference_provider(state.number, names.PROVIDER, condition_for(targets).cel())
    found = state.provider if state.pool is not None else None
    return provider_steps(names.INFERENCE_POOL, names.PROVIDER, found, spec)
