"""What time it is, and how long is left.

A machine's clock can be minutes off. The issuer's and GitHub's ``Date`` headers, which arrive over TLS, say
what time *they* go by; since they judge our App JWTs and issue the tokens that we judge, :class:`WorldClock`
follows them when the difference is too large to be latency.
"""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Below the first nothing needs correcting: the claims' leeway covers it. Above the second a header is more
# likely wrong than the machine.
_MIN_DRIFT_SECONDS = 20.0
_MAX_DRIFT_SECONDS = 900.0


class WorldClock:
    """The system's clock, corrected by what the services say.

    ``now()`` is in seconds since the epoch, ``monotonic()`` in seconds since some start.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wall = wall
        self.monotonic = monotonic
        self.sleep = sleep
        # Seconds to add, and how far wall and monotonic were apart when that was found: read and set as one.
        self._correction = (0.0, 0.0)
        self._lock = threading.Lock()
        self._corrected: Callable[[float], None] = lambda _offset: None

    def tell(self, corrected: Callable[[float], None]) -> None:
        """Have ``corrected`` called with the new :attr:`offset` whenever it changes."""
        self._corrected = corrected

    def now(self) -> float:
        """Return the time the outside world goes by."""
        wall, seen = self._wall(), self._correction
        offset, anchor = seen
        # Whoever has set the machine's clock since the correction has most likely set it right.
        if offset and abs(wall - self.monotonic() - anchor) >= _MIN_DRIFT_SECONDS:
            self._correct(0.0, seen)
            offset = self._correction[0]
        return wall + offset

    @property
    def offset(self) -> float:
        """How many seconds the machine's clock is behind the world's."""
        return self._correction[0]

    def observe(self, date: str, age: str = "") -> bool:
        """Take note of an answer's ``Date`` (and ``Age``, RFC 9111 §5.1); say whether the clock was corrected.

        Only answers of services that are reached over TLS (or loopback) may be passed in.
        """
        served = _seconds(date)
        if served is None:
            return False
        served += delta_seconds(age) or 0.0
        seen = self._correction
        offset = served - self._wall()
        drift = offset - seen[0]
        if abs(drift) < _MIN_DRIFT_SECONDS or abs(offset) > _MAX_DRIFT_SECONDS:
            return False
        self._correct(0.0 if abs(offset) < _MIN_DRIFT_SECONDS else offset, seen)
        return True

    def _correct(self, offset: float, seen: tuple[float, float]) -> None:
        """Go by ``offset`` from now on, unless what was ``seen`` to be wrong is not what we go by any more."""
        with self._lock:
            if self._correction is not seen:
                return
            self._correction = (offset, self._wall() - self.monotonic())
        self._corrected(offset)


def delta_seconds(text: str) -> float | None:
    """Return the seconds of ``Age`` or ``Retry-After``, ``None`` where it has another form (RFC 9111 §1.2.2)."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None  # noqa: PLR2004


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
