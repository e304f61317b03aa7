"""Split lists into pages: `pageSize` and `pageToken` (AIP-158)."""

from collections.abc import Mapping, Sequence
from typing import Any

from fullsend_sandbox.google.calls import Call
from fullsend_sandbox.google.errors import invalid

DEFAULT_SIZE = 100
MAX_SIZE = 1000


def page(call: Call, field: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one page of a list; an empty list has no field at all, as protobuf's JSON has it."""
    size = int(call.query.get("pageSize", "0")) or DEFAULT_SIZE
    if size < 0:
        raise invalid("The page size must not be negative.")
    token = call.query.get("pageToken", "")
    if token and not (token.isascii() and token.isdigit() and len(token) < len("1000000")):
        raise invalid("The page token is not valid.")
    start = int(token or "0")
    end = start + min(size, MAX_SIZE)
    answer: dict[str, Any] = {field: list(items[start:end])} if items[start:end] else {}
    if end < len(items):
        answer["nextPageToken"] = str(end)
    return answer
