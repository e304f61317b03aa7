"""List the mint's metrics, once for Prometheus and OpenTelemetry.

docs/metrics.md is generated from here. Every label value comes from a small set: the mint's routes, codes, steps,
services and caches, and a role only after policy has allowed it. So a caller cannot add label values and fill the
memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mintcore.request import AnswerRecord

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
"""Upper bounds of the histograms' buckets."""


class Instrument(NamedTuple):
    """A counter; a histogram if the unit is seconds; a gauge if it is marked as one.

    ``labels`` maps Prometheus' label names to OpenTelemetry's attribute names.
    """

    prometheus: str
    opentelemetry: str
    unit: str
    help: str
    labels: Mapping[str, str]
    is_gauge: bool = False

    @property
    def is_histogram(self) -> bool:
        """Say whether durations are recorded rather than counted."""
        return self.unit == "s"


Measurement = tuple[Instrument, float, dict[str, str | int | bool]]
"""An instrument, the amount to add, and the labels by Prometheus' names."""

REQUESTS = Instrument(
    "fullsend_mint_requests_total",
    "fullsend.mint.requests",
    "{request}",
    "Answers by route, status, error code, and role once policy has allowed it.",
    {"route": "http.route", "status": "http.response.status_code", "code": "code", "role": "role"},
)
DURATIONS = Instrument(
    "fullsend_mint_request_seconds",
    "http.server.request.duration",
    "s",
    "Time that an answer takes.",
    {"route": "http.route", "status": "http.response.status_code"},
)
STEPS = Instrument(
    "fullsend_mint_step_seconds",
    "fullsend.mint.step.duration",
    "s",
    "Time that each step of a mint takes.",
    {"step": "step"},
)
CALLS = Instrument(
    "fullsend_mint_upstream_calls_total",
    "fullsend.mint.upstream.calls",
    "{call}",
    "Calls to each service that the mint depends on.",
    {"service": "service"},
)
CACHES = Instrument(
    "fullsend_mint_cache_requests_total",
    "fullsend.mint.cache.requests",
    "{request}",
    "Look-ups in each cache; hit tells whether the cache had the value.",
    {"cache": "cache", "hit": "hit"},
)

GITHUB_REMAINING = Instrument(
    "fullsend_mint_github_ratelimit_remaining",
    "fullsend.mint.github.ratelimit.remaining",
    "{request}",
    "Requests that GitHub still allows the role's App in this hour, as its last token answer said.",
    {"role": "role"},
    is_gauge=True,
)

INSTRUMENTS = (REQUESTS, DURATIONS, STEPS, CALLS, CACHES, GITHUB_REMAINING)
INFO = "fullsend_mint_info"
"""A gauge of Prometheus: 1, labeled with the version. OpenTelemetry has it as ``service.version``."""


def measurements(answered: AnswerRecord) -> Iterator[Measurement]:
    """Yield what one answer adds to every instrument."""
    context = answered.context
    status: dict[str, str | int | bool] = {"route": answered.route, "status": answered.status}
    yield REQUESTS, 1, status | {"code": answered.code, "role": context.served_role}
    yield DURATIONS, context.deadline.elapsed(), status
    for step, milliseconds in context.step_ms.items():
        yield STEPS, milliseconds / 1000, {"step": step}
    for service, calls in context.upstream_calls.items():
        yield CALLS, calls, {"service": service}
    for cache, hit in context.cache_hits.items():
        yield CACHES, 1, {"cache": cache, "hit": hit}
    if "remaining" in context.github_quota:
        yield GITHUB_REMAINING, context.github_quota["remaining"], {"role": context.served_role}
