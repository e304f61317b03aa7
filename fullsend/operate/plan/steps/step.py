"""What every step of a plan offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation


class Step(Protocol):
    """One change, as a value. Taking it twice does no harm, so that a command that was killed can run again."""

    def title(self) -> str:
        """Say what it does, in the imperative."""

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands; a line that begins with # where gcloud has none."""

    def apply(self, cloud: Cloud) -> None:
        """Do it. Raises OperateError."""
