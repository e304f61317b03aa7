"""Start the calls that the first request will need, before the rest of the mint is imported.

Importing the module is cheap: the services answer while the cryptography libraries are still imported.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from mintcore.errors import MintError
from mintcore.outbound.answer import OutboundError
from mintcore.request import Deadline, RequestContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mintcore.clock import Clock
    from mintcore.observe.log import JsonLog

_WARM_UP_SECONDS = 20.0


def warm_up(steps: Sequence[Callable[[RequestContext], object]], clock: Clock, log: JsonLog) -> None:
    """Run ``steps`` in a thread; they make the calls that the first request will need.

    Failures are logged as warnings; the first request meets them again and answers with them.
    """
    context = RequestContext(Deadline(clock, _WARM_UP_SECONDS), f"warm-up-{uuid.uuid4().hex}")

    def run_steps() -> None:
        for step in steps:
            try:
                step(context)
            except (MintError, OutboundError) as failure:
                log.write("WARNING", f"warm-up: {failure}")

    threading.Thread(target=run_steps, name="warm-up", daemon=True).start()
