"""The numbers under /metrics: readable by Prometheus' own parser, and never a label that a caller made up."""

from __future__ import annotations

import io
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug import Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from mintcore.http.endpoint import Endpoint
from mintcore.observe.log import JsonLog
from mintcore.observe.metrics import Metrics
from mintcore.request import AnswerRecord
from tests.mint_doubles import FakeClock, new_attempt


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.text())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def answered(clock: FakeClock, **changes: Any) -> AnswerRecord:
    context = new_attempt(clock)
    context.served_role = "coder"
    context.step_ms |= {"issue": 30.0}
    context.upstream_calls |= {"github": 2}
    context.cache_hits |= {"jwks": True}
    given: dict[str, Any] = {"route": "/v1/token", "status": 200, "code": "", "traceparent": "", "context": context}
    return AnswerRecord(**given | changes)


def test_an_answer_and_what_it_cost_are_counted() -> None:
    clock, metrics = FakeClock(), Metrics()
    for seconds in (0.02, 3.0):
        one = answered(clock)
        clock.advance(seconds)
        metrics.answered(one)
    found = samples(metrics)
    by_route = (("code", ""), ("role", "coder"), ("route", "/v1/token"), ("status", "200"))
    duration = (("route", "/v1/token"), ("status", "200"))
    assert found["fullsend_mint_requests_total", by_route] == 2
    assert found["fullsend_mint_request_seconds_bucket", (("le", "0.025"), *duration)] == 1
    assert found["fullsend_mint_request_seconds_bucket", (("le", "+Inf"), *duration)] == 2
    assert found["fullsend_mint_request_seconds_sum", duration] == pytest.approx(3.02)
    assert found["fullsend_mint_step_seconds_count", (("step", "issue"),)] == 2
    assert found["fullsend_mint_upstream_calls_total", (("service", "github"),)] == 4
    assert found["fullsend_mint_cache_requests_total", (("cache", "jwks"), ("hit", "yes"))] == 2


def test_a_mint_before_its_first_answer_has_readable_numbers() -> None:
    assert [name for name, _ in samples(Metrics())] == ["fullsend_mint_info"]


class Broken:
    def answered(self, _answered: AnswerRecord) -> None:
        raise RuntimeError("the collector is gone")


def endpoint(*observers: Any, log: Any) -> Endpoint:
    def no_mint() -> Any:
        raise AssertionError("no request of these tests gets as far")

    return Endpoint(
        service=no_mint, clock=FakeClock(), log=JsonLog(log), deadline_seconds=25, observers=observers,
        metrics=Metrics().text,
    )  # fmt: skip


def request(path: str, method: str = "GET", **headers: str) -> Request:
    return Request(EnvironBuilder(path=path, method=method, headers=Headers(headers)).get_environ())


def test_a_caller_can_add_to_a_number_and_never_make_a_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    serve = endpoint(metrics, log=None)
    for number in range(20):
        serve(request(f"/made-up-{number}", f"M{number}", **{"X-Request-Id": f"r{number}"}))
    text = metrics.text()
    assert "made-up" not in text
    assert 'route="other",status="404"' in text
    assert len([line for line in text.splitlines() if line.startswith("fullsend_mint_requests_total{")]) == 1
    assert not capsys.readouterr().out


def test_a_broken_observer_costs_no_answer() -> None:
    log = io.StringIO()
    assert endpoint(Broken(), log=log)(request("/health")).status_code == 200
    assert "RuntimeError" in log.getvalue()
    assert "collector" not in log.getvalue()


def test_numbers_are_there_to_get_and_not_to_post() -> None:
    serve = endpoint(log=None)
    assert serve(request("/metrics")).status_code == 200
    assert serve(request("/metrics", "POST")).headers["Allow"] == "GET, HEAD"


def test_what_github_still_allows_the_app_is_a_gauge() -> None:
    clock, metrics = FakeClock(), Metrics()
    for remaining in (4870, 4869):
        one = answered(clock)
        one.context.github_quota = {"limit": 5000, "remaining": remaining}
        metrics.answered(one)
    metrics.answered(answered(clock))
    assert samples(metrics)["fullsend_mint_github_ratelimit_remaining", (("role", "coder"),)] == 4869
