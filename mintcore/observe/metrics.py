"""Serve the mint's metrics to Prometheus.

The package ``prometheus-client`` is an extra: it is imported only here, and only when ``METRICS=1``. The registry
is separate, so the page has only the mint's metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.observe.instruments import INFO, INSTRUMENTS, SECONDS, measurements
from mintcore.version import VERSION

if TYPE_CHECKING:
    from mintcore.request import AnswerRecord


class Metrics:
    """The numbers of :mod:`mintcore.observe.instruments`; an :class:`~mintcore.ports.Observer`."""

    def __init__(self) -> None:
        from prometheus_client import (  # noqa: PLC0415 - an extra
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            disable_created_metrics,
            generate_latest,
        )

        disable_created_metrics()  # type: ignore[no-untyped-call] # a series per label set that no dashboard uses
        self._registry = CollectorRegistry(auto_describe=True)
        self._write = generate_latest
        Gauge(INFO, "The version that runs.", ["version"], registry=self._registry).labels(VERSION).set(1)
        self._counters = {
            one.prometheus: Counter(one.prometheus, one.help, list(one.labels), registry=self._registry)
            for one in INSTRUMENTS
            if not one.is_histogram and not one.is_gauge
        }
        self._gauges = {
            one.prometheus: Gauge(one.prometheus, one.help, list(one.labels), registry=self._registry)
            for one in INSTRUMENTS
            if one.is_gauge
        }
        self._histograms = {
            one.prometheus: Histogram(
                one.prometheus, one.help, list(one.labels), registry=self._registry, buckets=SECONDS
            )
            for one in INSTRUMENTS
            if one.is_histogram
        }

    def answered(self, answered: AnswerRecord) -> None:
        """Count one answer and what it cost."""
        for instrument, amount, labels in measurements(answered):
            written = {name: _written(value) for name, value in labels.items()}
            if instrument.is_histogram:
                self._histograms[instrument.prometheus].labels(**written).observe(amount)
            elif instrument.is_gauge:
                self._gauges[instrument.prometheus].labels(**written).set(amount)
            else:
                self._counters[instrument.prometheus].labels(**written).inc(amount)

    def text(self) -> str:
        """Return every number in Prometheus' text exposition format 0.0.4."""
        return self._write(self._registry).decode()


def _written(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
