"""Check whether this environment may connect to a host.

On the machines where this tool runs, a connection is allowed only if CODEX_NET_MODE is `online_allowlist` and the
host is in CODEX_NET_ALLOWLIST (or its alias CODEX_ALLOWLIST_HOSTS). Whole names are compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

MODE = "CODEX_NET_MODE"
ONLINE = "online_allowlist"
LISTS = ("CODEX_NET_ALLOWLIST", "CODEX_ALLOWLIST_HOSTS")


class Closed(NamedTuple):
    """Why the guard forbids a connection, and which variable allows it."""

    what: str
    fix: str


def refusal(url: str, environ: Mapping[str, str]) -> Closed | None:
    """Return why the guard forbids a connection to a URL; None if it allows it."""
    host = urlsplit(url).hostname or ""
    mode = environ.get(MODE, "")
    if mode != ONLINE:
        state = f"is {mode!r}" if mode else "is not set"
        return Closed(f"the network guard is closed: {MODE} {state}", f"set {MODE}={ONLINE}")
    allowed = next((environ[name] for name in LISTS if environ.get(name, "").strip()), "")
    if host.lower() not in re.split(r"[,\s]+", allowed.lower()):
        listed = ",".join(filter(None, [allowed, host]))
        return Closed(f"the network guard does not allow {host}", f"set {LISTS[0]}={listed}")
    return None
