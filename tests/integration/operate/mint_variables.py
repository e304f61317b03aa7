"""Environment variables of a deployed mint, set as an operator sets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model.edits import Edit
from fullsend.operate.plan.steps.service_steps import EditEnvironment

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud


def variables(cloud: Cloud, **values: str) -> None:
    """Set environment variables of the mint's service; an empty value unsets one."""
    EditEnvironment(Edit(set_variables=tuple(values.items()))).apply(cloud)
