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
_LEAST_DRIFT_SECONDS = 20.0
_MOST_DRIFT_SECONDS = 900.0


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
        self._offset = 0.0
        self._anchor = 0.0
        self._lock = threading.Lock()
        self._corrected: Callable[[float], None] = lambda _offset: None

    def tell(self, corrected: Callable[[float], None]) -> None:
        """Have ``corrected`` called with the new :attr:`offset` whenever it changes."""
        self._corrected = corrected

    def now(self) -> float:
        """Return the time the outside world goes by."""
        wall = self._wall()
        # Whoever has set the machine's clock since the correction has most likely set it right.
        if self._offset and abs(wall - self.monotonic() - self._anchor) >= _LEAST_DRIFT_SECONDS:
            self._correct(0.0)
        return wall + self._offset

    @property
    def offset(self) -> float:
        """How many seconds the machine's clock is behind the world's."""
        return self._offset

    def observe(self, date: str, age: str = "") -> bool:
        """Take note of an answer's ``Date`` (and ``Age``, RFC 9111 §5.1); say whether the clock was corrected.

        Only answers of services that are reached over TLS (or loopback) may be passed in.
        """
        served = _seconds(date)
        if served is None:
            return False
        served += int(age) if age.isascii() and age.isdigit() and len(age) < 7 else 0  # noqa: PLR2004
        offset = served - self._wall()
        drift = offset - self._offset
        if abs(drift) < _LEAST_DRIFT_SECONDS or abs(offset) > _MOST_DRIFT_SECONDS:
            return False
        self._correct(0.0 if abs(offset) < _LEAST_DRIFT_SECONDS else offset)
        return True

    def _correct(self, offset: float) -> None:
        with self._lock:
            if offset == self._offset:
                return
            self._offset = offset
            self._anchor = self._wall() - self.monotonic()
        self._corrected(offset)


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
