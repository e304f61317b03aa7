"""Carry out the writes to a Cloud Run service: start revisions, move traffic, stop revisions without traffic.

It works in background threads. Only one thread at a time starts or stops revisions of a service, without holding
the control plane's lock while a process starts.
"""

import copy
import threading
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.background import Background
from fullsend_sandbox.google.builds import Builds
from fullsend_sandbox.google.errors import RefusedError, already_exists, invalid
from fullsend_sandbox.google.front_door import FrontDoor
from fullsend_sandbox.google.policies import Policies
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Revision, Service
from fullsend_sandbox.google.runner import DidNotStartError, Runner, Running
from fullsend_sandbox.google.templates import environment_of, image_of
from fullsend_sandbox.google.traffic import targets_of

INVOKER = "roles/run.invoker"


class Deployments:
    """The services of the project, by full name."""

    def __init__(
        self,
        project: Project,
        *,
        lock: threading.RLock,
        builds: Builds,
        runner: Runner,
        policies: Policies,
        background: Background,
    ) -> None:
        self.services: dict[str, Service] = {}
        self.background = background
        self._project = project
        self._lock = lock
        self._builds = builds
        self._runner = runner
        self._policies = policies

    def create(self, name: str, template: Mapping[str, Any], **fields: Any) -> Service:
        """Add a service, with its address and no revision. Call with the lock held."""
        service = Service(name, dict(template), created=self._project.now(), **fields)
        service.door = FrontDoor(
            f"run-{service.id}",
            is_public=lambda: "allUsers" in self._policies.members(name, INVOKER),
            split=lambda: [(r.running.url, percent) for r, percent in service.serving if r.running is not None],
            clock=self._project.clock,
        ).start()
        self.services[name] = service
        return service

    def add_revision(self, service: Service) -> Revision:
        """Add a revision of the service's template. Call with the lock held. Raises RefusedError."""
        wanted = service.template.get("revision")
        if wanted and service.revision(wanted) is not None:
            raise already_exists(f"Revision named '{wanted}' with different configuration already exists.")
        name = wanted or service.next_revision_name()
        template = copy.deepcopy(service.template)
        revision = Revision(name, len(service.revisions) + 1, template, self._project.now())
        service.revisions.append(revision)
        return revision

    def carry_out(self, service: Service, revision: Revision | None) -> None:
        """Start a new revision, if any, and move the traffic as requested. Raises RefusedError."""
        try:
            if revision is not None:
                self._start_new(service, revision)
            with service.settling:
                self._settle(service)
            failure = ""
        except RefusedError as refused:
            failure = refused.message
            raise
        finally:
            with self._lock:
                service.pending -= 1
                service.failure = failure

    def tidy(self, service: Service) -> None:
        """Stop revisions without traffic; call it after the operation is done, because it takes a while."""
        with service.settling:
            self._stop_idle(service)

    def digest(self, template: Mapping[str, Any]) -> str:
        """Return the template's image by its digest, or by its name if the image is unknown."""
        name = image_of(template)
        try:
            return self._builds.image(name).digest
        except RefusedError:
            return name

    def remove(self, service: Service) -> None:
        """End a service that is no longer listed: its address and its revisions."""
        with self._lock:
            service.deleted = True
            service.serving = []
        self._policies.forget(service.name)
        if service.door is not None:
            service.door.stop()
        self.tidy(service)

    def _start_new(self, service: Service, revision: Revision) -> None:
        try:
            running = self._run(service, revision)
        except RefusedError as refused:
            with self._lock:
                revision.ready, revision.message = False, refused.message
            raise
        with self._lock:
            revision.running = running
            revision.ready = True

    def _run(self, service: Service, revision: Revision) -> Running:
        variables = environment_of(revision.template) | {
            "K_SERVICE": service.id,
            "K_CONFIGURATION": service.id,
            "K_REVISION": revision.name,
        }
        try:
            return self._runner.start(self._builds.image(image_of(revision.template)), variables)
        except DidNotStartError as problem:
            raise invalid(
                f"Revision '{revision.name}' is not ready and cannot serve traffic. The user-provided container "
                "failed to start and listen on the port defined provided by the PORT=8080 environment variable "
                f"within the allocated timeout. Logs for this revision might contain more information: {problem}"
            ) from problem

    def _settle(self, service: Service) -> None:
        with self._lock:
            latest = service.latest_ready
            targets = targets_of(service.traffic, latest.name if latest else None)
            wanted = [(r, percent) for name, percent in targets if (r := service.revision(name)) is not None]
        for revision, _ in wanted:
            if not revision.ready:
                raise invalid(
                    f"Revision '{revision.name}' is not ready and cannot serve traffic. {revision.message}"
                )
            if revision.running is None:
                revision.running = self._run(service, revision)
        with self._lock:
            service.serving = [] if service.deleted else wanted

    def _stop_idle(self, service: Service) -> None:
        # A stopped revision that gets traffic again is started again.
        with self._lock:
            busy = {revision.name for revision, _ in service.serving}
            # The newest keeps running, because traffic usually moves there next.
            if service.latest_ready is not None and not service.deleted:
                busy.add(service.latest_ready.name)
            idle = [r for r in service.revisions if r.name not in busy and r.running is not None]
            stopping = [r.running for r in idle if r.running is not None]
            for revision in idle:
                revision.running = None
        for running in stopping:
            running.stop()
