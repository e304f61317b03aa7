"""Read whether the mint sends telemetry or serves metrics, and check that the packages are installed.

The OpenTelemetry SDK reads its other settings from the same standard ``OTEL_*`` variables.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintcore.settings.reader import Reader

SIGNALS = ("traces", "metrics")
_OPENTELEMETRY = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def read_signals(reader: Reader) -> frozenset[str]:
    """Return the signals to send: those with an endpoint, or with ``otlp`` named as their exporter.

    OpenTelemetry: SDK environment variables; OTLP exporter configuration.
    """
    if reader.text("OTEL_SDK_DISABLED").lower() == "true":
        return frozenset()
    signals = frozenset(signal for signal in SIGNALS if _wanted(reader, signal))
    if signals and not _installed(*_OPENTELEMETRY):
        reader.warn(
            "OTEL_* variables enable telemetry, but the OpenTelemetry SDK is not installed, so nothing is sent. "
            "Fix: pip install 'fullsend-mint[telemetry]', or for a hosted mint add its packages to requirements.txt"
        )
        return frozenset()
    return signals


def _wanted(reader: Reader, signal: str) -> bool:
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    exporter = reader.text(variable).lower()
    if exporter not in {"", "otlp", "none"}:
        reader.warn(f"{variable} is {exporter[:40]!r}, but this mint sends only with otlp: no {signal} are sent")
    if exporter:
        return exporter == "otlp"
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    return any(reader.text(endpoint) for endpoint in endpoints)


def read_metrics(reader: Reader) -> bool:
    """Return whether ``/metrics`` is served. A switch that cannot work is a problem, not a warning."""
    wanted = reader.switch("METRICS")
    if wanted and not _installed("prometheus_client"):
        reader.problem(
            "METRICS",
            "is 1, but the package prometheus-client is not installed",
            "0, or run: pip install 'fullsend-mint[metrics]'",
        )
    return wanted


def _installed(*names: str) -> bool:
    try:
        return all(importlib.util.find_spec(name) for name in names)
    except ModuleNotFoundError:  # a parent package
        return False
