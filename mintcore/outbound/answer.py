"""The two results of a call: an answer, or an :class:`OutboundError`.

An error's text is for the log and holds no header and no body. The caller interprets the answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from mintcore.clock import delta_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping


# RFC 9110 §15.5.9 and RFC 8470 §5.2 invite the client to repeat the request; 429 is a limit (RFC 6585 §4). Google's
# retry guidance lists 408, 429 and 5xx.
_TRANSIENT_REFUSALS = frozenset({408, 425, 429})
_REFUSALS = range(300, 500)
_SERVER_ERROR = 500


def is_transient(status: int) -> bool:
    """Tell whether the same request may get another answer later: 408, 425, 429 and 5xx."""
    return status in _TRANSIENT_REFUSALS or status >= _SERVER_ERROR


def is_lasting(status: int) -> bool:
    """Tell whether a refusal lasts until a person changes a setting: any other 3xx or 4xx."""
    return status in _REFUSALS and not is_transient(status)


class OutboundError(Exception):
    """A call without an answer; the text says why, for the log."""


class Unreachable(OutboundError):
    """No connection, or a broken one."""


class RouteRefused(OutboundError):
    """A proxy refuses to connect until the operator acts, for example with status 407."""


class DeadlineExceeded(OutboundError):
    """No answer before the request's deadline."""


class Unusable(OutboundError):
    """An answer that is too large, or is not a JSON object."""


class Answer(NamedTuple):
    """A service's answer; ``headers`` are keyed by name in lower case. Never log the body: it may hold a token."""

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
            raise Unusable(f"status {self.status} with {len(self.body)} bytes that are not a JSON object")
        return value

    def retry_after(self) -> float | None:
        """Return the seconds of ``Retry-After``, ``None`` if it has another form (RFC 9110 §10.2.3)."""
        return delta_seconds(self.headers.get("retry-after", ""))
