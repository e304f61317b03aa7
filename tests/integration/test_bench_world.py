"""The benchmark's world, its callers, and both mints in it work as the measurements assume."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bench.client import LoadError, load
from bench.kms import shown
from bench.profile import summary
from bench.scene import Scene
from bench.server import Server


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Scene() as running:
        yield running


def port(scene: Scene, service: str) -> int:
    number = urlsplit(scene.url(service)).port
    assert number is not None
    return number


def test_callers_get_as_many_answers_as_they_asked_for_and_the_world_counts_them(scene: Scene) -> None:
    exchange = b"POST /v1/token HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    before = scene.calls()
    seen = load(port(scene, "sts"), [exchange], clients=3, max_calls=20, seconds=30)
    assert len(seen.latencies) == 20
    assert scene.calls_since(before) == {"sts": 20}


def test_an_answer_takes_the_latency_that_was_set(scene: Scene) -> None:
    scene.set_latency(30)
    seen = load(
        port(scene, "issuer"), [b"GET /.well-known/jwks HTTP/1.1\r\n\r\n"], clients=1, max_calls=3, seconds=30
    )
    scene.set_latency(0)
    assert min(seen.latencies) >= 0.029


def test_a_refused_request_ends_the_measurement() -> None:
    # A separate world, because an unknown call permanently spoils its counts.
    with Scene() as scene, pytest.raises(LoadError, match="404"):
        load(port(scene, "github"), [b"GET /nowhere HTTP/1.1\r\n\r\n"], clients=1, max_calls=1, seconds=30)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("mint", ["access_token", "sts"]),
        ("baseline", ["access_token", "installations", "jwks", "secret", "sts"]),
    ],
)
def test_both_mints_mint_in_this_world_with_their_calls(scene: Scene, name: str, calls: list[str]) -> None:
    with Server(name, scene.environment(), cpus=os.sched_getaffinity(0)) as server:
        server.wait()
        load(server.port, scene.requests(), clients=1, max_calls=2, seconds=30)
        before = scene.calls()
        load(server.port, scene.requests(), clients=1, max_calls=2, seconds=30)
        made = scene.calls_since(before)
    if name == "mint":
        made.pop("secret", None)  # the mint may still be fetching the keys of its other roles
    assert made == dict.fromkeys(calls, 2)


def test_a_profile_is_shares_by_step_library_and_function() -> None:
    serving = "run (gunicorn/workers/gthread.py:1)"
    stacks = (
        f"{serving};MintService.mint (mintcore/service.py:2);dumps (json/__init__.py:3) 3\n{serving} 1\nlost 5\n"
    )
    found = summary(stacks)
    assert (found["samples"], found["torn"]) == (4, 5)
    assert found["steps"] == {
        "policy and the rest of the service": 0.75,
        "gunicorn: request, answer, threads": 0.25,
    }
    assert found["libraries"] == {"python: json.__init__": 0.75, "gunicorn": 0.25}
    assert found["functions"] == {"dumps (json/__init__.py)": 0.75, "run (gunicorn/workers/gthread.py)": 0.25}


def test_a_warm_mint_with_keys_in_cloud_kms_makes_the_same_two_calls(scene: Scene) -> None:
    with Server("mint", scene.kms_environment(), cpus=os.sched_getaffinity(0)) as server:
        server.wait()
        start = scene.calls()
        load(server.port, scene.requests(), clients=1, max_calls=2, seconds=30)
        assert scene.calls_since(start)["sign"] == 1
        before = scene.calls()
        load(server.port, scene.requests(), clients=1, max_calls=2, seconds=30)
        assert scene.calls_since(before) == {"access_token": 2, "sts": 2}


def test_the_report_has_a_row_for_each_measurement_with_cloud_kms() -> None:
    figures = {"kms": {"p50_ms": 57.2}, "secrets": {"p50_ms": 57.1}, "ratio": 1.002, "signatures": 0.0}
    kinds = dict.fromkeys(("warm", "app_jwt_renewed", "infrequent", "infrequent_standalone"), figures)
    text = shown({**kinds, "calls": {"access_token": 1.0, "sts": 1.0}})
    assert text.count("1.002") == len(kinds)
    assert text.endswith("with Cloud KMS: access_token 1, sts 1.")
