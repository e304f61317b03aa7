"""Emulate Cloud Run v1 (Knative), which reads and writes a whole service, for `gcloud run services`.

It reads and writes the same services as the v2 API, and converts between the two forms. Fields that the mint's
commands do not write are refused, so nothing is lost silently.
"""

import re
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.errors import invalid, not_found
from fullsend_sandbox.google.knative_view import LOCATION_LABEL, show_knative, show_knative_revision
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Revision, Service
from fullsend_sandbox.google.service_writes import RequestedService, ServiceWrites, check_version, revision_names
from fullsend_sandbox.google.traffic import LATEST, REVISION

MAX_SCALE = "autoscaling.knative.dev/maxScale"
MIN_SCALE = "autoscaling.knative.dev/minScale"
BOOST = "run.googleapis.com/startup-cpu-boost"
THROTTLING = "run.googleapis.com/cpu-throttling"
SERVICE_SELECTOR = re.compile(r"serving\.knative\.dev/service ?= ?([a-z0-9-]*)")
SYSTEM_LABELS = ("serving.knative.dev/", "run.googleapis.com/")
CONTAINER_FIELDS = frozenset({"name", "image", "env", "resources", "ports", "startupProbe"})


class Knative:
    """`serving.knative.dev/v1` over the same services."""

    def __init__(
        self, project: Project, deployments: Deployments, operations: Operations, writes: ServiceWrites
    ) -> None:
        self._project = project
        self._deployments = deployments
        self._operations = operations
        self._writes = writes

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at = "namespaces.services."
        return {
            f"{at}get": Endpoint(lambda call: self._show(self._service(call)), "run.services.get"),
            f"{at}list": Endpoint(self._list, "run.services.list"),
            f"{at}replaceService": Endpoint(self._replace, "run.services.update"),
            "v1/projects.locations.services.list": Endpoint(self._list, "run.services.list"),
            "v1/projects.locations.services.get": Endpoint(
                lambda call: self._show(self._service(call)), "run.services.get"
            ),
            "namespaces.revisions.get": Endpoint(self._get_revision, "run.revisions.get"),
            "namespaces.revisions.list": Endpoint(self._list_revisions, "run.revisions.list"),
        }

    def _list(self, _call: Call) -> dict[str, Any]:
        shown = [self._show(service) for _, service in sorted(self._deployments.services.items())]
        return {"apiVersion": "serving.knative.dev/v1", "kind": "ServiceList", "items": shown, "metadata": {}}

    def _get_revision(self, call: Call) -> dict[str, Any]:
        wanted = call.variables["revisionsId"]
        for service in self._deployments.services.values():
            revision = service.revision(wanted)
            if revision is not None:
                return self._show_revision(service, revision)
        raise not_found(f"Resource '{wanted}' of kind 'REVISION' in region '' in project '{self._project.id}'")

    def _list_revisions(self, call: Call) -> dict[str, Any]:
        selector = SERVICE_SELECTOR.fullmatch(call.query.get("labelSelector", "serving.knative.dev/service="))
        if selector is None:
            raise invalid("labelSelector: the sandbox knows only serving.knative.dev/service = NAME.")
        shown = [
            self._show_revision(service, revision)
            for _, service in sorted(self._deployments.services.items())
            for revision in reversed(service.revisions)
            if selector[1] in {"", service.id}
        ]
        return {"apiVersion": "serving.knative.dev/v1", "kind": "RevisionList", "items": shown, "metadata": {}}

    def _replace(self, call: Call) -> dict[str, Any]:
        service = self._service(call)
        metadata, spec = call.body.get("metadata", {}), call.body.get("spec", {})
        if metadata.get("name") != service.id:
            raise invalid(f"metadata.name: must be '{service.id}'.")
        check_version(service, metadata.get("resourceVersion"))
        wanted = RequestedService(
            template=_template(spec.get("template", {}), service.template),
            traffic=[_target(one) for one in spec.get("traffic", ())],
            settings=service.settings | {"labels": _labels(metadata)},
        )
        self._writes.check(service.id, wanted, revision_names(service))
        # The caller polls the service, not an operation.
        self._writes.write(
            service,
            wanted,
            lambda: self._operations.begin("", "google.cloud.run.v2.Service", {}),
            lambda operation: operation.finish("google.cloud.run.v2.Service", {}),
        )
        return self._show(service)

    def _service(self, call: Call) -> Service:
        # The namespace is the project; the region is the host's, and a name is used in one region here.
        wanted = call.variables["servicesId"]
        for service in self._deployments.services.values():
            if service.id == wanted:
                return service
        raise not_found(f"Resource '{wanted}' of kind 'SERVICE' in region '' in project '{self._project.id}'")

    def _show_revision(self, service: Service, revision: Revision) -> dict[str, Any]:
        digest = self._deployments.digest(revision.template)
        return show_knative_revision(service, revision, self._project, digest)

    def _show(self, service: Service) -> dict[str, Any]:
        return show_knative(service, self._project)


def _template(template: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    annotations = metadata.get("annotations", {})
    containers = [_container(one) for one in spec.get("containers", ())]
    for container in containers:
        container["resources"] |= {
            "cpuIdle": annotations.get(THROTTLING, "true") == "true",
            "startupCpuBoost": annotations.get(BOOST, "false") == "true",
        }
    known = {"containers": containers, "labels": _own_labels(metadata), "scaling": _scaling(annotations)}
    if "containerConcurrency" in spec:
        known["maxInstanceRequestConcurrency"] = spec["containerConcurrency"]
    if "timeoutSeconds" in spec:
        known["timeout"] = f"{spec['timeoutSeconds']}s"
    if spec.get("serviceAccountName"):
        known["serviceAccount"] = spec["serviceAccountName"]
    if metadata.get("name"):
        known["revision"] = metadata["name"]
    return {name: known[name] for name in {**stored, **known} if name in known}


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(container) - CONTAINER_FIELDS)
    if unknown:
        raise invalid(f"spec.template.spec.containers: the sandbox does not run {', '.join(unknown)}.")
    ports = [{"name": port.get("name", "http1"), **port} for port in container.get("ports", ())]
    kept = {name: container[name] for name in ("name", "image", "env") if container.get(name)}
    limits = container.get("resources", {}).get("limits", {})
    return kept | {"resources": {"limits": dict(limits)}} | ({"ports": ports} if ports else {})


def _scaling(annotations: Mapping[str, str]) -> dict[str, int]:
    names = {MAX_SCALE: "maxInstanceCount", MIN_SCALE: "minInstanceCount"}
    return {field: _whole(annotations[name], name) for name, field in names.items() if name in annotations}


def _whole(value: str, name: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < len("10000")):
        raise invalid(f"{name}: must be a whole number.")
    return int(value)


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: target[name] for name in ("percent", "tag") if name in target}
    if target.get("latestRevision"):
        return {"type": LATEST, **kept}
    return {"type": REVISION, "revision": target.get("revisionName", ""), **kept}


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in metadata.get("labels", {}).items() if key != LOCATION_LABEL}


def _own_labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    labels = metadata.get("labels", {})
    return {key: value for key, value in labels.items() if not key.startswith(SYSTEM_LABELS)}
