from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mintcore.settings.reader import Reader
from mintcore.settings.telemetry import read_metrics, read_signals

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
    assert "only with otlp" in reader.warnings[0]


def test_metrics_are_served_where_their_package_is_installed() -> None:
    assert read_metrics(Reader({"METRICS": "1"}))
    assert not read_metrics(Reader({}))


def test_metrics_without_their_package_are_a_problem_that_says_what_to_install() -> None:
    """In an interpreter without site-packages, where nothing but the standard library is found."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from mintcore.settings.reader import Reader; from mintcore.settings.telemetry import read_metrics;"
        "reader = Reader({'METRICS': '1'}); read_metrics(reader); reader.finish()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(Path(__file__).resolve().parents[3])],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "METRICS is 1, but the package prometheus-client is not installed" in done.stderr
    assert "pip install 'fullsend-mint[metrics]'" in done.stderr


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            (
                "from mintcore.settings.reader import Reader; from mintcore.settings.telemetry import read_signals;"
                "sys.modules['opentelemetry.sdk'] = None; reader = Reader({'OTEL_TRACES_EXPORTER': 'otlp'});"
                "read_signals(reader); print(reader.warnings)"
            ),
            ("'fullsend-mint[telemetry]'", "for a hosted mint add its packages to requirements.txt"),
        ),
        (
            (
                "from mintcore.rate_limit import problems_with; sys.modules['redis.backoff'] = None;"
                "print(problems_with('60/minute', 'redis://localhost:6379'))"
            ),
            ("'fullsend-mint[redis]'", "hosted: a line in requirements.txt"),
        ),
    ],
)
def test_what_a_missing_package_needs_is_said_for_both_modes(script: str, says: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {script}"],
        cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert [text for text in says if text not in done.stdout] == []
