"""`fullsend mint explain --project`: read the configuration of the serving revision from Google."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.cli.mint.operator_options import google
from fullsend.cli.output import progress
from fullsend.explain.configuration import configured
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.plan.enrollment import require_mint

if TYPE_CHECKING:
    from fullsend.explain.configuration import Configuration


def read_project(project: str, region: str) -> Configuration:
    """Return the serving revision's configuration and its providers' conditions. Raises UnusableInputError."""
    with google(project, region) as cloud:
        with progress(f"reading the mint of {project}"):
            state = read_state(cloud)
        require_mint(state)
    conditions = {name: provider.spec.condition for name, provider in state.providers.items()}
    return configured(state.serving_environment, f"the mint of {project}", conditions, state.location.flags())
