"""A bound per key and time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mintcore.github.budget import Budget
from tests.mint_doubles import FakeClock


def test_events_fit_up_to_the_bound_and_again_as_they_age() -> None:
    clock = FakeClock()
    budget = Budget[str](clock, max_events=2, seconds=60)
    assert budget.spend("a") == 0
    clock.advance(10)
    assert [budget.spend("a"), budget.spend("a")] == [0, 50]
    assert budget.spend("b") == 0
    clock.advance(49)
    assert budget.wait("a") == 1
    clock.advance(1)
    assert [budget.spend("a"), budget.spend("a")] == [0, 10]


def test_what_is_noted_beyond_the_bound_prolongs_the_wait() -> None:
    clock = FakeClock()
    budget = Budget[str](clock, max_events=2, seconds=60)
    for _ in range(2):
        budget.note("a")
    clock.advance(30)
    budget.note("a")
    assert budget.wait("a") == 30


def test_the_keys_that_are_remembered_are_bounded() -> None:
    budget = Budget[int](FakeClock(), max_events=1, seconds=60)
    for number in range(10_005):
        budget.note(number)
    assert [budget.wait(0), budget.wait(10_004)] == [0, 60]


# Eighths of a second, because a sum of other floats may miss the bound by a rounding.
PAUSES = st.integers(0, 240).map(lambda eighths: eighths / 8)


@given(st.lists(st.tuples(PAUSES, st.sampled_from("ab")), max_size=60), st.integers(1, 4))
def test_no_time_has_more_events_than_the_bound(steps: list[tuple[float, str]], most: int) -> None:
    clock = FakeClock(0.0)
    budget = Budget[str](clock, max_events=most, seconds=60)
    counted: dict[str, list[float]] = {"a": [], "b": []}
    for pause, key in steps:
        clock.advance(pause)
        wait = budget.spend(key)
        recent = [at for at in counted[key] if at > clock.time - 60]
        assert (wait == 0) is (len(recent) < most)
        if not wait:
            counted[key].append(clock.time)
