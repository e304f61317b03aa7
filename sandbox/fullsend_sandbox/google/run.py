"""Emulate Cloud Run v2: services, their revisions, and their invokers.

A change is written at once, guarded by the etag, and carried out in the background of its operation.
"""

import re
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.errors import already_exists, invalid, not_found
from fullsend_sandbox.google.operations import Operation, Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.policies import Policies
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Service, show_revision, show_service
from fullsend_sandbox.google.service_writes import (
    RequestedService,
    ServiceWrites,
    check_version,
    revision_names,
    without,
)
from fullsend_sandbox.google.traffic import to_latest

RESOURCE = "google.cloud.run.v2.Service"
ACTED_ON = frozenset({"name", "template", "traffic", "etag"})
SERVICE_ID = re.compile(r"[a-z](?:[-a-z0-9]{0,47}[a-z0-9])?")


class CloudRun:
    """The REST API over `Deployments`."""

    def __init__(
        self,
        project: Project,
        deployments: Deployments,
        *,
        operations: Operations,
        policies: Policies,
        writes: ServiceWrites,
    ) -> None:
        self._project = project
        self._deployments = deployments
        self._operations = operations
        self._policies = policies
        self._writes = writes

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.locations.services.", "run.services."
        return {
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(lambda call: self._show(self._service(call)), f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}patch": Endpoint(self._patch, f"{may}update"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
            f"{at}getIamPolicy": Endpoint(self._policy, f"{may}getIamPolicy"),
            f"{at}setIamPolicy": Endpoint(self._set_policy, f"{may}setIamPolicy"),
            f"{at}revisions.get": Endpoint(self._get_revision, "run.revisions.get"),
            f"{at}revisions.list": Endpoint(self._list_revisions, "run.revisions.list"),
            "projects.locations.operations.get": Endpoint(self._operations.get, "run.operations.get"),
            "projects.locations.operations.wait": Endpoint(self._operations.get, "run.operations.get"),
        }

    def _list(self, call: Call) -> dict[str, Any]:
        parent = self._project.by_id(call.name.removesuffix("/services"))
        services = [
            one for name, one in sorted(self._deployments.services.items()) if name.startswith(f"{parent}/")
        ]
        return page(call, "services", [self._show(service) for service in services])

    def _create(self, call: Call) -> dict[str, Any]:
        service_id = call.query.get("serviceId", "")
        if not SERVICE_ID.fullmatch(service_id):
            raise invalid("service_id: must begin with a letter and hold a-z, 0-9 and dashes, 49 at most.")
        name = f"{self._project.by_id(call.name)}/{service_id}"
        if name in self._deployments.services:
            raise already_exists(f"Resource '{service_id}' already exists.")
        wanted = _wanted(call.body, call.query)
        self._writes.check(service_id, wanted)
        service = self._deployments.create(name, wanted.template, traffic=wanted.traffic)
        return self._write(service, wanted)

    def _patch(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        check_version(service, call.body.get("etag"))
        current = {**service.settings, "template": service.template, "traffic": service.traffic}
        # Without a mask Cloud Run takes the body for the whole service.
        changed = call.patched(current) if call.query.get("updateMask") else dict(call.body)
        wanted = _wanted(changed, call.query)
        self._writes.check(service.id, wanted, revision_names(service))
        if call.query.get("validateOnly") == "true":
            operation = self._begin(service)
            operation.finish(RESOURCE, self._show(service))
            return self._operations.show(operation)
        return self._write(service, wanted)

    def _write(self, service: Service, wanted: RequestedService) -> dict[str, Any]:
        def finish(operation: Operation) -> None:
            operation.finish(RESOURCE, self._show(service))

        return self._operations.show(self._writes.write(service, wanted, lambda: self._begin(service), finish))

    def _begin(self, service: Service) -> Operation:
        # Its metadata is the service itself.
        parent = "/".join(service.name.split("/")[:4])
        return self._operations.begin(parent, RESOURCE, self._show(service))

    def _delete(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        check_version(service, call.query.get("etag"))
        del self._deployments.services[service.name]
        shown = self._show(service)
        operation = self._begin(service)

        def work() -> None:
            self._deployments.remove(service)
            operation.finish(RESOURCE, shown)

        self._deployments.background.run(operation, work)
        return self._operations.show(operation)

    def _policy(self, call: Call) -> dict[str, Any]:
        return self._policies.get(self._service(call).name)

    def _set_policy(self, call: Call) -> dict[str, Any]:
        return self._policies.replace(self._service(call).name, call)

    def _get_revision(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        revision = service.revision(call.last())
        if revision is None:
            raise not_found(f"Resource '{call.last()}' of kind 'REVISION' does not exist.")
        return show_revision(service, revision)

    def _list_revisions(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        return page(call, "revisions", [show_revision(service, one) for one in reversed(service.revisions)])

    def _service(self, call: Call) -> Service:
        segments = self._project.by_id(call.name).split("/")
        service = self._deployments.services.get("/".join(segments[:6]))
        if service is None:
            raise not_found(f"Resource '{call.variables['servicesId']}' of kind 'SERVICE' does not exist.")
        return service

    def _show(self, service: Service) -> dict[str, Any]:
        return show_service(service, self._project)


def _wanted(service: Mapping[str, Any], query: Mapping[str, str]) -> RequestedService:
    return RequestedService(
        template=service.get("template", {}),
        traffic=service.get("traffic") or to_latest(),
        settings=without(service, ACTED_ON),
        force=query.get("forceNewRevision") == "true",
    )
