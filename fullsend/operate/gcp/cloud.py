"""Collect all adapters of one project in one value, for the steps of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.gcp.accounts import ServiceAccounts
from fullsend.operate.gcp.builds import Builds
from fullsend.operate.gcp.functions import Functions
from fullsend.operate.gcp.identity_pools import Federation
from fullsend.operate.gcp.kms import Kms
from fullsend.operate.gcp.resource_manager import ResourceManager
from fullsend.operate.gcp.run import Run
from fullsend.operate.gcp.secret_manager import SecretManager
from fullsend.operate.gcp.service_usage import ServiceUsage

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session
    from fullsend.operate.model.names import MintLocation


@dataclass(frozen=True)
class Cloud:
    """One Google Cloud project, with the APIs that a mint needs."""

    location: MintLocation
    session: Session
    project: ResourceManager
    apis: ServiceUsage
    accounts: ServiceAccounts
    builds: Builds
    federation: Federation
    secrets: SecretManager
    kms: Kms
    functions: Functions
    run: Run


def connect(location: MintLocation, session: Session) -> Cloud:
    """Return the adapters over one session."""
    return Cloud(
        location=location,
        session=session,
        project=ResourceManager(session),
        apis=ServiceUsage(session),
        accounts=ServiceAccounts(session),
        builds=Builds(session),
        federation=Federation(session),
        secrets=SecretManager(session),
        kms=Kms(session),
        functions=Functions(session),
        run=Run(session),
    )
