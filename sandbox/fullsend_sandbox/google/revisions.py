"""Define Cloud Run services and their revisions as the sandbox stores them, and show them as the API does.

Values only: `deployments.py` decides when a revision runs and where traffic goes. The control plane's lock guards
them.
"""

import secrets
import string
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fullsend_sandbox.google.front_door import FrontDoor
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.runner import Running


@dataclass
class Revision:
    """One revision; `ready` is None until it is known."""

    name: str
    number: int
    template: Mapping[str, Any]
    created: str
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    ready: bool | None = None
    message: str = ""
    running: Running | None = None


@dataclass
class Service:
    """One service: the requested state (`template`, `traffic`) and the real one (`revisions`, `serving`)."""

    name: str
    """Full, with the project's id."""
    template: dict[str, Any]
    traffic: list[dict[str, Any]]
    created: str
    settings: dict[str, Any] = field(default_factory=dict)
    """Fields that the sandbox keeps and shows but does not act on."""
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    generation: int = 0
    updated: str = ""
    etag: str = ""
    revisions: list[Revision] = field(default_factory=list)
    serving: list[tuple[Revision, int]] = field(default_factory=list)
    pending: int = 0
    """Writes whose work is not done yet."""
    failure: str = ""
    """Why the last write could not be carried out."""
    door: FrontDoor | None = None
    deleted: bool = False
    settling: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one who starts and stops revisions of this service."""

    @property
    def id(self) -> str:
        """The last segment of its name."""
        return self.name.rpartition("/")[2]

    @property
    def latest_ready(self) -> Revision | None:
        """The newest revision that is ready."""
        return next((one for one in reversed(self.revisions) if one.ready), None)

    @property
    def latest_serves_all(self) -> bool:
        """Whether the newest revision serves all traffic."""
        return bool(self.revisions) and self.serving == [(self.revisions[-1], 100)]

    def revision(self, name: str) -> Revision | None:
        """Return a revision by its short name."""
        return next((one for one in self.revisions if one.name == name), None)

    def written(self, now: str) -> None:
        """Count a write: a new generation and a new etag."""
        self.generation += 1
        self.updated = now
        self.etag = f'"{secrets.token_urlsafe(12)}"'

    def next_revision_name(self) -> str:
        """Return a name such as `fullsend-mint-00002-abc`."""
        suffix = "".join(secrets.choice(string.ascii_lowercase) for _ in range(3))
        return f"{self.id}-{len(self.revisions) + 1:05d}-{suffix}"


def show_service(service: Service, project: Project) -> dict[str, Any]:
    """Return a service as Cloud Run shows it."""
    shown: dict[str, Any] = {
        **service.settings,
        "name": service.name,
        "uid": service.uid,
        "generation": str(service.generation),
        "observedGeneration": str(service.generation - (1 if service.pending else 0)),
        "createTime": service.created,
        "updateTime": service.updated,
        "template": service.template,
        "traffic": service.traffic,
        "etag": service.etag,
        "terminalCondition": _condition(service, project),
    }
    if service.pending:
        shown["reconciling"] = True
    if service.revisions:
        shown["latestCreatedRevision"] = f"{service.name}/revisions/{service.revisions[-1].name}"
    if service.latest_ready is not None:
        shown["latestReadyRevision"] = f"{service.name}/revisions/{service.latest_ready.name}"
    if service.serving:
        shown["trafficStatuses"] = _traffic_statuses(service)
    if service.door is not None:
        shown |= {"uri": service.door.url, "urls": [service.door.url]}
    return shown


def _traffic_statuses(service: Service) -> list[dict[str, Any]]:
    kinds = {target.get("revision"): target["type"] for target in service.traffic}
    latest = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    statuses = []
    for revision, percent in service.serving:
        kind = kinds.get(revision.name, latest)
        named = {} if kind == latest else {"revision": revision.name}
        statuses.append({"type": kind, **named, "percent": percent})
    return statuses


def _condition(service: Service, project: Project) -> dict[str, Any]:
    state = "CONDITION_SUCCEEDED"
    if service.pending:
        state = "CONDITION_RECONCILING"
    elif service.failure:
        state = "CONDITION_FAILED"
    condition = {"type": "Ready", "state": state, "lastTransitionTime": service.updated or project.now()}
    return condition | ({"message": service.failure} if service.failure and not service.pending else {})


def show_revision(service: Service, revision: Revision) -> dict[str, Any]:
    """Return a revision as Cloud Run shows it."""
    state = {True: "CONDITION_SUCCEEDED", False: "CONDITION_FAILED", None: "CONDITION_RECONCILING"}[revision.ready]
    kept = ("containers", "labels", "maxInstanceRequestConcurrency", "scaling", "serviceAccount", "timeout")
    condition = {"type": "Ready", "state": state, "lastTransitionTime": revision.created}
    shown = {name: revision.template[name] for name in kept if name in revision.template}
    shown |= {
        "name": f"{service.name}/revisions/{revision.name}",
        "uid": revision.uid,
        "generation": "1",
        "createTime": revision.created,
        "updateTime": revision.created,
        "service": service.id,
        "conditions": [condition | ({"message": revision.message} if revision.message else {})],
        "etag": f'"{revision.uid[:8]}"',
    }
    return shown | ({"reconciling": True} if revision.ready is None else {"observedGeneration": "1"})
