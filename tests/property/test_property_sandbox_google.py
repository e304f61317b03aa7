"""The control plane answers any request as an API, and never with an internal error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.discovery import Discovery
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from fullsend_sandbox.google.parts import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.google.discovery import Method
    from fullsend_sandbox.world import World

METHODS = [
    (api, method)
    for api, versions in VERSIONS.items()
    for methods in Discovery(api, versions).methods.values()
    for method in methods
    if not any(word in method.id for word in ("folders", "organizations", "tag", "jobs", "workerPools"))
]
SEGMENTS = st.sampled_from(
    [
        "octo-project",
        "projects",
        "global",
        "us-central1",
        "fullsend-pool",
        "github-oidc",
        "s",
        "1",
        "latest",
        "-",
        "é",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)

TEXT = st.text(max_size=8) | st.sampled_from(
    ["", "AAAA", "1", "60s", "roles/viewer", "allUsers", "python312", "assertion.x", "https://a.example"]
)
NUMBER = st.integers(-5, 2**33)
SCALARS: dict[str, st.SearchStrategy[Any]] = {"boolean": st.booleans(), "integer": NUMBER, "number": NUMBER}
DEEP = 5


@st.composite
def well_typed(draw: st.DrawFn, method: Method, schema: dict[str, Any], depth: int = 0) -> Any:
    """Draw a value that the schema allows, or now and then any at all."""
    if draw(st.integers(0, 15)) == 0:
        return draw(JSON)
    if "$ref" in schema:
        schema = dict(method.schemas[schema["$ref"]])
    if "additionalProperties" in schema:
        value = well_typed(method, schema["additionalProperties"], depth + 1)
        return draw(st.dictionaries(st.text(max_size=6), value, max_size=2))
    if schema.get("type") == "object":
        fields = schema.get("properties", {}) if depth < DEEP else {}
        some = draw(st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True)) if fields else []
        return {name: draw(well_typed(method, fields[name], depth + 1)) for name in some}
    if schema.get("type") == "array":
        return draw(st.lists(well_typed(method, schema["items"], depth + 1), max_size=2))
    return draw(st.sampled_from(schema["enum"]) if "enum" in schema else SCALARS.get(schema.get("type", ""), TEXT))


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, str, list[tuple[str, str]], bytes]:
    api, method = draw(st.sampled_from(METHODS))
    path = method.path.pattern.replace("\\", "")
    while "(?P<" in path:
        head, _, tail = path.partition("(?P<")
        path = head + draw(SEGMENTS) + tail.partition("[^/:]+)")[2]
    names = draw(st.lists(st.sampled_from(sorted(method.query)), max_size=3))
    query = [(name, draw(st.text(max_size=6) | st.sampled_from(["1", "true", "labels", "s"]))) for name in names]
    body = draw(well_typed(method, {"$ref": method.request})) if method.request else None
    raw = draw(st.just(json.dumps(body).encode()) | st.binary(max_size=20))
    return api, method.http_method, path, query, raw


@pytest.fixture(scope="module")
def control_plane(shared_world: World) -> Iterator[ControlPlane]:
    shared_world.reset()
    with ControlPlane(shared_world, runner=EmulatedRunner()) as running:
        running.enable()
        yield running


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(call=calls())
def test_no_request_makes_the_control_plane_fail(
    control_plane: ControlPlane, call: tuple[str, str, str, list[tuple[str, str]], bytes]
) -> None:
    api, http_method, path, query, raw = call
    url = f"{control_plane.endpoint(api)}{path.replace('é', '%C3%A9')}?{urlencode(query)}"
    with urllib3.PoolManager(retries=False, timeout=20) as http:
        headers = control_plane.headers() | {"Content-Type": "application/json"}
        body = None if http_method in {"GET", "DELETE"} else raw
        answer = http.request(http_method, url, body=body, headers=headers)
    assert answer.status != 500, answer.data
    assert isinstance(answer.json(), dict)


@given(
    path=st.text(st.characters(codec="latin-1", exclude_characters="\r\n #"), max_size=30),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH"]),
    body=st.binary(max_size=30),
)
def test_no_path_makes_a_server_fail(control_plane: ControlPlane, path: str, method: str, body: bytes) -> None:
    for service in control_plane.services():
        with urllib3.PoolManager(retries=False, timeout=20) as http:
            answer = http.request(method, f"{service.url}/{path}", body=body, headers=control_plane.headers())
        assert answer.status < 500, answer.data
