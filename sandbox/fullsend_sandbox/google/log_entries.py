"""Emulate Cloud Logging's `entries.list`: the output of a service's revisions.

It reads two conditions of a filter, the service's name and location, and ignores all others.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.deployments import Deployments
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.revisions import Service

SERVICE_NAME = re.compile(r'resource\.labels\.service_name\s*=\s*"?([a-z0-9-]+)"?')
LOCATION = re.compile(r'resource\.labels\.location\s*=\s*"?([a-z0-9-]+)"?')
DEFAULT_SIZE = 50


class LogEntries:
    """The project's log."""

    def __init__(self, project: Project, deployments: Deployments) -> None:
        self._project = project
        self._deployments = deployments

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        return {"entries.list": Endpoint(self._list, "logging.logEntries.list")}

    def _list(self, call: Call) -> dict[str, Any]:
        wanted = call.body.get("filter", "")
        named, located = SERVICE_NAME.search(wanted), LOCATION.search(wanted)
        services = [
            service
            for _, service in sorted(self._deployments.services.items())
            if (named is None or service.id == named[1])
            and (located is None or service.name.split("/")[3] == located[1])
        ]
        entries = [entry for service in services for entry in self._entries(service)]
        if call.body.get("orderBy", "timestamp asc").endswith("desc"):
            entries.reverse()
        chosen = entries[: call.body.get("pageSize") or DEFAULT_SIZE]
        return {"entries": chosen} if chosen else {}

    def _entries(self, service: Service) -> Iterator[dict[str, Any]]:
        for revision in service.revisions:
            lines = revision.running.logs() if revision.running is not None else []
            for index, line in enumerate(lines):
                labels = {
                    "service_name": service.id,
                    "revision_name": revision.name,
                    "location": service.name.split("/")[3],
                    "project_id": self._project.id,
                }
                yield {
                    "logName": f"projects/{self._project.id}/logs/run.googleapis.com%2Fstdout",
                    "resource": {"type": "cloud_run_revision", "labels": labels},
                    "timestamp": revision.created,
                    "insertId": f"{revision.uid}-{index}",
                    **_payload(line),
                }


def _payload(line: str) -> dict[str, Any]:
    """Return a line as Cloud Run logs it: a JSON object by its fields, anything else as text."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return {"textPayload": line}
    severity = value.pop("severity", "DEFAULT")
    return {"severity": severity, "jsonPayload": value}
