"""The server's log of answers and problems, in the same JSON lines as the mint's other logs.

gunicorn's messages about its own start and end are left out. Only the kind of an exception is logged, because its
text quotes the request.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from gunicorn.glogging import Logger

from mintcore.observe.log import JsonLog
from mintcore.secret import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from mintcore.clock import Clock

_OK = 200


class TimedLog(JsonLog):
    """JSON lines with the time, because no log agent adds it outside of a cloud."""

    def __init__(self, stream: TextIO, clock: Clock, *, project_id: str = "") -> None:
        super().__init__(stream, project_id=project_id)
        self._clock = clock

    def write(
        self,
        severity: str,
        message: str,
        fields: Mapping[str, Any] | None = None,
        trace: str = "",
        *,
        proven: object = None,
    ) -> str:
        """Write one line, with the time in UTC (RFC 3339), and return it."""
        now = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds")
        return super().write(severity, message, {"time": now, **(fields or {})}, trace, proven=proven)


def logger_class(lines: JsonLog, *, answers: bool) -> type[JsonLogger]:
    """Return a class of gunicorn loggers that write to ``lines``; gunicorn makes the instance itself.

    ``answers`` tells whether to log each answer; on Cloud Run the platform logs them.
    """
    return type("BoundJsonLogger", (JsonLogger,), {"lines": lines, "answers": answers})


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger without its formats, levels and files."""

    lines: ClassVar[JsonLog]
    answers: ClassVar[bool]

    def setup(self, cfg: Any) -> None:
        """Take the configuration and open nothing."""
        self.cfg = cfg

    def critical(self, msg: object, *args: object, **_kwargs: object) -> None:
        """Log a message of gunicorn's level "critical"."""
        self.lines.write("CRITICAL", _text(msg, args))

    def error(self, msg: object, *args: object, **_kwargs: object) -> None:
        """Log an error."""
        self.lines.write("ERROR", _text(msg, args))

    def warning(self, msg: object, *args: object, **_kwargs: object) -> None:
        """Log a warning."""
        self.lines.write("WARNING", _text(msg, args))

    def info(self, msg: object, *args: object, **_kwargs: object) -> None:
        """Log nothing: the operator does not need gunicorn's messages about its start."""

    def debug(self, msg: object, *args: object, **_kwargs: object) -> None:
        """Log nothing."""

    def log(self, _lvl: object, msg: object, *args: object, **_kwargs: object) -> None:
        """Log at a level chosen by gunicorn."""
        self.lines.write("INFO", _text(msg, args))

    def exception(self, msg: object, *args: object, **_kwargs: object) -> None:
        """Log the kind of exception that is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, BlockingIOError):  # SEND_SECONDS, see connection.py
            self.lines.write("WARNING", "a client did not read its answer")
        else:
            self.lines.write("ERROR", f"{_text(msg, args)}: {type(error).__name__}")

    def access(self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Log one answer."""
        if self.answers:
            self.lines.write(*access_line(resp, environ, request_time.total_seconds()))

    def reopen_files(self) -> None:
        """Do nothing: standard output is not reopened."""

    def close_on_exec(self) -> None:
        """Do nothing: there are no files to close."""


def access_line(response: Any, environ: dict[str, Any], seconds: float) -> tuple[str, str, dict[str, Any]]:
    """Return the log line of one answer: severity, message and fields (Cloud Logging: HttpRequest).

    The path is logged without its query, which may hold a secret by mistake.
    """
    status = int(str(response.status)[:3])
    # Attack: a token in a header of the caller. The log's redaction does not find a token that was cut.
    method, path, agent = (
        one_line(str(environ.get(name, "")), 200) for name in ("REQUEST_METHOD", "PATH_INFO", "HTTP_USER_AGENT")
    )
    method = method[:20]
    headers = {str(name).lower(): str(value) for name, value in response.headers}
    fields = {
        "request_id": headers.get("x-request-id", ""),
        "httpRequest": {
            "requestMethod": method,
            "requestUrl": path,
            "status": status,
            "responseSize": str(response.sent or 0),
            "userAgent": agent,
            "remoteIp": str(environ.get("REMOTE_ADDR", "")).removeprefix("::ffff:"),
            "latency": f"{seconds:.6f}s",
        },
    }
    # Probes come every few seconds; as DEBUG they can be filtered where logs cost money.
    quiet = path == "/health" and status == _OK
    return ("DEBUG" if quiet else "INFO"), f"{method} {path} {status}", fields


def _text(message: object, arguments: tuple[object, ...]) -> str:
    try:
        return str(message) % arguments if arguments else str(message)
    except (TypeError, ValueError):
        return str(message)
