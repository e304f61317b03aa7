"""Cloud Run v2: services (read, change, delete), their revisions and who may call them.

Services are made by Cloud Functions here. A change is written at once, guarded by the etag, and carried out
in the background of its operation.
"""

import threading
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.accounts import ServiceAccounts
from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.errors import aborted, invalid, not_found
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.policies import Policies
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Service, show_revision, show_service
from fullsend_sandbox.google.switches import ACT_AS, Switches
from fullsend_sandbox.google.templates import check_labels, check_template
from fullsend_sandbox.google.traffic import check_traffic, to_latest

HOST = "run.googleapis.com"
RESOURCE = "google.cloud.run.v2.Service"
ACTED_ON = frozenset({"name", "template", "traffic", "etag"})


class CloudRun:
    """The REST API over `Deployments`."""

    def __init__(
        self,
        project: Project,
        deployments: Deployments,
        *,
        operations: Operations,
        policies: Policies,
        accounts: ServiceAccounts,
        switches: Switches,
        lock: threading.RLock,
    ) -> None:
        self._project = project
        self._deployments = deployments
        self._operations = operations
        self._policies = policies
        self._accounts = accounts
        self._switches = switches
        self._lock = lock

    def endpoints(self) -> Endpoints:
        """Return what it answers."""
        at, may = "projects.locations.services.", "run.services."
        return {
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

    def _patch(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        self._check_etag(service, call.body.get("etag"))
        current = {**service.settings, "template": service.template, "traffic": service.traffic}
        # Without a mask Cloud Run takes the body for the whole service.
        changed = call.patched(current) if call.query.get("updateMask") else dict(call.body)
        template, traffic = changed.get("template", {}), changed.get("traffic") or to_latest()
        self._check(service, template, traffic)
        settings = {name: value for name, value in changed.items() if name not in ACTED_ON}
        check_labels(settings.get("labels", {}))
        if call.query.get("validateOnly") == "true":
            return self._answer_at_once(service)
        return self._write(service, template, traffic, settings, force=call.query.get("forceNewRevision") == "true")

    def _write(
        self,
        service: Service,
        template: dict[str, Any],
        traffic: list[dict[str, Any]],
        settings: dict[str, Any],
        *,
        force: bool,
    ) -> dict[str, Any]:
        before, renewed = service.template, force or template != service.template
        service.template = template
        try:
            revision = self._deployments.add_revision(service) if renewed else None
        except Exception:
            service.template = before
            raise
        service.traffic, service.settings = traffic, settings
        service.written(self._project.now())
        service.pending += 1
        operation = self._operations.begin(self._parent(service), RESOURCE, service.name)

        def work() -> None:
            self._deployments.carry_out(service, revision)
            with self._lock:
                operation.finish(RESOURCE, self._show(service))
            self._deployments.tidy(service)

        self._deployments.background.run(operation, work)
        return self._operations.show(operation)

    def _delete(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        self._check_etag(service, call.query.get("etag"))
        del self._deployments.services[service.name]
        shown = self._show(service)
        operation = self._operations.begin(self._parent(service), RESOURCE, service.name)

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

    def _check_etag(self, service: Service, given: str | None) -> None:
        if given and given != service.etag:
            raise aborted(
                f"Conflict for resource '{service.id}': version '{given}' was specified but current version is "
                f"'{service.etag}'."
            )

    def _check(self, service: Service, template: Mapping[str, Any], traffic: list[dict[str, Any]]) -> None:
        check_template(service.id, template)
        email = template.get("serviceAccount", "")
        if email:
            self._switches.require(ACT_AS, "iam.googleapis.com", f"serviceAccounts/{email}")
            if not self._accounts.is_visible(email):
                raise invalid(f"Service account {email} does not exist.")
        known = {revision.name for revision in service.revisions} | {template.get("revision")}
        check_traffic(traffic, {name for name in known if name})

    def _answer_at_once(self, service: Service) -> dict[str, Any]:
        operation = self._operations.begin(self._parent(service), RESOURCE, service.name)
        operation.finish(RESOURCE, self._show(service))
        return self._operations.show(operation)

    def _parent(self, service: Service) -> str:
        return "/".join(service.name.split("/")[:4])

    def _show(self, service: Service) -> dict[str, Any]:
        return show_service(service, self._project)
