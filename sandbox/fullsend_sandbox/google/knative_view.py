"""Show a Cloud Run service in the form of v1 (Knative)."""

from collections.abc import Mapping
from typing import Any

from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Revision, Service
from fullsend_sandbox.google.traffic import LATEST

LOCATION_LABEL = "cloud.googleapis.com/location"


def show_knative(service: Service, project: Project) -> dict[str, Any]:
    """Return the service as `serving.knative.dev/v1` shows it."""
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {
            "name": service.id,
            "namespace": project.number,
            "selfLink": f"/apis/serving.knative.dev/v1/namespaces/{project.number}/services/{service.id}",
            "uid": service.uid,
            "resourceVersion": service.etag.strip('"'),
            "generation": service.generation,
            "creationTimestamp": service.created,
            "labels": {**service.settings.get("labels", {}), LOCATION_LABEL: service.name.split("/")[3]},
            "annotations": {"run.googleapis.com/ingress": "all", "run.googleapis.com/ingress-status": "all"},
        },
        "spec": {"template": _template(service.template), "traffic": [_target(one) for one in service.traffic]},
        "status": _status(service),
    }


def show_knative_revision(service: Service, revision: Revision, project: Project, digest: str) -> dict[str, Any]:
    """Return a revision, whose image has this digest, as `serving.knative.dev/v1` shows it."""
    template = _template(revision.template)
    state = {True: "True", False: "False", None: "Unknown"}[revision.ready]
    condition = {"status": state, "lastTransitionTime": revision.created}
    if revision.message:
        condition["message"] = revision.message
    kinds = ("Ready", "ContainerHealthy", "ResourcesAvailable")
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {
            "name": revision.name,
            "namespace": project.number,
            "selfLink": f"/apis/serving.knative.dev/v1/namespaces/{project.number}/revisions/{revision.name}",
            "uid": revision.uid,
            "resourceVersion": revision.uid[:8],
            "generation": 1,
            "creationTimestamp": revision.created,
            "labels": template["metadata"]["labels"]
            | {
                "serving.knative.dev/service": service.id,
                "serving.knative.dev/configuration": service.id,
                LOCATION_LABEL: service.name.split("/")[3],
            },
            "annotations": template["metadata"]["annotations"],
        },
        "spec": template["spec"],
        "status": {
            "observedGeneration": 1,
            "conditions": [{"type": kind, **condition} for kind in kinds],
            "imageDigest": digest,
            "logUrl": f"https://console.cloud.google.com/logs/viewer?project={project.id}",
        },
    }


def _template(template: Mapping[str, Any]) -> dict[str, Any]:
    scaling = template.get("scaling", {})
    container = template["containers"][0]
    resources = container.get("resources", {})
    annotations = {
        "autoscaling.knative.dev/maxScale": str(scaling.get("maxInstanceCount", 100)),
        "run.googleapis.com/startup-cpu-boost": str(resources.get("startupCpuBoost", False)).lower(),
        "run.googleapis.com/cpu-throttling": str(resources.get("cpuIdle", True)).lower(),
    }
    if "minInstanceCount" in scaling:
        annotations["autoscaling.knative.dev/minScale"] = str(scaling["minInstanceCount"])
    metadata: dict[str, Any] = {"labels": dict(template.get("labels", {})), "annotations": annotations}
    if template.get("revision"):
        metadata["name"] = template["revision"]
    spec: dict[str, Any] = {
        "containers": [container | {"resources": {"limits": resources.get("limits", {})}}],
        "containerConcurrency": template.get("maxInstanceRequestConcurrency", 80),
        "timeoutSeconds": int(template.get("timeout", "300s").removesuffix("s")),
    }
    if template.get("serviceAccount"):
        spec["serviceAccountName"] = template["serviceAccount"]
    return {"metadata": metadata, "spec": spec}


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: target[name] for name in ("percent", "tag") if name in target}
    return kept | (
        {"latestRevision": True} if target["type"] == LATEST else {"revisionName": target.get("revision", "")}
    )


def _status(service: Service) -> dict[str, Any]:
    state, message = "True", ""
    if service.pending:
        state = "Unknown"
    elif service.failure:
        state, message = "False", service.failure
    condition = {"status": state, "lastTransitionTime": service.updated} | ({"message": message} if message else {})
    status: dict[str, Any] = {
        "observedGeneration": service.generation,
        "conditions": [{"type": kind, **condition} for kind in ("Ready", "ConfigurationsReady", "RoutesReady")],
        "traffic": _serving(service),
    }
    if service.revisions:
        status["latestCreatedRevisionName"] = service.revisions[-1].name
    if service.latest_ready is not None:
        status["latestReadyRevisionName"] = service.latest_ready.name
    if service.door is not None:
        status |= {"url": service.door.url, "address": {"url": service.door.url}}
    return status


def _serving(service: Service) -> list[dict[str, Any]]:
    follows = any(target["type"] == LATEST for target in service.traffic)
    latest = service.latest_ready
    return [
        {"revisionName": revision.name, "percent": percent}
        | ({"latestRevision": True} if follows and revision is latest else {})
        for revision, percent in service.serving
    ]
