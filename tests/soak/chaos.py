"""Break random parts of the world from a seed, and repair them afterwards."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from fullsend_sandbox import names
from fullsend_sandbox.faults import Drop, Fail, Garbage, Huge, Slow

if TYPE_CHECKING:
    import random
    import threading

    from fullsend_sandbox.world import World

FAULTS = (Fail(500), Fail(502), Fail(503), Fail(429), Drop(), Garbage(), Huge(), Slow(0.3), Slow(5))
ROLES = ("coder", "triage")
ROTATION_SECONDS = 31.0


class Chaos:
    """Breaks the world, one thing at a time, until it is told to stop; counts what it did."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self.done: dict[str, int] = {}
        self._issuer_key_again = 0.0

    def run(self, stop: threading.Event) -> None:
        """Break something every fraction of a second; heal everything at the end."""
        while not stop.wait(self._rng.uniform(0.05, 0.4)):
            deed = self._rng.choice(
                [
                    self._fault,
                    self._fault,
                    self._fault,
                    self._issuer_key,
                    self._app_key,
                    self._reinstall,
                    self._suspend,
                ]
            )
            deed()
            self.done[deed.__name__] = self.done.get(deed.__name__, 0) + 1
            for service in self._world.services():
                service.traffic.clear()
        for service in self._world.services():
            service.faults.clear()
        for installation in self._world.installations.values():
            self._world.github.unsuspend(installation)

    def _fault(self) -> None:
        service = self._rng.choice(self._world.services())
        service.faults.clear()
        if self._rng.random() < 0.7:
            service.faults.add(self._rng.choice(FAULTS), times=self._rng.choice([1, 1, 3, 20]))

    def _issuer_key(self) -> None:
        # The mint fetches unknown keys once in 30 s, so the issuer must not rotate faster.
        if monotonic() >= self._issuer_key_again:
            self._issuer_key_again = monotonic() + ROTATION_SECONDS
            self._world.issuer.rotate_key()

    def _app_key(self) -> None:
        role = self._rng.choice(ROLES)
        pem = self._world.github.rotate_key(self._world.apps[role])
        self._world.secret_manager.add_version(names.secret_name(role), pem)

    def _reinstall(self) -> None:
        role = self._rng.choice(ROLES)
        old = self._world.installations[role, names.ORG]
        self._world.installations[role, names.ORG] = self._world.github.reinstall(old)

    def _suspend(self) -> None:
        installation = self._world.installations[self._rng.choice(ROLES), names.ORG]
        self._world.github.suspend(installation)
        if self._rng.random() < 0.8:
            self._world.github.unsuspend(installation)
