"""One row of the failure table: what the world is like, what is sent, and what has to come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend_sandbox.world import World


@dataclass(frozen=True)
class Sent:
    """A request. ``token`` is the bearer, ``None`` for no header; ``body`` is sent as JSON unless it is bytes."""

    token: str | None = None
    body: Any = field(default_factory=lambda: {"role": "coder", "repos": ["app"]})
    method: str = "POST"
    path: str = "/v1/token"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """``calls`` are the exact upstream calls the request may cause, per service; ``None`` leaves them open.

    A row with ``arrange`` or ``environment`` gets a mint of its own, because what it needs could be cached.
    ``says`` are words that the sentence must contain.
    """

    id: str
    send: Callable[[World], Sent]
    status: int
    code: str
    arrange: Callable[[World], object] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("hosted", "standalone")

    @property
    def needs_own_mint(self) -> bool:
        """Whether a mint that has served other requests would answer from its caches."""
        return self.arrange is not None or bool(self.environment)


def as_job(body: Any = None, **job: Any) -> Callable[[World], Sent]:
    """Send a genuine token of a job; ``job`` are the job's fields."""
    wanted = {"role": "coder", "repos": ["app"]} if body is None else body
    return lambda world: Sent(world.issuer.token(world.job(**job)), wanted)


NOTHING = {"sts": 0, "github": 0}
