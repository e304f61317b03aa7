"""Define the interface of every step of a plan. A step changes a Google Cloud project, or variables on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from fullsend.operate.gcp.cloud import Cloud

if TYPE_CHECKING:
    from fullsend.operate.model.names import MintLocation

Target_contra = TypeVar("Target_contra", contravariant=True)


class AnyStep(Protocol[Target_contra]):
    """One change, as a value. Applying it twice does no harm, so a command that was stopped can run again."""

    def title(self) -> str:
        """Return the step's title, in the imperative."""

    def apply(self, target: Target_contra, /) -> None:
        """Apply the step. Raises Failure."""


class Step(AnyStep[Cloud], Protocol):
    """A step on Google Cloud, which can also be shown as shell commands."""

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands; a comment line if gcloud has no command for it."""
