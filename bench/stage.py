"""Provide what every measurement needs: the world, the servers' CPUs, and how much work to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.client import Load, load
from bench.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.scene import Scene

_MAX_CALLS = 1_000_000
_WARM_CLIENTS = 32
_WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a run is; ``rounds`` of ``seconds`` each where something is timed."""

    rounds: int
    seconds: float
    starts: int
    mints: int
    infrequent: int
    healths: int

    @classmethod
    def full(cls) -> Effort:
        """Return what the published figures are made with."""
        return cls(rounds=3, seconds=1.5, starts=7, mints=10_000, infrequent=31, healths=500)

    @classmethod
    def quick(cls) -> Effort:
        """Return what takes under a minute on a quiet machine and shows a direction."""
        return cls(rounds=1, seconds=0.4, starts=1, mints=2_000, infrequent=6, healths=100)


@dataclass(frozen=True, slots=True)
class Stage:
    """The setup of all measurements: servers on separate CPUs, so the callers use none of theirs."""

    scene: Scene
    server_cpus: set[int]
    effort: Effort
    say: Callable[[str], None]

    def server(self, name: str) -> Server:
        """Return a server in this world, not started yet."""
        return Server(name, self.scene.environment(), cpus=self.server_cpus)

    def load(
        self, server: Server, clients: int, *, seconds: float | None = None, max_calls: int = _MAX_CALLS
    ) -> Load:
        """Put a server under load."""
        wanted = self.effort.seconds if seconds is None else seconds
        return load(server.port, self.scene.requests(), clients=clients, max_calls=max_calls, seconds=wanted)

    def warm(self, servers: Iterable[Server]) -> None:
        """Let each server make its threads, connections and caches."""
        for server in servers:
            server.wait()
            self.load(server, _WARM_CLIENTS, seconds=_WARM_SECONDS)
