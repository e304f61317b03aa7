from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import urllib3
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.faults import Answer, Drop, Fail, Fault, Garbage, Huge, Slow, Trickle
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Iterator


def echo(request: Request, name: str) -> Response:
    return Response(f"{request.method} {name} {request.get_data(as_text=True)}")


def otherwise(_request: Request, status: int) -> Response:
    return Response("otherwise", status=status)


ROUTES = Routes(
    [
        ("GET", "/things/<name>", echo),
        ("POST", "/things/<name>:poke", echo),
        ("DELETE", "/things/<name>", lambda _request, name: Response(status=204, headers={"X-Name": name})),
    ],
    otherwise=otherwise,
)


class Announced:
    """A fault that says when a request has reached it."""

    def __init__(self, fault: Fault) -> None:
        self.reached = threading.Event()
        self._fault = fault

    def apply(self, answer: Answer, stopping: threading.Event) -> Response | None:
        self.reached.set()
        return self._fault.apply(answer, stopping)


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    with LoopbackService("things", ROUTES, clock=lambda: 1_000_000_000) as running:
        yield running


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        yield pool


def test_a_route_gets_the_variables_of_its_path_decoded(
    service: LoopbackService, http: urllib3.PoolManager
) -> None:
    assert http.request("GET", f"{service.url}/things/h%C3%A9llo").data.decode() == "GET héllo "


def test_a_custom_verb_after_a_colon_is_part_of_the_route(
    service: LoopbackService, http: urllib3.PoolManager
) -> None:
    answer = http.request("POST", f"{service.url}/things/a:poke", body=b"body")
    assert answer.data == b"POST a body"


def test_what_no_route_matches_is_404(service: LoopbackService, http: urllib3.PoolManager) -> None:
    assert http.request("GET", f"{service.url}/nothing").status == 404


def test_a_method_no_route_has_is_405_with_those_it_has(
    service: LoopbackService, http: urllib3.PoolManager
) -> None:
    answer = http.request("PATCH", f"{service.url}/things/a")
    assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD")


def test_a_204_has_no_body_and_the_connection_goes_on(service: LoopbackService, http: urllib3.PoolManager) -> None:
    assert http.request("DELETE", f"{service.url}/things/a").status == 204
    assert http.request("GET", f"{service.url}/things/a").status == 200


def test_a_connection_is_kept_between_requests(service: LoopbackService) -> None:
    with urllib3.HTTPConnectionPool("127.0.0.1", service.port, retries=False) as pool:
        for _ in range(5):
            assert pool.request("GET", "/things/a").status == 200
        assert pool.num_connections == 1


def test_500_clients_at_once_are_all_answered(service: LoopbackService) -> None:
    everyone_ready = threading.Barrier(500)

    def ask(number: int) -> int:
        with urllib3.HTTPConnectionPool("127.0.0.1", service.port, retries=False, timeout=30) as pool:
            everyone_ready.wait(30)
            return pool.request("GET", f"/things/{number}").status

    with ThreadPoolExecutor(500) as clients:
        assert set(clients.map(ask, range(500))) == {200}


def test_traffic_holds_what_was_asked_and_answered(service: LoopbackService, http: urllib3.PoolManager) -> None:
    http.request("POST", f"{service.url}/things/a:poke?x=1", body=b"body", headers={"X-Y": "z"})
    (exchange,) = service.traffic
    assert (exchange.method, exchange.path, exchange.query) == ("POST", "/things/a:poke", "x=1")
    assert (exchange.headers["x-y"], exchange.body, exchange.status) == ("z", b"body", 200)
    assert exchange.at == 1_000_000_000


def test_traffic_is_counted_by_path_and_forgotten_on_demand(
    service: LoopbackService, http: urllib3.PoolManager
) -> None:
    for path in ("/things/a", "/things/b", "/other"):
        http.request("GET", service.url + path)
    assert service.traffic.count() == 3
    assert service.traffic.count(path_prefix="/things/") == 2
    service.traffic.clear()
    assert len(service.traffic) == 0


def test_an_exchange_does_not_print_its_headers_and_body(
    service: LoopbackService, http: urllib3.PoolManager
) -> None:
    http.request("POST", f"{service.url}/x", body=b"hush", headers={"Authorization": "bearer hush"})
    assert "hush" not in repr(list(service.traffic))


def test_the_date_header_follows_the_services_clock(http: urllib3.PoolManager) -> None:
    with LoopbackService("things", ROUTES, clock=lambda: 1_000_000_000) as service:
        service.clock.offset = 60
        answer = http.request("GET", f"{service.url}/things/a")
    assert answer.headers["Date"] == "Sun, 09 Sep 2001 01:47:40 GMT"


def test_fail_answers_in_the_services_place(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Fail(503, '{"a": 1}', {"Retry-After": "7"}))
    answer = http.request("GET", f"{service.url}/things/a")
    assert (answer.status, answer.json(), answer.headers["Retry-After"]) == (503, {"a": 1}, "7")


def test_drop_closes_the_connection_unanswered(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Drop())
    with pytest.raises(urllib3.exceptions.ProtocolError):
        http.request("GET", f"{service.url}/things/a")
    assert [exchange.status for exchange in service.traffic] == [None]


def test_garbage_is_html_with_200(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Garbage())
    answer = http.request("GET", f"{service.url}/things/a")
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")


def test_huge_is_json_of_that_size(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Huge(1_000_000))
    answer = http.request("GET", f"{service.url}/things/a")
    assert len(answer.data) == 1_000_000
    assert list(answer.json()) == ["padding"]


def test_huge_survives_a_client_that_stops_reading(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Huge(), times=1)
    http.request("GET", f"{service.url}/things/a", preload_content=False).close()
    assert http.request("GET", f"{service.url}/things/a").status == 200


@pytest.mark.parametrize("fault", [Slow(0.05), Trickle(0.05)])
def test_a_late_answer_is_the_normal_one(service: LoopbackService, http: urllib3.PoolManager, fault: Fault) -> None:
    service.faults.add(fault)
    assert http.request("GET", f"{service.url}/things/a").data == b"GET a "


@pytest.mark.parametrize("fault", [Slow(600), Trickle(600)])
def test_stop_interrupts_what_waits_and_leaves_no_thread(fault: Fault) -> None:
    before = threading.active_count()
    service = LoopbackService("things", ROUTES).start()
    announced = Announced(fault)
    service.faults.add(announced)
    with ThreadPoolExecutor(1) as client, urllib3.PoolManager(retries=False) as http:
        request = client.submit(http.request, "GET", f"{service.url}/things/a")
        assert announced.reached.wait(10)
        service.stop()
        assert isinstance(request.exception(10), urllib3.exceptions.ProtocolError)
    assert threading.active_count() == before


def test_stop_twice_is_stop_once() -> None:
    service = LoopbackService("things", ROUTES).start()
    service.stop()
    service.stop()


def test_a_stopped_service_can_start_again_on_the_same_port(http: urllib3.PoolManager) -> None:
    service = LoopbackService("things", ROUTES).start()
    port = service.port
    service.stop()
    service.start(port)
    assert http.request("GET", f"http://127.0.0.1:{port}/things/a").status == 200
    service.stop()


def test_a_port_in_use_is_an_os_error(service: LoopbackService) -> None:
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        LoopbackService("other", ROUTES).start(service.port)


def test_a_service_that_is_not_started_has_no_url() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = LoopbackService("things", ROUTES).url


def test_a_fault_is_in_force_as_often_as_it_says(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Fail(500), times=2)
    statuses = [http.request("GET", f"{service.url}/things/a").status for _ in range(3)]
    assert statuses == [500, 500, 200]


def test_a_fault_is_limited_to_its_path_and_method(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Fail(500), "/things/b")
    service.faults.add(Fail(501), re.compile(r"/c$"), method="GET")
    assert http.request("GET", f"{service.url}/things/a").status == 200
    assert http.request("GET", f"{service.url}/things/b").status == 500
    assert http.request("GET", f"{service.url}/things/c").status == 501
    assert http.request("DELETE", f"{service.url}/things/c").status == 204


def test_cleared_faults_are_gone(service: LoopbackService, http: urllib3.PoolManager) -> None:
    service.faults.add(Drop())
    service.faults.clear()
    assert http.request("GET", f"{service.url}/things/a").status == 200


@pytest.mark.parametrize("length", ["-1", "x", "²", "99999999999"])
def test_a_bad_content_length_is_refused(service: LoopbackService, http: urllib3.PoolManager, length: str) -> None:
    headers = {"Content-Length": length.encode().decode("latin-1")}
    assert http.request("POST", f"{service.url}/things/a:poke", headers=headers).status in (400, 413)
