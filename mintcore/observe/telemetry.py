"""Traces and metrics to an OpenTelemetry collector, where the operator has asked for them.

The SDK is an extra and is imported only here and only then; it reads the standard ``OTEL_*`` variables and
makes connections of its own, which is why nothing of it lies on a request's way: an answer's spans are made
from the times the attempt has noted anyway, after the answer is ready, and sent in batches by a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Collection

    from mintcore.request import AnswerRecord, RequestContext

_NAME = "fullsend-mint"
_NANOSECONDS = 1_000_000_000
_SERVER_ERROR = 500


class Telemetry:
    """Sends what it is told once it was started; an :class:`~mintcore.ports.Observer`.

    ``signals`` are those of :mod:`mintcore.settings.telemetry`.
    """

    def __init__(self, signals: Collection[str]) -> None:
        self._signals = signals
        self._traces: _Traces | None = None
        self._metrics: _Instruments | None = None

    def start(self) -> None:
        """Import the SDK and begin; in the process that serves, since threads do not survive a fork."""
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - an extra

        named = Resource({"service.name": _NAME, "service.version": VERSION})
        resource = named.merge(OTELResourceDetector().detect())
        if "traces" in self._signals:
            self._traces = _Traces(resource)
        if "metrics" in self._signals:
            self._metrics = _Instruments(resource)

    def answered(self, answered: AnswerRecord) -> None:
        """Record one answer."""
        if self._traces is not None:
            self._traces.record(answered)
        if self._metrics is not None:
            self._metrics.record(answered)


class _Traces:
    """One span per answer and one below it per step."""

    def __init__(self, resource: Any) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = provider.get_tracer(_NAME, VERSION)
        self._api = trace
        self._propagator = TraceContextTextMapPropagator()

    def record(self, answered: AnswerRecord) -> None:
        context = answered.context
        clock = context.deadline.clock
        ended, ended_at = clock.now(), clock.monotonic()
        span = self._tracer.start_span(
            answered.route,
            context=self._propagator.extract({"traceparent": answered.traceparent}),
            kind=self._api.SpanKind.SERVER,
            start_time=_nanoseconds(ended - context.deadline.elapsed()),
            attributes=_attributes(answered),
        )
        inside = self._api.set_span_in_context(span)
        for step, milliseconds in context.step_ms.items():
            begun = ended - (ended_at - context.step_at[step])
            below = self._tracer.start_span(step, context=inside, start_time=_nanoseconds(begun))
            below.end(_nanoseconds(begun + milliseconds / 1000))
        if answered.status >= _SERVER_ERROR:
            span.set_status(self._api.StatusCode.ERROR, answered.code)
        span.end(_nanoseconds(ended))


class _Instruments:
    """The numbers of :mod:`mintcore.observe.metrics`, under OpenTelemetry's kind of names."""

    def __init__(self, resource: Any) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

        provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
        meter = provider.get_meter(_NAME, VERSION)
        self._requests = meter.create_counter("fullsend.mint.requests", "{request}")
        self._durations = meter.create_histogram("http.server.request.duration", "s")
        self._steps = meter.create_histogram("fullsend.mint.step.duration", "s")
        self._calls = meter.create_counter("fullsend.mint.upstream.calls", "{call}")
        self._caches = meter.create_counter("fullsend.mint.cache.requests", "{request}")

    def record(self, answered: AnswerRecord) -> None:
        context: RequestContext = answered.context
        route = {"http.route": answered.route}
        status = route | {"http.response.status_code": answered.status}
        self._requests.add(1, status | {"code": answered.code, "role": context.served_role})
        self._durations.record(context.deadline.elapsed(), status)
        for step, milliseconds in context.step_ms.items():
            self._steps.record(milliseconds / 1000, {"step": step})
        for service, calls in context.upstream_calls.items():
            self._calls.add(calls, {"service": service})
        for cache, hit in context.cache_hits.items():
            self._caches.add(1, {"cache": cache, "hit": hit})


def _attributes(answered: AnswerRecord) -> dict[str, str | int]:
    context = answered.context
    attributes: dict[str, str | int] = {
        "http.route": answered.route,
        "http.response.status_code": answered.status,
        "fullsend.request_id": context.request_id,
    }
    if answered.code:
        attributes["fullsend.code"] = answered.code
    if context.served_role:
        attributes["fullsend.role"] = context.served_role
    return attributes | {f"fullsend.upstream_calls.{name}": calls for name, calls in context.upstream_calls.items()}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)
