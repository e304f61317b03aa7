"""Emulate Cloud Logging's log-based metrics and Cloud Monitoring's alert policies, as far as an operator uses them.

It checks names, and that a policy watches a metric that exists. A new log-based metric becomes visible
to Monitoring after `visible_after` seconds; Google documents up to 10 minutes.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, invalid, not_found
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.project import Project

METRIC_ID = re.compile(r"[A-Za-z0-9_\-.,+!*',()%/]{1,100}")
USER_METRIC = re.compile(r"logging\.googleapis\.com/user/([\w.-]+)")
COMBINERS = frozenset({"AND", "OR", "AND_WITH_MATCHING_RESOURCE"})


class Metrics:
    """Log-based metrics."""

    def __init__(self, project: Project) -> None:
        self.visible_after = 0.0
        """Seconds until alert policies can name a new metric."""
        self._project = project
        self._metrics: dict[str, dict[str, Any]] = {}
        self._born: dict[str, float] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.metrics.", "logging.logMetrics."
        return {
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(lambda call: self._metrics[self._id(call)], f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}update": Endpoint(self._update, f"{may}update"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
        }

    def is_visible(self, metric: str) -> bool:
        """Return whether alert policies can name the metric."""
        return metric in self._metrics and self._project.clock() >= self._born[metric] + self.visible_after

    def _create(self, call: Call) -> dict[str, Any]:
        name = call.body.get("name", "")
        if name in self._metrics:
            raise already_exists(f"Metric {name} already exists")
        return self._write(name, call.body)

    def _update(self, call: Call) -> dict[str, Any]:
        return self._write(call.last(), call.body)

    def _write(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if not METRIC_ID.fullmatch(name):
            raise invalid("The metric's name must have 1 to 100 characters of the documented set.")
        if not body.get("filter"):
            raise invalid("A metric must have a filter.")
        now = self._project.now()
        created = self._metrics.get(name, {}).get("createTime", now)
        self._born.setdefault(name, self._project.clock())
        self._metrics[name] = {**body, "name": name, "createTime": created, "updateTime": now}
        return self._metrics[name]

    def _list(self, call: Call) -> dict[str, Any]:
        return page(call, "metrics", [self._metrics[name] for name in sorted(self._metrics)])

    def _delete(self, call: Call) -> dict[str, Any]:
        name = self._id(call)
        del self._metrics[name], self._born[name]
        return {}

    def _id(self, call: Call) -> str:
        if call.last() not in self._metrics:
            raise not_found(f"Metric {call.last()} does not exist.")
        return call.last()


class AlertPolicies:
    """Cloud Monitoring's alert policies."""

    def __init__(self, project: Project, metrics: Metrics) -> None:
        self._project = project
        self._metrics = metrics
        self._policies: dict[str, dict[str, Any]] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.alertPolicies.", "monitoring.alertPolicies."
        return {
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(lambda call: self._policies[self._name(call)], f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
        }

    def _create(self, call: Call) -> dict[str, Any]:
        if not call.body.get("displayName") or not call.body.get("conditions"):
            raise invalid("Field alertPolicy must have a displayName and at least one condition.")
        if call.body.get("combiner") not in COMBINERS:
            raise invalid("Field alertPolicy.combiner must be set.")
        for metric in _metrics_of(call.body["conditions"]):
            if not self._metrics.is_visible(metric):
                raise not_found(
                    "Cannot find metric that matches type = "
                    f'"logging.googleapis.com/user/{metric}". If a metric was created recently, it could take up '
                    "to 10 minutes to become available. Please try again soon."
                )
        name = f"projects/{self._project.id}/alertPolicies/{secrets.randbelow(10**18)}"
        conditions = [
            {**condition, "name": f"{name}/conditions/{index}"}
            for index, condition in enumerate(call.body["conditions"])
        ]
        self._policies[name] = {**call.body, "name": name, "conditions": conditions, "enabled": True}
        return self._policies[name]

    def _list(self, call: Call) -> dict[str, Any]:
        return page(call, "alertPolicies", [self._policies[name] for name in sorted(self._policies)])

    def _delete(self, call: Call) -> dict[str, Any]:
        del self._policies[self._name(call)]
        return {}

    def _name(self, call: Call) -> str:
        name = self._project.by_id(call.name)
        if name not in self._policies:
            raise not_found(f"The alert policy {name} does not exist.")
        return name


def _metrics_of(conditions: list[dict[str, Any]]) -> Iterator[str]:
    for condition in conditions:
        kind: Mapping[str, Any] = condition.get("conditionThreshold") or condition.get("conditionAbsent") or {}
        yield from USER_METRIC.findall(kind.get("filter", ""))
