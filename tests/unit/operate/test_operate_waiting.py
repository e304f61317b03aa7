"""A Google that cannot be reached: what is said while it is asked again, and what when it is given up."""

from __future__ import annotations

import pytest

from fullsend.operate.gcp.service_usage import ServiceUsage
from fullsend.operate.gcp.session import Session
from fullsend.operate.operate_errors import GoogleFailed

NOBODY_LISTENS = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE": "http://127.0.0.1:1/"}


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def session(said: list[str], clock: Clock) -> Session:
    return Session(
        "my-project",
        environment=NOBODY_LISTENS,
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
    assert said[0].endswith("asked to list the project's APIs (Connection refused). Trying again in 2 s.")
    assert [line.split()[-2] for line in said[:4]] == ["2", "4", "8", "16"]
    assert 60 < clock.seconds <= 90
    assert "changed nothing" in failed.value.remedy
    assert "not known" not in failed.value.remedy


def test_a_write_whose_answer_is_lost_is_not_asked_again_and_not_said_to_be_undone() -> None:
    said: list[str] = []
    clock = Clock()
    with session(said, clock) as google, pytest.raises(GoogleFailed) as failed:
        ServiceUsage(google).enable(["run.googleapis.com"])
    assert (said, clock.seconds) == ([], 0)
    assert "Whether it was done is not known" in failed.value.remedy
