"""Start the calls that the first request will need, before the rest of the mint is imported.

The module also opens the channels that these calls share, and logs when the clock is corrected. Importing it is
cheap: the services answer while the cryptography libraries are still imported.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from mintcore.errors import MintError
from mintcore.outbound.answer import OutboundError
from mintcore.outbound.channel import Outbound
from mintcore.request import Deadline, RequestContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mintcore.clock import CorrectedClock
    from mintcore.observe.log import JsonLog
    from mintcore.ports import Clock
    from mintcore.settings.environment import Settings

_WARM_UP_SECONDS = 20.0


def log_corrections(clock: CorrectedClock, log: JsonLog) -> None:
    """Log when the clock starts or stops to follow the services' time."""

    def corrected(offset: float) -> None:
        if offset:
            side = "behind" if offset > 0 else "ahead of"
            text = f"this machine's clock is {abs(offset):.0f} s {side} the issuer's and GitHub's; using theirs"
            log.write("WARNING", text, {"clock_offset_s": round(offset)})
        else:
            log.write("INFO", "this machine's clock is right again", {"clock_offset_s": 0})

    clock.on_correction(corrected)


def outbound_for(settings: Settings, clock: Clock) -> Outbound:
    """Return what makes channels to services; each keeps one idle connection per serving thread."""
    return Outbound(clock, connections=settings.threads, proxy_url=settings.proxy_url)


def warm_up(steps: Sequence[Callable[[RequestContext], object]], clock: Clock, log: JsonLog) -> None:
    """Run ``steps`` in a thread; they fetch what the first request will need.

    The first request finds a step's failure again and reports it.
    """
    context = RequestContext(Deadline(clock, _WARM_UP_SECONDS), f"warm-up-{uuid.uuid4().hex}")

    def run_steps() -> None:
        for step in steps:
            try:
                step(context)
            except (MintError, OutboundError) as failure:
                log.write("WARNING", f"warm-up: {failure}")

    threading.Thread(target=run_steps, name="warm-up", daemon=True).start()
