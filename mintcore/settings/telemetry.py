"""The standard ``OTEL_*`` variables, as far as they say whether anything is to be sent at all.

How and where to is read by the OpenTelemetry SDK itself, from the same variables.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintcore.settings.reader import Reader

SIGNALS = ("traces", "metrics")


def read_signals(reader: Reader) -> frozenset[str]:
    """Return the signals to send: those with an endpoint, or with ``otlp`` named as their exporter.

    OpenTelemetry: SDK environment variables; OTLP exporter configuration.
    """
    if reader.text("OTEL_SDK_DISABLED", "").lower() == "true":
        return frozenset()
    signals = frozenset(signal for signal in SIGNALS if _wanted(reader, signal))
    if signals and not _installed():
        reader.warn(
            "OTEL_* variables ask for telemetry and its packages are not installed, so that none is sent: "
            "pip install 'fullsend-mint[telemetry]'"
        )
        return frozenset()
    return signals


def _wanted(reader: Reader, signal: str) -> bool:
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    exporter = reader.text(variable, "").lower()
    if exporter not in {"", "otlp", "none"}:
        reader.warn(f"{variable} is {exporter[:40]!r}, and this mint sends by otlp only: no {signal} are sent")
    if exporter:
        return exporter == "otlp"
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    return any(reader.text(endpoint, "") for endpoint in endpoints)


def _installed() -> bool:
    wanted = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    try:
        return all(importlib.util.find_spec(name) for name in wanted)
    except ModuleNotFoundError:  # a package above the one asked for
        return False
