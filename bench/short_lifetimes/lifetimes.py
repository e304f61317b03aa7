"""Shorten only the mint's lifetimes, to measure a mint that is rarely used.

``BENCH_LIFETIMES`` chooses the lifetimes. With ``expired``, every cached value and idle connection expires between
two mints, and the App JWT cannot be used once more. With ``renewed``, the JWT can be used once more, so it is
renewed in the background. ``scaled`` shortens all lifetimes as if the pause between two mints were 15 minutes. A
key, a key set and an installation are still used while they are renewed, as for hours in production. Only with
``scaled`` is the last acceptance by STS also older than ten minutes.
"""

from __future__ import annotations

import os

from bench.pace import INFREQUENT_SECONDS, PAUSE_SECONDS
from mintcore.github import client, installation_cache
from mintcore.keys import app_jwt, secret_manager
from mintcore.outbound import connections
from mintcore.startup import renewal
from mintcore.verify import acceptances, jwks

_EXPIRED_SECONDS = PAUSE_SECONDS / 2
_FRESH = (
    (jwks, "FRESH_SECONDS"),
    (secret_manager, "FRESH_SECONDS"),
    (app_jwt, "RENEWED_SECONDS"),
    (client, "INSTALL_PAGE_SECONDS"),
    (installation_cache, "INSTALLED_SECONDS"),
    (connections, "MAX_IDLE_SECONDS"),
)
_OLD = (
    (jwks, "STALE_SECONDS"),
    (secret_manager, "STALE_SECONDS"),
    (app_jwt, "_LAST_USE_SECONDS"),
    (app_jwt, "USED_SECONDS"),
    (installation_cache, "RENEWED_SECONDS"),
    (acceptances, "ACCEPTED_SECONDS"),
    (renewal, "ROUND_SECONDS"),
)


def shorten() -> None:
    """Change the lifetimes according to ``BENCH_LIFETIMES``. Call it before a mint is built."""
    if os.environ["BENCH_LIFETIMES"] == "scaled":
        for module, name in (*_FRESH, *_OLD):
            setattr(module, name, getattr(module, name) * PAUSE_SECONDS / INFREQUENT_SECONDS)
    else:
        for module, name in _FRESH:
            setattr(module, name, _EXPIRED_SECONDS)
        if os.environ["BENCH_LIFETIMES"] == "expired":
            # After the last use the next request signs another one.
            app_jwt._LAST_USE_SECONDS = _EXPIRED_SECONDS  # noqa: SLF001 - the bench alone changes a lifetime
