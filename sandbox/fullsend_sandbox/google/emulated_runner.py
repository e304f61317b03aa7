"""Run an emulated mint, for tests of the operator's commands that request no token.

Its `/health` reports the version of the uploaded source; every other request gets 401.
"""

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.google.builds import Image
from fullsend_sandbox.google.runner import DidNotStartError, Running
from fullsend_sandbox.loopback import LoopbackService

REQUIRED = ("ROLE_APP_IDS", "GCP_PROJECT_NUMBER", "WIF_POOL_NAME", "WIF_PROVIDER_NAME")


class _EmulatedService(LoopbackService):
    def __init__(self, version: str) -> None:
        super().__init__("emulated-mint", self._ask)
        self._version = version

    def logs(self) -> list[str]:
        return []

    def _ask(self, request: Request) -> Response:
        if request.path == "/health":
            return _json(200, {"status": "ok", "version": self._version})
        error = {
            "error": "Send the job's OIDC token as a bearer.",
            "code": "missing_bearer",
            "request_id": "emulated-mint",
        }
        return _json(401, error)


class EmulatedRunner:
    """Starts emulated mints at once; like the mint, they need the required variables."""

    def start(self, image: Image, environment: Mapping[str, str]) -> Running:
        """Start one. Raises DidNotStartError."""
        missing = [name for name in REQUIRED if not environment.get(name)]
        if missing:
            raise DidNotStartError(f"missing variables: {', '.join(missing)}")
        return _EmulatedService(_version(image.source)).start()


def _version(source: Path) -> str:
    """Read `VERSION = "…"` from the source, without running it."""
    try:
        tree = ast.parse((source / "mintcore" / "version.py").read_text())
    except (OSError, SyntaxError, ValueError):
        return "unknown"
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "VERSION" in names:
                return str(node.value.value)
    return "unknown"


def _json(status: int, value: Mapping[str, str]) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")
