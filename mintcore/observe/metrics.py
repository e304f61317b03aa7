"""Numbers for Prometheus, kept and written by ourselves (docs/adr/0014).

Every label is one of few values that the mint chooses: its own routes, codes, steps and services, and a role
only once policy has allowed it. A caller can add to a number and never make a new one.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING

from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.request import AnswerRecord

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
"""Upper bounds of the histograms' buckets."""

_Labels = tuple[tuple[str, str], ...]


class Counter:
    """A number per set of labels that only grows."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._values: defaultdict[_Labels, int] = defaultdict(int)

    def add(self, amount: int, **labels: str) -> None:
        """Add to the number of ``labels``."""
        self._values[tuple(labels.items())] += amount

    def lines(self) -> Iterator[str]:
        """Yield the samples."""
        for labels, value in sorted(self._values.items()):
            yield f"{self.name}{_written(labels)} {value}"


class Histogram:
    """Durations in seconds per set of labels."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._buckets: dict[_Labels, list[int]] = {}
        self._sums: defaultdict[_Labels, float] = defaultdict(float)

    def add(self, seconds: float, **labels: str) -> None:
        """Count one duration."""
        key = tuple(labels.items())
        buckets = self._buckets.setdefault(key, [0] * (len(SECONDS) + 1))
        buckets[bisect_left(SECONDS, seconds)] += 1
        self._sums[key] += seconds

    def lines(self) -> Iterator[str]:
        """Yield the samples; a bucket holds what the smaller ones hold as well."""
        for labels, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*map(str, SECONDS), "+Inf"), buckets, strict=True):
                total += count
                yield f"{self.name}_bucket{_written((*labels, ('le', bound)))} {total}"
            yield f"{self.name}_sum{_written(labels)} {self._sums[labels]:.6f}"
            yield f"{self.name}_count{_written(labels)} {total}"


class Metrics:
    """The mint's numbers; an :class:`~mintcore.ports.Observer`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = Counter(
            "fullsend_mint_requests_total", "Answers, by route, status, code and role once it is allowed."
        )
        self._durations = Histogram("fullsend_mint_request_seconds", "How long answers took, by route.")
        self._steps = Histogram("fullsend_mint_step_seconds", "How long the steps of a mint took.")
        self._calls = Counter("fullsend_mint_upstream_calls_total", "Calls sent to each service.")
        self._caches = Counter("fullsend_mint_cache_requests_total", "Questions to each cache, by whether it knew.")

    def answered(self, answered: AnswerRecord) -> None:
        """Count one answer and what it cost."""
        context, route = answered.context, answered.route
        labels = {"route": route, "status": str(answered.status), "code": answered.code}
        with self._lock:
            self._requests.add(1, **labels, role=context.served_role)
            self._durations.add(context.deadline.elapsed(), route=route)
            for step, milliseconds in context.step_ms.items():
                self._steps.add(milliseconds / 1000, step=step)
            for service, calls in context.upstream_calls.items():
                self._calls.add(calls, service=service)
            for cache, hit in context.cache_hits.items():
                self._caches.add(1, cache=cache, hit="yes" if hit else "no")

    def text(self) -> str:
        """Return every number in Prometheus' text exposition format 0.0.4."""
        lines = [
            "# HELP fullsend_mint_info Which version runs.",
            "# TYPE fullsend_mint_info gauge",
            f"fullsend_mint_info{_written((('version', VERSION),))} 1",
        ]
        with self._lock:
            for metric in (self._requests, self._durations, self._steps, self._calls, self._caches):
                kind = "counter" if isinstance(metric, Counter) else "histogram"
                lines += [f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {kind}", *metric.lines()]
        return "\n".join(lines) + "\n"


def _written(labels: _Labels) -> str:
    # Nothing to escape: no value comes from outside, see the module's docstring.
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""
