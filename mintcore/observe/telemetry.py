"""Send traces and metrics to an OpenTelemetry collector, if the operator has configured one.

The SDK is an extra: it is imported only here, and only if configured. It reads the standard ``OTEL_*`` variables
and opens its own connections, so it never runs within a request. Spans are built after the answer is ready, from
the times in the request's context. A thread sends them in batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mintcore.observe.instruments import INSTRUMENTS, measurements
from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mintcore.observe.instruments import Instrument
    from mintcore.request import AnswerRecord

_NAME = "fullsend-mint"
_NANOSECONDS = 1_000_000_000
_SERVER_ERROR = 500


class Telemetry:
    """Sends what it records after :meth:`start`; an :class:`~mintcore.ports.Observer`.

    ``signals`` are those of :mod:`mintcore.settings.telemetry`.
    """

    def __init__(self, signals: Collection[str]) -> None:
        self._signals = signals
        self._traces: _Traces | None = None
        self._metrics: _Instruments | None = None

    def start(self) -> None:
        """Import the SDK and start its threads, in the serving process: threads do not survive a fork."""
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
    """The numbers of :mod:`mintcore.observe.instruments`, under OpenTelemetry's names."""

    def __init__(self, resource: Any) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

        provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
        meter = provider.get_meter(_NAME, VERSION)
        self._record = {one.opentelemetry: _recorder(meter, one) for one in INSTRUMENTS}

    def record(self, answered: AnswerRecord) -> None:
        for instrument, amount, labels in measurements(answered):
            attributes = {instrument.labels[name]: value for name, value in labels.items()}
            self._record[instrument.opentelemetry](amount, attributes)


def _recorder(meter: Any, one: Instrument) -> Callable[[float, dict[str, Any]], None]:
    recorder: Callable[[float, dict[str, Any]], None]
    if one.is_histogram:
        recorder = meter.create_histogram(one.opentelemetry, one.unit, one.help).record
    elif one.is_gauge:
        recorder = meter.create_gauge(one.opentelemetry, one.unit, one.help).set
    else:
        recorder = meter.create_counter(one.opentelemetry, one.unit, one.help).add
    return recorder


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
