"""A scripted mint and a clock for the tests of the client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.loopback import LoopbackService
from tests.retry_time import RetryTime
from tests.unit.client.scripted_mint import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make_mint() -> Iterator[Callable[[], LoopbackService]]:
    started: list[LoopbackService] = []

    def make() -> LoopbackService:
        def app(_: Request) -> Response:
            return Response(json.dumps(GOOD), content_type="application/json")

        started.append(LoopbackService("mint", app).start())
        return started[-1]

    yield make
    for service in started:
        service.stop()


@pytest.fixture
def mint(make_mint: Callable[[], LoopbackService]) -> LoopbackService:
    return make_mint()


@pytest.fixture
def time() -> RetryTime:
    return RetryTime()
