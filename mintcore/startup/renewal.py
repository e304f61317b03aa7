"""Renew App JWTs that Cloud KMS signs before a request needs them. Only the standalone mint does this.

A hosted mint does not need it: its CPU sleeps between requests, and Cloud KMS signs while STS checks the caller
(docs/adr/0100).
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from mintcore.request import Deadline, RequestContext

if TYPE_CHECKING:
    from collections.abc import Collection

    from mintcore.clock import Clock
    from mintcore.keys.app_jwt import AppJwts
    from mintcore.policy.names import Role

# A JWT is renewed after five minutes and usable for eight, so some rounds may fail.
ROUND_SECONDS = 60.0
_DEADLINE_SECONDS = 20.0


class Renewal:
    """A thread that renews the JWTs of ``roles`` at a fixed interval."""

    def __init__(
        self, jwts: AppJwts, roles: Collection[Role], clock: Clock, *, round_seconds: float | None = None
    ) -> None:
        self._jwts = jwts
        self._roles = frozenset(roles)
        self._clock = clock
        self._round_seconds = ROUND_SECONDS if round_seconds is None else round_seconds
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the thread. Call it in the serving process: a fork would not copy it."""
        threading.Thread(target=self._run, name="renewal", daemon=True).start()

    def stop(self) -> None:
        """End the thread after its current round."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._round_seconds):
            context = RequestContext(Deadline(self._clock, _DEADLINE_SECONDS), f"renewal-{uuid.uuid4().hex}")
            self._jwts.renew_used(self._roles, context)
