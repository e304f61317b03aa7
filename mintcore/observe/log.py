"""Write the operator's log: redacted JSON lines in Cloud Logging's format."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from mintcore.secret import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.clock import CorrectedClock

_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)


class JsonLog:
    """Writes JSON lines to a stream (Cloud Logging: Structured logging)."""

    def __init__(self, stream: TextIO, *, project_id: str = "") -> None:
        self._stream = stream
        self._project_id = project_id
        self._lock = threading.Lock()

    def write(
        self,
        severity: str,
        message: str,
        fields: Mapping[str, Any] | None = None,
        trace: str = "",
        *,
        proven: object = None,
    ) -> str:
        """Write one line and return it; ``severity`` is one of Cloud Logging's, ``trace`` a trace id.

        Text that looks like a secret is redacted, except in ``proven``: values from signed claims or from GitHub.
        If the stream fails, the line goes to stderr.
        """
        entry: dict[str, Any] = {"severity": severity, "message": message, **(fields or {})}
        if trace:
            prefix = f"projects/{self._project_id}/traces/" if self._project_id else ""
            entry["logging.googleapis.com/trace"] = prefix + trace
        line = redact(_ENCODER.encode(entry), lambda text: proven is not None and text in _ENCODER.encode(proven))
        line += "\n"
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            # ValueError: the stream was closed.
            except (OSError, ValueError):
                with suppress(OSError, ValueError):
                    sys.stderr.write(line)
                    sys.stderr.flush()
        return line


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
