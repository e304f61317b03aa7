"""The time, corrected by trusted services.

A machine's clock can be minutes off. GitHub checks the times of our App JWTs by its own clock, and the issuer sets
the times of its tokens by its own. So :class:`CorrectedClock` follows the ``Date`` headers that they send over TLS
if the difference is too large to be latency. A cached answer can carry an old ``Date``. A signed token proves that
its ``iat`` has passed.
"""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

# Below the first, the leeway of the claims is enough. Above the second, the header is more likely wrong than the
# machine.
_MIN_DRIFT_SECONDS = 20.0
_MAX_DRIFT_SECONDS = 900.0
# A token's iat may be 30 s ahead of us, and services differ by some seconds.
_WITNESS_LEEWAY_SECONDS = 60.0


class Clock(Protocol):
    """The time, and waiting. ``now`` is in seconds since the epoch, ``monotonic`` in seconds since some start."""

    def now(self) -> float:
        """Return the time, corrected by what trusted services report."""

    def monotonic(self) -> float:
        """Return a time that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def observe(self, date: str, age: str = "", *, cacheable: bool = False) -> bool:
        """Compare with a trusted service's ``Date`` header; return whether the clock was corrected.

        If the answer is ``cacheable``, a cache may have sent it, and its ``Date`` may be old.
        """

    def note_proven_time(self, seconds: float) -> None:
        """Note a time that has passed, as a verified signature proves.

        No cacheable ``Date`` turns the clock back past it.
        """


class CorrectedClock:
    """The system's clock, corrected by the services' clocks.

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
        # Seconds to add, and the difference of wall and monotonic at that time: read and set as one.
        self._correction = (0.0, 0.0)
        # The latest proven time, as a difference to monotonic.
        self._floor = float("-inf")
        self._lock = threading.Lock()
        self._corrected: Callable[[float], None] = lambda _offset: None

    def on_correction(self, corrected: Callable[[float], None]) -> None:
        """Call ``corrected`` with the new :attr:`offset` whenever it changes."""
        self._corrected = corrected

    def now(self) -> float:
        """Return the time, corrected by what trusted services report."""
        wall, seen = self._wall(), self._correction
        offset, anchor = seen
        # The system clock jumped since the correction; assume it is right again.
        if offset and abs(wall - self.monotonic() - anchor) >= _MIN_DRIFT_SECONDS:
            self._correct(0.0, seen)
            offset = self._correction[0]
        return wall + offset

    @property
    def offset(self) -> float:
        """How many seconds the machine's clock is behind the services'."""
        return self._correction[0]

    def observe(self, date: str, age: str = "", *, cacheable: bool = False) -> bool:
        """Compare with an answer's ``Date`` (and ``Age``, RFC 9111 §5.1); tell whether the clock was corrected.

        Pass only answers of services that are reached over TLS or loopback. A ``cacheable`` answer can carry an old
        ``Date``, which never turns the clock back past a time from :meth:`note_proven_time`.
        """
        served = _seconds(date)
        if served is None:
            return False
        served += delta_seconds(age) or 0.0
        # Turned back, the clock would accept tokens that have expired.
        if cacheable and served < self._floor + self.monotonic() - _WITNESS_LEEWAY_SECONDS:
            return False
        seen = self._correction
        offset = served - self._wall()
        drift = offset - seen[0]
        if abs(drift) < _MIN_DRIFT_SECONDS or abs(offset) > _MAX_DRIFT_SECONDS:
            return False
        self._correct(0.0 if abs(offset) < _MIN_DRIFT_SECONDS else offset, seen)
        return True

    def note_proven_time(self, seconds: float) -> None:
        """Note a time that has passed, as a verified signature proves; the clock never goes back past it.

        If the clock is already behind it, and the machine's own clock agrees with ``seconds``, follow the machine.
        """
        with self._lock:
            self._floor = max(self._floor, seconds - self.monotonic())
        seen = self._correction
        wall = self._wall()
        if seen[0] < 0 and wall + seen[0] < seconds - _MIN_DRIFT_SECONDS and wall >= seconds - _MIN_DRIFT_SECONDS:
            self._correct(0.0, seen)

    def _correct(self, offset: float, seen: tuple[float, float]) -> None:
        """Add ``offset`` from now on. No-op if another thread already changed the correction."""
        with self._lock:
            if self._correction is not seen:
                return
            self._correction = (offset, self._wall() - self.monotonic())
        self._corrected(offset)


def delta_seconds(text: str) -> float | None:
    """Return the seconds of ``Age`` or ``Retry-After``, ``None`` if it has another form (RFC 9111 §1.2.2)."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None  # noqa: PLR2004


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
