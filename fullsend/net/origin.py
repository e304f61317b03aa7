"""Define where a URL leads: the parts that a connection and a proxy need."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Origin:
    """The server that a URL names; `authority` is `host:port` as written in the URL."""

    secure: bool
    host: str
    port: int
    authority: str

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of a URL. Raises ValueError for a port that is not one."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        return cls(
            secure, parts.hostname or "", parts.port or (443 if secure else 80), parts.netloc.rpartition("@")[2]
        )
