"""A Google that cannot be reached: what the command reports while it repeats, and when it gives up."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.gcp.resource_api import ApiRequest
from fullsend.operate.gcp.service_usage import ServiceUsage
from fullsend.operate.gcp.session import Session
from fullsend.operate.operate_errors import GoogleFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY_LISTENS = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE": "http://127.0.0.1:1/"}


class Clock:
    """A clock that moves only while code sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def session(said: list[str], clock: Clock, url: str = "http://127.0.0.1:1/") -> Session:
    return Session(
        "my-project",
        environment={"CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE": url},
        now=clock.now,
        sleep=clock.sleep,
        jitter=lambda: 1.0,
        report=said.append,
    )


def test_a_read_that_is_asked_again_says_why_and_when_and_ends_with_nothing_changed() -> None:
    said: list[str] = []
    clock = Clock()
    with session(said, clock) as google, pytest.raises(GoogleFailed, match="Connection refused") as failed:
        ServiceUsage(google).look()
    assert said[0].startswith("trying again in 2 s: Google did not answer when asked to list the project's APIs: ")
    assert [line.split()[3] for line in said[:4]] == ["2", "4", "8", "16"]
    assert 60 < clock.seconds <= 90
    assert "nothing was changed" in failed.value.remedy
    assert "not known" not in failed.value.remedy


def test_a_write_that_was_not_sent_is_repeated_and_said_to_have_changed_nothing() -> None:
    said: list[str] = []
    clock = Clock()
    with session(said, clock) as google, pytest.raises(GoogleFailed) as failed:
        ServiceUsage(google).enable(["run.googleapis.com"])
    assert clock.seconds > 60
    assert "This call changed nothing" in failed.value.remedy


def test_a_write_whose_answer_is_lost_is_not_asked_again_and_not_said_to_be_undone() -> None:
    said: list[str] = []
    clock = Clock()
    with hanging_up() as (url, count), session(said, clock, url) as google:
        with pytest.raises(GoogleFailed) as failed:
            ServiceUsage(google).enable(["run.googleapis.com"])
        assert count() == 1
    assert (said, clock.seconds) == ([], 0)
    assert "may or may not have taken effect" in failed.value.remedy


def test_an_api_without_an_endpoint_beside_an_emulator_is_never_called_at_google() -> None:
    with session([], Clock()) as google, pytest.raises(GoogleFailed) as failed:
        google.api("run", "v2").get("projects/p/locations/l/services/s", "show the service")
    assert failed.value.remedy == "Set CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN."


@pytest.mark.parametrize(
    ("method", "target", "hint"),
    [
        ("PATCH", "v2/projects/p/locations/l/services/s?updateMask=x", "run.services.patch"),
        ("POST", "v1/projects/p/secrets/s:setIamPolicy", "run.secrets.setIamPolicy"),
        ("POST", "v3/projects/p:getIamPolicy", "run.projects.getIamPolicy"),
        (
            "GET",
            "v1/projects/p/locations/global/workloadIdentityPools/a/providers",
            "run.workloadIdentityPools.providers.get",
        ),
    ],
)
def test_a_request_says_about_which_permission_it_needs(method: str, target: str, hint: str) -> None:
    assert ApiRequest("run", method, target).permission_hint == hint


@pytest.mark.parametrize(
    ("variables", "principal"),
    [
        ({"CLOUDSDK_CORE_ACCOUNT": "me@example.com"}, "user:me@example.com"),
        (
            {"CLOUDSDK_CORE_ACCOUNT": "ci@p.iam.gserviceaccount.com"},
            "serviceAccount:ci@p.iam.gserviceaccount.com",
        ),
        ({}, ""),
    ],
)
def test_the_principal_is_a_user_or_a_service_account(variables: dict[str, str], principal: str) -> None:
    google = Session("p", environment={**NOBODY_LISTENS, "CLOUDSDK_AUTH_ACCESS_TOKEN": "ya29.x", **variables})
    google.login.headers("http://127.0.0.1:1/")
    assert google.login.principal() == principal


@contextmanager
def hanging_up() -> Iterator[tuple[str, Callable[[], int]]]:
    """Serve a loopback port that reads each request and closes without an answer."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    seen.append(connection.recv(65536))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", lambda: len(seen)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
