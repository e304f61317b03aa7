from __future__ import annotations

import threading
from typing import NoReturn

import pytest

from mintcore.startup.helper_threads import HelperThreads

TIMEOUT = 10.0


def test_work_is_done_in_another_thread() -> None:
    future = HelperThreads(1).start(threading.get_ident)
    assert future is not None
    assert future.result(TIMEOUT) != threading.get_ident()


def test_a_failure_belongs_to_the_reader_of_the_future() -> None:
    def fail() -> NoReturn:
        raise ValueError("of the work")

    future = HelperThreads(1).start(fail)
    assert future is not None
    with pytest.raises(ValueError, match="of the work"):
        future.result(TIMEOUT)


def test_no_more_work_is_taken_than_there_are_threads() -> None:
    helpers, may_end = HelperThreads(2), threading.Event()
    pending = [helpers.start(lambda: may_end.wait(TIMEOUT)) for _ in range(3)]
    assert [future is not None for future in pending] == [True, True, False]
    may_end.set()
    assert all(future.result(TIMEOUT) for future in pending if future is not None)


def test_a_thread_is_used_again() -> None:
    helpers, threads = HelperThreads(4), set[int]()
    for _ in range(20):
        future = helpers.start(threading.get_ident)
        assert future is not None
        threads.add(future.result(TIMEOUT))
    assert len(threads) == 1
