"""The page that a browser gets: the name of this service, its health, and a link to the documentation.

The text is static: it has no scripts, no styles and no part of the request, so nothing can be injected.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from werkzeug import Response

from mintcore.version import VERSION

if TYPE_CHECKING:
    from werkzeug import Request

DOCUMENTATION = "https://github.com/fullsend-ai/fullsend"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>fullsend token mint</title>
<h1>fullsend token mint</h1>
<p>This service exchanges a CI job's OIDC token for a short-lived, scoped GitHub App installation token.</p>
<p>Health: <strong>{health}</strong> (<a href="/health">/health</a>). Version {version}.</p>
<p>Jobs use <code>POST /v1/token</code> and <code>GET /v1/status</code>.
<a href="{documentation}">Documentation</a></p>
</html>
"""


def wants_page(request: Request) -> bool:
    """Return whether a browser asks: its ``Accept`` names ``text/html``. curl sends ``*/*``."""
    if request.path != "/" or request.method not in {"GET", "HEAD"}:
        return False
    return any(kind.lower() == "text/html" and quality > 0 for kind, quality in request.accept_mimetypes)


def page(unhealthy: str) -> Response:
    """Return the page; ``unhealthy`` is why the mint cannot mint, empty if it can."""
    text = _PAGE.format(
        health=escape(f"unavailable: {unhealthy}" if unhealthy else "ok"),
        version=escape(VERSION),
        documentation=DOCUMENTATION,
    )
    return Response(text, 503 if unhealthy else 200, _HEADERS, content_type="text/html; charset=utf-8")
