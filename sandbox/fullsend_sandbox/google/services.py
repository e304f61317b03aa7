"""Emulate Service Usage v1: the project's enabled APIs."""

from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import failed_precondition, invalid, permission_denied
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.switches import ALWAYS_ENABLED, Switches

HOST = "serviceusage.googleapis.com"
MAX_BATCH = 20
OPERATION = "google.api.serviceusage.v1.OperationMetadata"
KNOWN = ALWAYS_ENABLED | {
    f"{api}.googleapis.com"
    for api in (
        "aiplatform",
        "artifactregistry",
        "cloudbuild",
        "cloudfunctions",
        "cloudkms",
        "cloudresourcemanager",
        "iam",
        "iamcredentials",
        "logging",
        "monitoring",
        "pubsub",
        "run",
        "secretmanager",
        "sts",
    )
}
"""The services that the sandbox knows by name."""


class Services:
    """The project's APIs. The switches keep which are enabled, and check it on every call."""

    def __init__(self, project: Project, switches: Switches, operations: Operations) -> None:
        self._project = project
        self._switches = switches
        self._operations = operations

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        return {
            "services.batchEnable": Endpoint(self._batch_enable, "serviceusage.services.enable"),
            "services.enable": Endpoint(self._enable, "serviceusage.services.enable"),
            "services.disable": Endpoint(self._disable, "serviceusage.services.disable"),
            "services.get": Endpoint(self._get, "serviceusage.services.get"),
            "services.list": Endpoint(self._list, "serviceusage.services.list"),
            "operations.get": Endpoint(self._operations.get, None),
        }

    def _batch_enable(self, call: Call) -> dict[str, Any]:
        ids: list[str] = call.body.get("serviceIds", [])
        if not ids:
            raise invalid("Request must name at least one service in service_ids.")
        if len(ids) > MAX_BATCH:
            raise invalid(f"Request names {len(ids)} services; at most {MAX_BATCH} can be enabled at once.")
        return self._turn_on(ids, "BatchEnableServicesResponse")

    def _enable(self, call: Call) -> dict[str, Any]:
        return self._turn_on([call.last()], "EnableServiceResponse")

    def _turn_on(self, ids: list[str], response: str) -> dict[str, Any]:
        for service in ids:
            self._check_known(service)
        kind = f"google.api.serviceusage.v1.{response}"
        shown = [self._show(service, "ENABLED") for service in ids]
        body = {"services": shown} if response.startswith("Batch") else {"service": shown[0]}
        if self._switches.enabled.issuperset(ids):
            answer = {"@type": f"type.googleapis.com/{kind}", **body}
            return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": answer}
        self._switches.enabled.update(ids)
        operation = self._operations.begin("", OPERATION, {"resourceNames": [one["name"] for one in shown]})
        operation.finish(kind, body)
        return self._operations.show(operation)

    def _disable(self, call: Call) -> dict[str, Any]:
        service = call.last()
        self._check_known(service)
        if service in ALWAYS_ENABLED:
            raise failed_precondition(f"The service {service} cannot be disabled.")
        self._switches.enabled.discard(service)
        shown = self._show(service, "DISABLED")
        operation = self._operations.begin("", OPERATION, {"resourceNames": [shown["name"]]})
        operation.finish("google.api.serviceusage.v1.DisableServiceResponse", {"service": shown})
        return self._operations.show(operation)

    def _get(self, call: Call) -> dict[str, Any]:
        self._check_known(call.last())
        return self._show(call.last())

    def _list(self, call: Call) -> dict[str, Any]:
        wanted = call.query.get("filter", "")
        if wanted not in {"", "state:ENABLED", "state:DISABLED"}:
            raise invalid("The filter must be state:ENABLED or state:DISABLED.")
        shown = [self._show(service) for service in sorted(KNOWN | self._switches.enabled)]
        return page(call, "services", [one for one in shown if one["state"] in wanted or not wanted])

    def _show(self, service: str, state: str | None = None) -> dict[str, Any]:
        parent = f"projects/{self._project.number}"
        enabled = "ENABLED" if service in self._switches.enabled else "DISABLED"
        return {
            "name": f"{parent}/services/{service}",
            "config": {"name": service},
            "state": state or enabled,
            "parent": parent,
        }

    def _check_known(self, service: str) -> None:
        if service not in KNOWN:
            # Google does not tell an unknown service from one that the caller may not see.
            raise permission_denied("servicemanagement.services.bind", HOST, f"services/{service}")
