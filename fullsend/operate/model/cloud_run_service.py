"""Hold the function's Cloud Run service as a value, and build the body that changes its environment.

Pure. If traffic follows the latest revision, an edit starts from the template, which serves or will serve; the etag
guards it. If traffic is pinned to a revision (a rollback), or the newest revision did not start, an edit starts
from the serving revision and its image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.sizing import Sizing, sizing_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.edits import Change

LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
FAILED = "CONDITION_FAILED"
WHOLE = 100
_FROM_REVISION = ("containers", "maxInstanceRequestConcurrency", "serviceAccount", "timeout", "scaling", "volumes")


def short(name: str) -> str:
    """Return the last segment of a resource name."""
    return name.rpartition("/")[2]


def environment_of(template: Mapping[str, Any]) -> dict[str, str]:
    """Return the plain variables of a template's or revision's first container."""
    containers = template.get("containers") or [{}]
    return {one["name"]: one.get("value", "") for one in containers[0].get("env", ()) if "valueSource" not in one}


def never_started(revision: Mapping[str, Any]) -> bool:
    """Whether a revision failed to start, so its change has no effect."""
    ready = (one for one in revision.get("conditions", ()) if one.get("type") == "Ready")
    return any(one.get("state") == FAILED for one in ready)


@dataclass(frozen=True, slots=True)
class Service:
    """A Cloud Run service; `raw` is Google's description."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the last write."""
        return MappingProxyType(environment_of(self.raw.get("template", {})))

    @property
    def concurrency(self) -> int:
        """The number of parallel requests per instance."""
        return int(self.raw.get("template", {}).get("maxInstanceRequestConcurrency") or 0)

    @property
    def sizing(self) -> Sizing:
        """The number of instances, and the startup CPU boost."""
        return sizing_of(self.raw.get("template", {}))

    @property
    def url(self) -> str:
        """Its address."""
        return str(self.raw.get("uri", ""))

    @property
    def reconciling(self) -> bool:
        """Whether the last write is still in progress."""
        return bool(self.raw.get("reconciling", False))

    @property
    def latest_created(self) -> str:
        """The newest revision's short name."""
        return short(str(self.raw.get("latestCreatedRevision", "")))

    @property
    def latest_ready(self) -> str:
        """The newest revision that started; its short name."""
        return short(str(self.raw.get("latestReadyRevision", "")))

    @property
    def failure(self) -> str:
        """Why the last write failed; empty if it succeeded."""
        condition = self.raw.get("terminalCondition", {})
        return str(condition.get("message", "no reason given")) if condition.get("state") == FAILED else ""

    @property
    def follows_latest(self) -> bool:
        """Whether all traffic goes to the newest revision that started."""
        shares = [one for one in self.raw.get("traffic", ()) if one.get("percent")]
        return not shares or all(one.get("type", LATEST) == LATEST for one in shares)

    @property
    def traffic(self) -> tuple[tuple[str, int], ...]:
        """The serving revisions with their percentages, the largest first."""
        statuses = [one for one in self.raw.get("trafficStatuses", ()) if one.get("percent")]
        shares = [(short(str(one.get("revision") or self.latest_ready)), int(one["percent"])) for one in statuses]
        return tuple(sorted(shares, key=lambda share: -share[1]))

    @property
    def serving(self) -> str:
        """The revision with the largest share; empty if no revision serves."""
        return self.traffic[0][0] if self.traffic else ""

    @property
    def starts_from_revision(self) -> bool:
        """Whether an edit starts from the serving revision instead of the template."""
        broken = not self.reconciling and self.latest_created != self.latest_ready
        return bool(self.serving) and (broken or not self.follows_latest)


def edited(
    service: Service, serving: Mapping[str, Any] | None, edit: Change, sizing: Sizing | None = None
) -> dict[str, Any] | None:
    """Return the body to PATCH, or None if edit and sizing hold already.

    `serving` is the serving revision, needed if `service.starts_from_revision`. Raises BadInput.
    """
    template = dict(service.raw.get("template", {}))
    if service.starts_from_revision and serving is not None:
        template |= {name: serving[name] for name in _FROM_REVISION if name in serving}
    before = environment_of(template)
    after = edit.apply(before)
    settled = service.follows_latest and not (service.starts_from_revision or service.reconciling)
    sized = (sizing or Sizing()).is_applied(template)
    if after == before and sized and (settled or service.reconciling):
        return None
    template = (sizing or Sizing()).apply(template)
    template.pop("revision", None)  # a new revision must have a new name
    first, *others = template.get("containers") or [{}]
    references = [one for one in first.get("env", ()) if "valueSource" in one]
    env = [{"name": name, "value": value} for name, value in after.items()]
    template["containers"] = [{**first, "env": [*env, *references]}, *others]
    tagged = [one for one in service.raw.get("traffic", ()) if one.get("tag") and not one.get("percent")]
    # Cloud Run moves this traffic only once the new revision is ready.
    traffic = [{"type": LATEST, "percent": WHOLE}, *tagged]
    return {"etag": service.raw.get("etag", ""), "template": template, "traffic": traffic}
