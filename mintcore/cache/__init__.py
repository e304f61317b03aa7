"""Keep values for a time, with one load per key for all the requests that wait for it."""

from __future__ import annotations

from mintcore.cache.expiring import MAX_WAITING, ExpiringCache

__all__ = ["MAX_WAITING", "ExpiringCache"]
