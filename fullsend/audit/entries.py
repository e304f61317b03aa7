"""Read audit events from log files in several forms.

It reads the mint's JSON lines from stdout or the file of ``AUDIT_LOG``, also with a prefix, as in container logs.
It reads Cloud Logging's entries with ``jsonPayload``, one per line or as the array of ``gcloud logging read
--format=json``. Any other line is counted and skipped, so a truncated log can still be searched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One event; ``time`` is the time in the log entry, empty if it has none."""

    time: str
    event: dict[str, Any]


@dataclass(slots=True)
class ReadReport:
    """The number of ``events`` that were read, and the ``bad`` lines as file:number."""

    events: int = 0
    bad: list[str] = field(default_factory=list)


def read_events(name: str, file: IO[bytes], reading: ReadReport) -> Iterator[FoundEvent]:
    """Yield the events in ``file``; note unreadable lines on ``reading``. The content never causes an exception."""
    first = file.readline(MAX_LINE)
    lines: Iterator[bytes] = chain([first], iter(lambda: file.readline(MAX_LINE), b""))
    if first.lstrip().startswith(b"["):
        content = b"".join(lines)
        entries = _parsed(content)
        if isinstance(entries, list):
            yield from _events(entries, reading)
            return
        lines = iter(content.splitlines())  # a line can begin with a time in brackets, too
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if entry is not None:
            yield from _events([entry], reading)
        elif line.strip():
            reading.bad.append(f"{name}:{number}")


def without_repeats(found: Iterable[FoundEvent]) -> list[FoundEvent]:
    """Return each event once: a file and its copy hold the same, and so do a log and its export."""
    return list({_identity(entry): entry for entry in found}.values())


def _identity(entry: FoundEvent) -> str:
    try:
        return json.dumps(entry.event, sort_keys=True)
    except RecursionError:
        return f"nested too deeply to be compared: {id(entry)}"


def _entry(line: bytes) -> Any:
    start = line.find(b"{")
    return None if start < 0 else _parsed(line[start:])


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _events(entries: Iterable[Any], reading: ReadReport) -> Iterator[FoundEvent]:
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        payload = entry.get("jsonPayload", entry)
        event = payload.get("audit") if isinstance(payload, dict) else None
        if isinstance(event, dict):
            reading.events += 1
            yield FoundEvent(_text(event.get("time")) or _text(entry.get("timestamp")), event)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
