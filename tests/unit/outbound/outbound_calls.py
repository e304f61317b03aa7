"""Answers of a loopback peer, and a call to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.outbound.channel import Outbound
from tests.mint_doubles import new_attempt
from tests.unit.outbound.loopback_peer import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mintcore.clock import Clock
    from mintcore.outbound.answer import (
        Answer,
    )

OK = answer(200, b'{"ok": true}')


def always(*pieces: bytes | float | None) -> Callable[[int], Iterable[bytes | float | None]]:
    return lambda _number: pieces


def in_turn(*answers: bytes | None) -> Callable[[int], Iterable[bytes | float | None]]:
    """Answer each request with the next one; the last stays."""
    return lambda number: [answers[min(number, len(answers) - 1)]]


def send(
    url: str, clock: Clock, *, seconds: float = 10.0, method: str = "GET", body: bytes | None = None
) -> Answer:
    channel = Outbound(clock, connections=4).channel("service", url)
    return channel.send(method, "/path", headers={"X-One": "1"}, body=body, context=new_attempt(clock, seconds))
