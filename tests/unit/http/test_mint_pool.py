from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from mintcore.http.pool import Pool

if TYPE_CHECKING:
    from mintcore.http.connection import Connection


def conn(number: int) -> Connection:
    """Any object works, because the pool does not look at it."""
    return cast("Connection", number)


def test_so_many_answer_at_once_and_the_rest_follows() -> None:
    entered, leave, done = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)
    answered: list[Any] = []

    def answer(one: Connection) -> None:
        entered.release()
        leave.wait(10)
        answered.append(one)
        done.release()

    pool = Pool(2, answer)
    for number in range(5):
        pool.put(conn(number))
    assert all(entered.acquire(timeout=10) for _ in range(2))
    assert not entered.acquire(timeout=0.05)
    leave.set()
    assert all(done.acquire(timeout=10) for _ in range(5))
    assert sorted(answered) == list(range(5))
    pool.shutdown(wait=False)


def test_a_free_thread_is_used_again() -> None:
    done, names = threading.Semaphore(0), set()

    def answer(_one: Connection) -> None:
        names.add(threading.current_thread().name)
        done.release()

    pool = Pool(100, answer)
    for number in range(20):
        pool.put(conn(number))
        assert done.acquire(timeout=10)
    assert len(names) < 20
    pool.shutdown(wait=False)
