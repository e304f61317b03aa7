"""Hold an HTTP answer, and make text from outside safe to parse and to print."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# A token's form is not checked further than this. Attack: with a line break or a blank, its sender could write more
# lines into $GITHUB_OUTPUT, $GITHUB_ENV or the log.
_TOKEN = re.compile(r"[!-~]{1,65536}\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body. `repr` does not show the body, which may hold a token."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises ValueError."""
        return json_object(self.body)

    def json(self) -> Any:
        """Return the body as JSON of any kind. Raises ValueError."""
        return json_value(self.body)


def json_value(body: bytes) -> Any:
    """Decode JSON. Raises ValueError, without the text in it."""
    try:
        return json.loads(body)
    except RecursionError:  # a thousand brackets
        raise ValueError("the answer is nested too deeply") from None
    except ValueError:
        raise ValueError("the answer is not JSON") from None


def json_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises ValueError, without the text in it."""
    found = json_value(body)
    if not isinstance(found, dict):
        raise ValueError("the answer is not a JSON object")  # noqa: TRY004 - callers handle one kind
    return found


def is_token(value: object) -> bool:
    """Return whether a value can be a token at all: printable, without blanks."""
    return isinstance(value, str) and _TOKEN.match(value) is not None


def one_line(text: str, *, limit: int = 1000) -> str:
    """Make text from outside safe to print: one line, no control characters, at most `limit` characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 2]).split())[:limit]
