"""How a call out ends: with an answer, or with an :class:`OutboundError`.

It does not say what an answer means, and an error's text, which is for the log, holds no header and no body.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mintcore.clock import delta_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping


class OutboundError(Exception):
    """A call that has no answer; the text says why, for the log."""


class Unreachable(OutboundError):
    """No connection, or one that broke."""


class DeadlineExceeded(OutboundError):
    """No answer within the request's budget."""


class Unusable(OutboundError):
    """An answer that is too large, or is not the JSON it should be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; ``headers`` by their names in lower case. Not to be logged whole: see the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises Unusable."""
        try:
            value = json.loads(self.body.decode())
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Unusable(f"status {self.status} with {len(self.body)} bytes that are no JSON object")
        return value

    def retry_after(self) -> float | None:
        """Return the seconds of ``Retry-After`` where it has that form (RFC 9110 §10.2.3)."""
        return delta_seconds(self.headers.get("retry-after", ""))
