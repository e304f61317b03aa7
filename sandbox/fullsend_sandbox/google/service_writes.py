"""Write to a Cloud Run service, for both the v2 and the v1 (Knative) API.

It checks what a template refers to. A write is stored at once and carried out in the background.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fullsend_sandbox.google.accounts import ServiceAccounts
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.errors import RefusedError, aborted, invalid
from fullsend_sandbox.google.operations import Operation
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Service
from fullsend_sandbox.google.switches import ACT_AS, Switches
from fullsend_sandbox.google.templates import check_labels, check_template
from fullsend_sandbox.google.traffic import check_traffic


@dataclass(frozen=True)
class RequestedService:
    """A service as a caller wants it."""

    template: dict[str, Any]
    traffic: list[dict[str, Any]]
    settings: dict[str, Any] = field(default_factory=dict)
    """Fields that the sandbox keeps and shows but does not act on."""
    force: bool = False
    """Make a revision even of an unchanged template."""


class ServiceWrites:
    """Checks and carries out writes; call with the control plane's lock held."""

    def __init__(
        self,
        project: Project,
        deployments: Deployments,
        *,
        accounts: ServiceAccounts,
        switches: Switches,
        lock: threading.RLock,
    ) -> None:
        self._project = project
        self._deployments = deployments
        self._accounts = accounts
        self._switches = switches
        self._lock = lock

    def check(self, service_id: str, wanted: RequestedService, revisions: Sequence[str] = ()) -> None:
        """Check a write; `revisions` are those that the service has. Raises RefusedError."""
        check_template(service_id, wanted.template)
        email = wanted.template.get("serviceAccount", "")
        if email:
            self._switches.require(ACT_AS, "iam.googleapis.com", f"serviceAccounts/{email}")
            if not self._accounts.is_visible(email):
                raise invalid(f"Service account {email} does not exist.")
        known = {*revisions, wanted.template.get("revision")}
        check_traffic(wanted.traffic, {name for name in known if name})
        check_labels(wanted.settings.get("labels", {}))

    def write(
        self,
        service: Service,
        wanted: RequestedService,
        operation: Callable[[], Operation],
        finish: Callable[[Operation], None],
    ) -> Operation:
        """Store a checked write and carry it out; `finish` is called with the lock held. Raises RefusedError."""
        before, renewed = service.template, wanted.force or wanted.template != service.template
        service.template = wanted.template
        try:
            revision = self._deployments.add_revision(service) if renewed or not service.revisions else None
        except RefusedError:
            service.template = before
            raise
        service.traffic, service.settings = wanted.traffic, wanted.settings
        service.written(self._project.now())
        service.pending += 1
        begun = operation()

        def work() -> None:
            self._deployments.carry_out(service, revision)
            with self._lock:
                finish(begun)
            self._deployments.tidy(service)

        self._deployments.background.run(begun, work)
        return begun


def check_version(service: Service, given: str | None) -> None:
    """Check the etag or resource version that guards a write. Raises RefusedError."""
    if given and given.strip('"') != service.etag.strip('"'):
        raise aborted(
            f"Conflict for resource '{service.id}': version '{given}' was specified but current version is "
            f"'{service.etag}'."
        )


def revision_names(service: Service) -> tuple[str, ...]:
    """Return the names of the service's revisions."""
    return tuple(revision.name for revision in service.revisions)


def without(fields: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return the fields that have other names."""
    return {name: value for name, value in fields.items() if name not in names}
