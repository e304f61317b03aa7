"""Limit the time, connections and memory that clients may use (docs/adr/0035 has the measurements).

The process's limit on open files is raised here to fit the connections.
"""

from __future__ import annotations

import contextlib
import resource
from typing import Any

from mintcore.http.ending import end_worker

REQUEST_SECONDS = 10.0
"""Head and body in all, from the connection or from the request's first byte."""
KEEPALIVE_SECONDS = 75
"""Longer than the 60 s for which reverse proxies keep idle connections, so a proxy never reuses a closed one."""
LINGER_SECONDS = 2.0
"""How long, and MAX_DROPPED how much, a client may still send after the answer that ends its connection. The bytes
are read and dropped; a reset would destroy the answer (RFC 9112 §9.6)."""
MAX_DROPPED = 8 * 1024 * 1024
MAX_CONNECTIONS = 4096
MAX_BUFFERED = 16 * 1024 * 1024
"""Bytes of all requests that have no answer yet: unfinished, waiting for a thread, or with one."""
# Files that are not clients: outbound connections, logs, the poller.
_OTHER_FILES = 256


def connections(threads: int) -> int:
    """Raise the limit on open files as far as the system allows, and return how many clients can be connected."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS * 2 if hard == resource.RLIM_INFINITY else min(hard, MAX_CONNECTIONS * 2)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    files = wanted if soft == resource.RLIM_INFINITY else soft
    return max(threads, min(MAX_CONNECTIONS, files - _OTHER_FILES - threads))


def edge_settings() -> dict[str, Any]:
    """Return the settings of gunicorn that both modes share."""
    return {
        "worker_class": "mintcore.http.worker.ReceivingWorker",
        "worker_connections": MAX_CONNECTIONS,
        "keepalive": KEEPALIVE_SECONDS,
        "limit_request_line": 8190,
        "limit_request_fields": 100,
        "limit_request_field_size": 8190,
        # gunicorn trusts loopback to set SCRIPT_NAME, PATH_INFO and the scheme. Every client of a local proxy is
        # loopback, so no peer is trusted with them.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        # A socket through which a local user could steer the server; nothing uses it.
        "control_socket_disable": True,
        "worker_exit": end_worker,
    }
