"""The operator's log: JSON lines as Cloud Logging reads them, redacted."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from mintcore.secret import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

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

        Text that looks like a secret is redacted, unless it is part of ``proven``: values from signed claims or
        from GitHub. If the stream cannot be written, the line goes to stderr.
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
