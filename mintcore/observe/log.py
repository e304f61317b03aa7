"""The operator's log: JSON lines as Cloud Logging reads them, redacted."""

from __future__ import annotations

import json
import re
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

# What nobody should have put into a text that is logged, taken out all the same: JWTs and what looks like one
# (GitHub's newer tokens do), GitHub's classic tokens, PEM blocks. A name may begin after JSON's own escapes, whose
# last letter would hide it; a block cut short ends with its JSON string, so that whoever writes "BEGIN KEY" into
# a claim does not make the rest of the event vanish. Each alternative begins with its own letters and looks back
# from there: looking back first would cost a quarter of a millisecond per event.
_SECRETS = re.compile(
    r"(?:gh(?:(?<![A-Za-z0-9_]gh)|(?<=\\[bfnrt]gh)|(?<=\\u[0-9a-f]{4}gh))[a-z]_[A-Za-z0-9._-]{16,}"
    r"|ey(?:(?<![A-Za-z0-9_]ey)|(?<=\\[bfnrt]ey)|(?<=\\u[0-9a-f]{4}ey))"
    r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r'|-----BEGIN [A-Z ]*KEY-----(?:[^"\\]|\\.)*?(?:-----END [A-Z ]*KEY-----|(?=")|\\?$))'
)


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)


def redact(text: str) -> str:
    """Return ``text`` without anything that looks like a token, a JWT or a private key."""
    return _SECRETS.sub("<redacted>", text)


class JsonLog:
    """Writes JSON lines to a stream (Cloud Logging: Structured logging)."""

    def __init__(self, stream: TextIO, *, project_id: str = "") -> None:
        self._stream = stream
        self._project_id = project_id
        self._lock = threading.Lock()

    def write(self, severity: str, message: str, fields: Mapping[str, Any] | None = None, trace: str = "") -> str:
        """Write one line and return it; ``severity`` is one of Cloud Logging's, ``trace`` a trace id.

        A stream that cannot be written stops nobody: the line goes to stderr, or is lost.
        """
        entry: dict[str, Any] = {"severity": severity, "message": message, **(fields or {})}
        if trace:
            prefix = f"projects/{self._project_id}/traces/" if self._project_id else ""
            entry["logging.googleapis.com/trace"] = prefix + trace
        line = redact(_ENCODER.encode(entry)) + "\n"
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
