"""Read from an answer's headers how many requests GitHub still accepts in this hour.

GitHub REST: "Rate limits for the REST API". A GitHub Enterprise Server has no limits unless its owner sets them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quota:
    """Of `limit` requests an hour, `remaining` are left until `reset`, in seconds since the epoch."""

    limit: int
    remaining: int
    reset: int

    @property
    def ends(self) -> str:
        """The time of the reset, for people."""
        return f"{datetime.fromtimestamp(self.reset, UTC):%H:%M} UTC"


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """Return the quota in an answer; None if its headers have no valid one."""
    numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    quota = Quota(*map(int, numbers))
    return quota if quota.remaining <= quota.limit else None
