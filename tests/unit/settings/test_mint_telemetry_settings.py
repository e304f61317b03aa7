from __future__ import annotations

import pytest

from mintcore.settings.reader import Reader
from mintcore.settings.telemetry import read_signals

BOTH = {"traces", "metrics"}
HERE = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("environment", "signals"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, BOTH),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": HERE}, {"metrics"}),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_METRICS_EXPORTER": "none"}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_SDK_DISABLED": "TRUE"}, set()),
        ({"OTEL_SERVICE_NAME": "mint"}, set()),
    ],
)
def test_the_standard_variables_say_what_is_sent(environment: dict[str, str], signals: set[str]) -> None:
    assert read_signals(Reader(environment)) == signals


def test_an_exporter_this_mint_does_not_have_is_a_warning() -> None:
    reader = Reader({"OTEL_TRACES_EXPORTER": "zipkin"})
    assert not read_signals(reader)
    assert "otlp only" in reader.warnings[0]
