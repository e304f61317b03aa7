"""The real process sends traces and metrics to a collector on loopback, and nothing without the settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from werkzeug import Request, Response

from fullsend_sandbox.loopback import LoopbackService
from tests.audited_mint import AuditedMint
from tests.contract.exchange import Got, send
from tests.contract.table import Sent, as_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

ROOT = Path(__file__).resolve().parents[2]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[LoopbackService]:
    """Run a collector that accepts everything."""

    def take(_request: Request) -> Response:
        return Response(b"", 200, content_type="application/x-protobuf")

    service = LoopbackService("collector", take).start()
    yield service
    service.stop()


def asked_for_telemetry(collector: LoopbackService) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "our-mint"}


class Span:
    """One received span, flat."""

    def __init__(self, service: str, span: Any) -> None:
        self.service = service
        self.name: str = span.name
        self.trace: str = span.trace_id.hex()
        self.id: str = span.span_id.hex()
        self.parent: str = span.parent_span_id.hex()
        self.seconds: tuple[float, float] = (span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9)
        self.attributes = _values(span.attributes)


def _values(attributes: Any) -> dict[str, str]:
    return {entry.key: entry.value.string_value or str(entry.value.int_value) for entry in attributes}


def spans(collector: LoopbackService) -> list[Span]:
    return [
        Span(_values(resource.resource.attributes)["service.name"], span)
        for exchange in collector.traffic.matching(path_prefix="/v1/traces")
        for resource in ExportTraceServiceRequest.FromString(exchange.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def metrics(collector: LoopbackService) -> set[str]:
    return {
        metric.name
        for exchange in collector.traffic.matching(path_prefix="/v1/metrics")
        for resource in ExportMetricsServiceRequest.FromString(exchange.body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def mint_and_be_refused(mint: MintProcess, world: World) -> None:
    granted = as_job()(world)
    traced = Sent(granted.token, granted.body, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert send(mint.url, traced).status == 200
    assert send(mint.url, as_job({"role": "nobody"})(world)).status == 403


def assert_told(collector: LoopbackService) -> None:
    received = spans(collector)
    traced = {span.name: span for span in received if span.trace == TRACE}
    whole = traced["/v1/token"]
    assert whole.service == "our-mint"
    assert whole.parent == PARENT
    assert whole.attributes["fullsend.role"] == "coder"
    for step in ("check", "confirm", "key", "issue"):
        assert traced[step].parent == whole.id
        assert whole.seconds[0] - 0.01 <= traced[step].seconds[0] <= traced[step].seconds[1]
        assert traced[step].seconds[1] <= whole.seconds[1] + 0.01
    refused = [span for span in received if span.attributes.get("fullsend.code") == "role_not_allowed"]
    assert len(refused) == 1
    assert "fullsend.role" not in refused[0].attributes
    assert {"fullsend.mint.requests", "http.server.request.duration", "fullsend.mint.step.duration"} <= metrics(
        collector
    )


def test_the_hosted_mint_tells_a_collector_what_it_did(
    world: World, start_mint: StartMint, collector: LoopbackService
) -> None:
    mint = start_mint(**asked_for_telemetry(collector))
    mint_and_be_refused(mint, world)
    mint.stop()
    assert_told(collector)


def test_the_standalone_mint_tells_a_collector_and_prometheus_what_it_did(
    world: World, tmp_path: Path, collector: LoopbackService
) -> None:
    environment = world.standalone_environment(tmp_path, METRICS="1", **asked_for_telemetry(collector))
    with AuditedMint(environment, source=ROOT, command=("fullsend-mint",)) as mint:
        mint_and_be_refused(mint, world)
        numbers = send(mint.url, Sent(None, b"", "GET", "/metrics"))
        mint.stop()  # with SIGTERM, so it sends its last data
    assert numbers.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    wanted = 'fullsend_mint_requests_total{code="",role="coder",route="/v1/token",status="200"} 1.0'
    assert wanted in numbers.text
    assert 'code="role_not_allowed",role="",route="/v1/token",status="403"} 1.0' in numbers.text
    assert_told(collector)


def test_a_collector_that_is_gone_costs_no_mint(world: World, start_mint: StartMint) -> None:
    gone = LoopbackService("collector", lambda _request: Response()).start()
    environment = asked_for_telemetry(gone)
    gone.stop()
    mint_and_be_refused(start_mint(**environment, OTEL_EXPORTER_OTLP_TIMEOUT="1"), world)


def test_there_are_no_numbers_unless_they_were_asked_for(hosted_mint: MintProcess) -> None:
    got: Got = send(hosted_mint.url, Sent(None, b"", "GET", "/metrics"))
    assert got.json["code"] == "not_found"


@pytest.mark.parametrize("module", ["mintcore.hosted", "mintcore.standalone", "mintcore.startup.assembly"])
def test_nothing_of_the_sdk_is_imported_unless_it_was_asked_for(module: str) -> None:
    code = f"import sys, {module}; print([name for name in sys.modules if name.startswith('opentelemetry.')])"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert listed.stdout.strip() == "[]"
