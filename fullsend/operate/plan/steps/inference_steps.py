"""Define the step that restores access to models after another operator's write has removed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model import conditions, inference_members, names
from fullsend.operate.operate_errors import NotReady, NotThere

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation
    from mintcore.policy.names import Org, Repo

ROUNDS = 60


@dataclass(frozen=True, slots=True)
class CheckInference:
    """Check that the provider admits every target that may use models, and write it again if not.

    A provider has no etag, but the project's policy has one, so the policy decides (docs/adr/0017). A target that
    only the condition admits stays, because another operator may be about to write its binding.
    """

    target: Org | Repo | None = None
    """The target whose spelling replaces other spellings of the name."""

    def title(self) -> str:
        """Return the step's title."""
        return f"check that the provider {names.PROVIDER} admits everyone with {inference_members.USER}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        return [f"# {self.title()}: fullsend inference status ORG --project {location.project}"]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        name = cloud.location.provider(names.INFERENCE_POOL, names.PROVIDER)
        for _ in range(ROUNDS):
            provider = cloud.federation.provider(name)
            bound = inference_members.targets_among(
                cloud.project.members(inference_members.USER), cloud.project.number()
            )
            if provider is None:
                raise NotThere(
                    f"The provider {names.PROVIDER} was deleted meanwhile.",
                    "Run fullsend inference provision again.",
                )
            current = conditions.parse(provider.spec.condition) or conditions.Condition()
            first = [] if self.target is None else [self.target]
            there = inference_members.as_admitted(bound, current)
            wanted = inference_members.condition_for([*first, *there, *inference_members.admitted_by(current)])
            if wanted.cel() == current.cel():
                return
            cloud.federation.set_condition(name, wanted.cel())
        raise NotReady(
            f"The condition of the provider {names.PROVIDER} was changed by other operators {ROUNDS} times in a "
            "row.",
            "Run the command again when they are done.",
        )
