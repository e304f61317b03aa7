"""Emulate Cloud Functions v2: a function is a build of an uploaded source and a Cloud Run service that runs it.

As at Google, every change of a function builds its source again and writes the service's whole template. That
undoes what was changed on the service meanwhile.
"""

import re
import threading
from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.accounts import ServiceAccounts
from fullsend_sandbox.google.build_accounts import BuildAccounts
from fullsend_sandbox.google.builds import Builds
from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.errors import RefusedError, aborted, already_exists, invalid, not_found
from fullsend_sandbox.google.function_config import (
    FUNCTION_ID,
    check_function,
    service_account_of,
    template_of,
    with_defaults,
)
from fullsend_sandbox.google.operations import Operation, Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Revision, Service
from fullsend_sandbox.google.switches import ACT_AS, Switches
from fullsend_sandbox.google.traffic import to_latest
from fullsend_sandbox.google.uploads import Uploads

HOST = "cloudfunctions.googleapis.com"
REGION = re.compile(r"[a-z]+-[a-z]+\d+")
METADATA = "google.cloud.functions.v2.OperationMetadata"
RESOURCE = "google.cloud.functions.v2.Function"
BUSY = "unable to queue the operation"
MANAGED = {"goog-managed-by": "cloudfunctions"}


class Functions:
    """The REST API; a function's state is its JSON, with `state` among it."""

    def __init__(
        self,
        project: Project,
        *,
        uploads: Uploads,
        builds: Builds,
        build_accounts: BuildAccounts,
        deployments: Deployments,
        operations: Operations,
        accounts: ServiceAccounts,
        switches: Switches,
        lock: threading.RLock,
    ) -> None:
        self._project = project
        self._uploads = uploads
        self._builds = builds
        self._build_accounts = build_accounts
        self._deployments = deployments
        self._operations = operations
        self._accounts = accounts
        self._switches = switches
        self._lock = lock
        self._functions: dict[str, dict[str, Any]] = {}
        self._built = 0

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.locations.functions.", "cloudfunctions.functions."
        return {
            f"{at}generateUploadUrl": Endpoint(self._upload_url, f"{may}sourceCodeSet"),
            f"{at}generateDownloadUrl": Endpoint(self._download_url, f"{may}sourceCodeGet"),
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(lambda call: self._show(self._name(call)), f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}patch": Endpoint(self._patch, f"{may}update"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
            "projects.locations.operations.get": Endpoint(self._operations.get, "cloudfunctions.operations.get"),
        }

    def clear(self) -> None:
        """Forget every function; their services are the deployments'."""
        self._functions.clear()

    def _upload_url(self, call: Call) -> dict[str, Any]:
        if call.body.get("environment", "GEN_2") != "GEN_2":
            raise invalid("environment: the sandbox takes sources for GEN_2.")
        _check_region(call)
        url, name = self._uploads.offer()
        return {"uploadUrl": url, "storageSource": {"bucket": self._uploads.bucket, "object": name}}

    def _download_url(self, call: Call) -> dict[str, Any]:
        source = self._functions[self._name(call)]["buildConfig"]["source"]["storageSource"]
        return {"downloadUrl": self._uploads.offer_download(source["object"])}

    def _list(self, call: Call) -> dict[str, Any]:
        parent = self._project.by_id(call.name.removesuffix("/functions"))
        within = parent.removesuffix("-") if parent.endswith("/locations/-") else f"{parent}/"  # - is every one
        chosen = [self._show(name) for name in sorted(self._functions) if name.startswith(within)]
        return page(call, "functions", chosen)

    def _show(self, name: str) -> dict[str, Any]:
        function = self._functions[name]
        service = self._deployments.services.get(name.replace("/functions/", "/services/"))
        if service is None:
            return function
        # Computed from the traffic; what was written does not matter.
        config = function["serviceConfig"] | {"allTrafficOnLatestRevision": service.latest_serves_all}
        return function | {"serviceConfig": {k: v for k, v in config.items() if v is not False}}

    def _create(self, call: Call) -> dict[str, Any]:
        _check_region(call)
        function_id = call.query.get("functionId", "")
        if not FUNCTION_ID.fullmatch(function_id):
            raise invalid("function_id: must begin with a letter and hold a-z, 0-9 and dashes, 63 at most.")
        name = f"{self._project.by_id(call.name)}/{function_id}"
        if name in self._functions:
            raise already_exists(
                f"Could not create Cloud Function {name}. A function with this name already exists."
            )
        function = {**call.body, "name": name, "environment": "GEN_2", "createTime": self._project.now()}
        return self._deploy(name, function)

    def _patch(self, call: Call) -> dict[str, Any]:
        name = self._name(call)
        current = self._functions[name]
        if current["state"] == "DEPLOYING":
            raise aborted(BUSY)
        changed = call.patched(current)
        return self._deploy(name, changed | {"name": name, "createTime": current["createTime"]})

    def _deploy(self, name: str, function: dict[str, Any]) -> dict[str, Any]:
        check_function(function)
        email = service_account_of(function, self._project)
        self._switches.require(ACT_AS, HOST, f"serviceAccounts/{email}")
        if not self._accounts.is_visible(email):
            raise invalid(f"Validation failed for function {name}: service account {email} does not exist.")
        archive = self._archive(function)
        function |= {
            "serviceConfig": with_defaults(function.get("serviceConfig", {})) | {"serviceAccountEmail": email},
            "state": "DEPLOYING",
            "updateTime": self._project.now(),
        }
        function.pop("stateMessages", None)
        self._functions[name] = function
        operation = self._begin(name, "update" if "url" in function else "create")
        self._deployments.background.run(operation, lambda: self._carry_out(name, function, archive, operation))
        return self._operations.show(operation)

    def _begin(self, name: str, verb: str) -> Operation:
        metadata = {
            "createTime": self._project.now(),
            "target": name,
            "verb": verb,
            "apiVersion": "v2",
            "operationType": f"{verb.upper()}_FUNCTION",
        }
        return self._operations.begin("/".join(name.split("/")[:4]), METADATA, metadata)

    def _archive(self, function: Mapping[str, Any]) -> bytes:
        source = function["buildConfig"].get("source", {}).get("storageSource", {})
        archive = self._uploads.uploaded(source.get("bucket", ""), source.get("object", ""))
        if archive is None:
            raise invalid(
                "build_config.source: the object "
                f"gs://{source.get('bucket', '')}/{source.get('object', '')} does not exist: upload it first."
            )
        return archive

    def _carry_out(self, name: str, function: dict[str, Any], archive: bytes, operation: Operation) -> None:
        try:
            service, revision = self._build(name, function, archive)
            self._deployments.carry_out(service, revision)
        except RefusedError as refused:
            with self._lock:
                function["state"] = "FAILED"
                function["stateMessages"] = [{"severity": "ERROR", "type": "Failed", "message": refused.message}]
            raise
        with self._lock:
            self._publish(function, service, revision)
            operation.finish(RESOURCE, function)
        self._deployments.tidy(service)

    def _build(self, name: str, function: dict[str, Any], archive: bytes) -> tuple[Service, Revision]:
        with self._lock:
            self._build_accounts.check(function["buildConfig"])
            self._built += 1
            region, short = name.split("/")[3], name.rpartition("/")[2]
            image = f"{region}-docker.pkg.dev/{self._project.id}/gcf-artifacts/{short}:version_{self._built}"
        self._builds.build(image, archive, function["buildConfig"]["entryPoint"])
        with self._lock:
            template = template_of(function, image, self._project)
            service_name = name.replace("/functions/", "/services/")
            service = self._deployments.services.get(service_name)
            if service is None:
                service = self._deployments.create(service_name, template, traffic=to_latest())
            service.template = template
            service.settings = {
                "labels": {**function.get("labels", {}), **MANAGED},
                "ingress": "INGRESS_TRAFFIC_ALL",
            }
            if function["serviceConfig"]["allTrafficOnLatestRevision"]:
                service.traffic = to_latest()
            revision = self._deployments.add_revision(service)
            service.written(self._project.now())
            service.pending += 1
            return service, revision

    def _publish(self, function: dict[str, Any], service: Service, revision: Revision) -> None:
        url = service.door.url if service.door is not None else ""
        function["serviceConfig"] |= {"service": service.name, "uri": url, "revision": revision.name}
        function |= {"state": "ACTIVE", "url": url}

    def _delete(self, call: Call) -> dict[str, Any]:
        name = self._name(call)
        if self._functions[name]["state"] == "DEPLOYING":
            raise aborted(BUSY)
        del self._functions[name]
        service = self._deployments.services.pop(name.replace("/functions/", "/services/"), None)
        operation = self._begin(name, "delete")

        def work() -> None:
            if service is not None:
                self._deployments.remove(service)
            operation.finish("google.protobuf.Empty", {})

        self._deployments.background.run(operation, work)
        return self._operations.show(operation)

    def _name(self, call: Call) -> str:
        name = self._project.by_id(call.name)
        if name not in self._functions:
            raise not_found(f"Resource '{name}' was not found")
        return name


def _check_region(call: Call) -> None:
    if not REGION.fullmatch(call.variables["locationsId"]):
        raise invalid(f"Location {call.variables['locationsId']} is not found or access is unauthorized.")
