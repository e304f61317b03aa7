"""Make the functions framework serve with the standalone mint's worker and limits.

The framework starts gunicorn with its own settings: it ignores ``GUNICORN_CMD_ARGS`` and configuration files, the
request line is unlimited, and a read has no time limit. Its router answers some requests itself, in HTML. So the
framework still loads the function and starts the server, but the server's class is ours (docs/adr/0036).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions_framework._http import gunicorn as framework

from mintcore.http.limits import edge_settings
from mintcore.http.server import application
from mintcore.http.server_log import logger_class

if TYPE_CHECKING:
    from mintcore.http.endpoint import Endpoint
    from mintcore.observe.log import JsonLog


def serve_with_edge(endpoint: Endpoint, log: JsonLog, *, threads: int) -> None:
    """Let the framework serve ``endpoint`` with our edge. Call it before the framework creates its server.

    ``threads`` replaces the framework's default of four per CPU (docs/adr/0049).
    """
    ours = edge_settings() | {"logger_class": logger_class(log, answers=False), "threads": threads}

    class EdgeApplication(framework.GunicornApplication):
        """The framework's gunicorn application with our worker, limits and endpoint."""

        def load_config(self) -> None:
            super().load_config()  # type: ignore[no-untyped-call]
            for name, value in ours.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return application(endpoint)

    framework.GunicornApplication = EdgeApplication  # type: ignore[misc]
