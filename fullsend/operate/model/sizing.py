"""Define the number of the mint's instances, and whether they get more CPU during their start.

Pure. The values live in the Cloud Run service's template; a function's update would reset them, so a deployment
carries them over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_INSTANCES = 3
"""For new mints. GitHub allows 100 concurrent requests and 180 token creations a minute for all instances together;
each instance also has to fill its own caches."""
MIN_INSTANCES = 0


@dataclass(frozen=True, slots=True)
class Sizing:
    """The wanted values of a template; None leaves a value unchanged."""

    min_instances: int | None = None
    max_instances: int | None = None
    cpu_boost: bool | None = None

    def apply(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """Return the template with these values."""
        changed, scaling = dict(template), dict(template.get("scaling", {}))
        if self.max_instances is not None:
            scaling["maxInstanceCount"] = self.max_instances
        if self.min_instances is not None:
            scaling.pop("minInstanceCount", None)
            scaling |= {"minInstanceCount": self.min_instances} if self.min_instances else {}
        if scaling:
            changed["scaling"] = scaling
        if self.cpu_boost is not None:
            first, *others = template.get("containers") or [{}]
            resources = {**first.get("resources", {}), "startupCpuBoost": self.cpu_boost}
            changed["containers"] = [{**first, "resources": resources}, *others]
        return changed

    def is_applied(self, template: Mapping[str, Any]) -> bool:
        """Whether a template or revision has these values."""
        found = sizing_of(template)
        return all(
            wanted in (None, there)
            for wanted, there in (
                (self.min_instances, found.min_instances),
                (self.max_instances, found.max_instances),
                (self.cpu_boost, found.cpu_boost),
            )
        )

    def flags(self) -> list[str]:
        """Return the options of `gcloud run services update`."""
        words = [] if self.min_instances is None else ["--min-instances", str(self.min_instances)]
        words += [] if self.max_instances is None else ["--max-instances", str(self.max_instances)]
        return words + ([] if self.cpu_boost is None else ["--cpu-boost" if self.cpu_boost else "--no-cpu-boost"])

    def shown(self) -> list[str]:
        """Return the values for a step's title."""
        words = [] if self.min_instances is None else [f"at least {self.min_instances} instances"]
        words += [] if self.max_instances is None else [f"at most {self.max_instances} instances"]
        return words + (
            [] if self.cpu_boost is None else ["startup CPU boost " + ("on" if self.cpu_boost else "off")]
        )


UNCHANGED = Sizing()
NEW_MINT = Sizing(MIN_INSTANCES, MAX_INSTANCES)


def sizing_of(template: Mapping[str, Any]) -> Sizing:
    """Return the values that a template or revision has; Google leaves out zero and false."""
    scaling = template.get("scaling", {})
    first = (template.get("containers") or [{}])[0]
    limit = scaling.get("maxInstanceCount")
    return Sizing(
        min_instances=int(scaling.get("minInstanceCount") or 0),
        max_instances=None if limit is None else int(limit),
        cpu_boost=bool(first.get("resources", {}).get("startupCpuBoost", False)),
    )


def missing_from(template: Mapping[str, Any], wanted: Sizing) -> Sizing:
    """Return the values of `wanted` that a template does not have yet."""
    found = sizing_of(template)
    return Sizing(
        None if wanted.min_instances == found.min_instances else wanted.min_instances,
        None if wanted.max_instances == found.max_instances else wanted.max_instances,
        None if wanted.cpu_boost == found.cpu_boost else wanted.cpu_boost,
    )
