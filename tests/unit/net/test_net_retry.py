from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.net.retry import Retry, is_retryable, repeat, retry_after
from tests.retry_time import RetryTime


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_limits_and_server_errors_are_worth_asking_again(status: int) -> None:
    assert is_retryable(status)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 407, 422])
def test_refusals_are_not_worth_asking_again(status: int) -> None:
    assert not is_retryable(status)


def test_waits_double_up_to_the_longest() -> None:
    time = RetryTime()
    attempts = time.policy(total=1000).start()
    while attempts.wait():
        pass
    assert time.slept == [1, 2, 4, 8, 15, 15, 15]


def test_half_of_each_wait_is_jitter() -> None:
    time = RetryTime()
    time.policy(jitter=0.0).start().wait()
    assert time.slept == [0.5]


def test_a_wait_with_a_reason_is_told_before_it_begins() -> None:
    time, heard = RetryTime(), list[str]()
    attempts = replace(time.policy(), on_wait=lambda why: heard.append(f"{time.seconds}: {why}")).start()
    assert attempts.wait(1.2, why="No answer.")
    assert attempts.wait()
    assert heard == ["0.0: trying again in 2 s: No answer."]


def test_what_is_given_up_is_not_said_to_be_tried_again() -> None:
    heard = list[str]()
    assert not replace(RetryTime().policy(), on_wait=heard.append).start().wait(61, why="No answer.")
    assert heard == []


def test_a_longer_retry_after_is_honored() -> None:
    time = RetryTime()
    assert time.policy().start().wait(30)
    assert time.slept == [30]


def test_a_retry_after_beyond_the_total_gives_up_at_once() -> None:
    time = RetryTime()
    assert not time.policy().start().wait(61)
    assert time.slept == []


@given(total=st.floats(0.1, 600), asked=st.lists(st.floats(0, 100), max_size=50), jitter=st.floats(0, 1))
def test_all_waits_together_stay_within_the_total(total: float, asked: list[float], jitter: float) -> None:
    time = RetryTime()
    attempts = time.policy(total=total, jitter=jitter).start()
    for seconds in asked:
        if not attempts.wait(seconds):
            break
    assert sum(time.slept) <= total


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:49:30 GMT"}, 7.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:30 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "٣"}, 0.0),
        ({}, 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


@given(st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text(max_size=60)))
def test_no_header_breaks_the_reading_of_retry_after(headers: dict[str, str]) -> None:
    assert retry_after(headers) >= 0


def test_the_first_result_is_returned_and_the_attempt_knows_its_time() -> None:
    time, left = RetryTime(), list[float]()

    def attempt(seconds: float) -> str | Retry[str]:
        left.append(seconds)
        return "done" if len(left) == 3 else Retry(ValueError("not yet"), after=5.0)

    assert repeat(time.policy(), attempt) == "done"
    assert (left, time.slept) == ([60, 55, 50], [5, 5])


def test_the_last_failure_is_raised_when_time_runs_out() -> None:
    time = RetryTime()
    with pytest.raises(ValueError, match="not yet"):
        repeat(time.policy(total=10), lambda _: Retry(ValueError("not yet"), after=6.0))
    assert time.slept == [6]


def test_no_attempt_begins_with_too_little_time_to_end() -> None:
    time = RetryTime()
    assert not time.policy(total=10).start().wait(9.7)


def test_short_waits_can_be_kept_quiet() -> None:
    time, heard = RetryTime(), list[str]()
    attempts = replace(time.policy(), on_wait=heard.append, quiet_seconds=2.0).start()
    assert attempts.wait(why="one")
    assert attempts.wait(why="two")
    assert heard == ["trying again in 2 s: two"]
