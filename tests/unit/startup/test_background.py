"""What a hosted mint builds in the background, once in each process."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from mintcore.startup.background import Background


def test_the_work_is_done_once_and_beside_the_thread_that_asks() -> None:
    threads: list[int] = []

    def build() -> str:
        threads.append(threading.get_ident())
        return "built"

    work = Background(build)
    assert {work.result() for _ in range(3)} == {"built"}
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def test_a_failure_of_the_work_is_raised_where_its_result_is_asked_for() -> None:
    work = Background(lambda: 1 // 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            work.result()


def test_work_that_failed_is_begun_again_by_who_asks_next() -> None:
    outcomes = iter([RuntimeError("can't start new thread"), "built"])

    def build() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    work = Background(build)
    with pytest.raises(RuntimeError):
        work.result()
    assert {work.result() for _ in range(3)} == {"built"}


def test_a_forked_child_does_the_work_itself() -> None:
    work = Background(os.getpid)
    assert work.result() == os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"own" if work.result() == os.getpid() else b"not")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == b"own"
    assert os.waitpid(child, 0)[1] == 0


def test_a_forked_child_begins_the_work_before_anybody_asks() -> None:
    begun = threading.Event()
    Background(begun.set)
    child = os.fork()
    if child == 0:
        os._exit(0 if begun.wait(10) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not begun.is_set()


def test_a_failure_that_many_ask_for_does_not_grow() -> None:
    work = Background(lambda: 1 // 0)
    depths = set()
    for _ in range(20):
        with pytest.raises(ZeroDivisionError) as raised:
            work.result()
        depths.add(len(raised.traceback))
    assert len(depths) == 1
    assert raised.traceback[-1].name == "<lambda>"


def test_what_was_built_is_not_looked_through_for_cycles_again() -> None:
    built = Background[list[list[int]]](lambda: [[]])
    try:
        value = built.result()
        assert gc.get_freeze_count() > 0
        assert all(one is not value for one in gc.get_objects())
    finally:
        gc.unfreeze()
