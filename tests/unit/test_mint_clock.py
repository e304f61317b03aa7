"""The mint's clock follows the services' time, within bounds."""

from __future__ import annotations

import threading
from email.utils import formatdate

import pytest

from mintcore.clock import CorrectedClock
from tests.mint_doubles import NOW


class Wall:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time


def date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


@pytest.mark.parametrize("off", [0, 19, -19])
def test_a_small_difference_is_latency_and_corrects_nothing(off: float) -> None:
    clock = CorrectedClock(wall=Wall())
    assert not clock.observe(date(NOW + off))
    assert clock.now() == NOW


@pytest.mark.parametrize("off", [20, 300, -300, 900, -900])
def test_a_clock_that_is_off_follows_the_world(off: float) -> None:
    clock = CorrectedClock(wall=Wall())
    assert clock.observe(date(NOW + off))
    assert clock.now() == NOW + off
    assert not clock.observe(date(NOW + off))


@pytest.mark.parametrize("off", [901, -901, 86_400])
def test_a_date_too_far_away_is_not_believed(off: float) -> None:
    clock = CorrectedClock(wall=Wall())
    assert not clock.observe(date(NOW + off))
    assert clock.now() == NOW


def test_many_small_steps_do_not_lead_further_than_one_may() -> None:
    clock = CorrectedClock(wall=Wall())
    for step in range(100):
        clock.observe(date(NOW + step * 60))
    assert clock.offset <= 900


@pytest.mark.parametrize("latency", [0, 19, -19])
def test_a_machine_that_is_put_right_ends_the_correction(latency: float) -> None:
    wall = Wall()
    clock = CorrectedClock(wall=wall)
    clock.observe(date(NOW + 300))
    wall.time = NOW + 300
    assert clock.observe(date(NOW + 300 + latency))
    assert clock.offset == 0


@pytest.mark.parametrize("off", [600, -800])
def test_a_machine_that_is_set_right_later_is_believed_at_once(off: float) -> None:
    wall, told = Wall(), list[float]()
    clock = CorrectedClock(wall=wall, monotonic=lambda: 5000.0)
    clock.on_correction(told.append)
    clock.observe(date(NOW + off))
    assert clock.now() == NOW + off
    wall.time = NOW + off
    assert clock.now() == NOW + off
    assert told == [off, 0]


def test_a_correction_lasts_while_both_clocks_of_the_machine_go_on() -> None:
    wall, passed = Wall(), 0.0
    clock = CorrectedClock(wall=wall, monotonic=lambda: 5000.0 + passed)
    clock.observe(date(NOW + 600))
    passed, wall.time = 86_400.0, NOW + 86_400
    assert clock.now() == NOW + 87_000


def test_a_correction_is_not_undone_by_who_found_the_one_before_it_wrong() -> None:
    wall, told, meanwhile = Wall(), list[float](), list[float]()

    def monotonic() -> float:
        if meanwhile:
            clock.observe(date(meanwhile.pop()))
        return 5000.0

    clock = CorrectedClock(wall=wall, monotonic=monotonic)
    clock.on_correction(told.append)
    clock.observe(date(NOW + 300))
    wall.time = NOW + 100
    meanwhile.append(NOW + 700)
    assert clock.now() == NOW + 700
    assert told == [300, 600]


def test_a_correction_is_not_undone_by_who_asks_for_the_time_while_it_is_made() -> None:
    asking, readings = list[threading.Thread](), 0

    def wall() -> float:
        nonlocal readings
        readings += 1
        if readings == 2:  # the first is for the difference, the second for the correction
            asking.append(threading.Thread(target=clock.now))
            asking[0].start()
            asking[0].join(10)  # so long only if it waits for this correction to end
        return NOW

    clock = CorrectedClock(wall=wall, monotonic=lambda: 5000.0)
    clock.observe(date(NOW + 300))
    asking[0].join(10)
    assert clock.now() == NOW + 300


def test_each_correction_is_told_once() -> None:
    wall, told = Wall(), list[float]()
    clock = CorrectedClock(wall=wall)
    clock.on_correction(told.append)
    for off in (5, 300, 300, 310, -300):
        clock.observe(date(NOW + off))
    wall.time = NOW - 300
    clock.observe(date(NOW - 300))
    assert told == [300, -300, 0]


def test_the_age_of_an_answer_is_added_to_its_date() -> None:
    clock = CorrectedClock(wall=Wall())
    assert not clock.observe(date(NOW - 60), "60")


@pytest.mark.parametrize("age", ["", "x", "-60", "6.0", "\u00b2", "9" * 5000])
def test_an_invalid_age_is_ignored(age: str) -> None:
    clock = CorrectedClock(wall=Wall())
    clock.observe(date(NOW + 300), age)
    assert clock.offset == 300


@pytest.mark.parametrize(
    "text", ["", "now", "Wed, 99 Foo 9999", "0", date(NOW)[:-4] + " -0000", date(NOW)[:-3] + "+" + "9" * 20]
)
def test_an_invalid_date_corrects_nothing(text: str) -> None:
    assert not CorrectedClock(wall=Wall()).observe(text)


def test_an_old_date_does_not_turn_the_clock_back_past_a_signed_time() -> None:
    clock = CorrectedClock(wall=Wall())
    clock.note_proven_time(NOW - 5)
    assert not clock.observe(date(NOW - 600), cacheable=True)
    assert clock.now() == NOW


def test_a_date_that_a_signed_time_allows_is_followed() -> None:
    clock = CorrectedClock(wall=Wall())
    clock.note_proven_time(NOW - 700)
    assert clock.observe(date(NOW - 600), cacheable=True)
    assert clock.now() == NOW - 600


def test_a_clock_that_was_turned_back_returns_to_the_machines_time_for_a_signed_one() -> None:
    clock = CorrectedClock(wall=Wall())
    assert clock.observe(date(NOW - 600), cacheable=True)
    clock.note_proven_time(NOW - 10)
    assert clock.now() == NOW
    assert not clock.observe(date(NOW - 600), cacheable=True)


def test_a_signed_time_that_the_machine_does_not_know_corrects_nothing() -> None:
    clock = CorrectedClock(wall=Wall())
    assert clock.observe(date(NOW - 600), cacheable=True)
    clock.note_proven_time(NOW + 300)
    assert clock.now() == NOW - 600


def test_a_date_that_no_cache_can_have_kept_is_followed_past_a_signed_time() -> None:
    clock = CorrectedClock(wall=Wall())
    clock.note_proven_time(NOW)
    assert clock.observe(date(NOW - 300))
    assert clock.now() == NOW - 300
