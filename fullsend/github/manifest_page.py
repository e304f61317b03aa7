"""Serve a page on loopback that sends a manifest to GitHub and receives GitHub's code.

It listens on 127.0.0.1 on a port that the system chooses. Attack (RFC 6749 §10.12): a web page that guesses the
port could send another code, so a random state ties the answer to this run.
"""

from __future__ import annotations

import hmac
import html
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from fullsend.github.app_manifest import NewApp

_CALLBACK = "/created"
_SECONDS = 10.0
_STYLE = "<style>body{font:16px system-ui;margin:4em auto;max-width:36em}</style>"


class ManifestPage:
    """The page for one App, served while the context lasts."""

    def __init__(self, app: NewApp, web_url: str) -> None:
        self._app = app
        self._web_url = web_url
        self._state = secrets.token_urlsafe(24)
        self._code = ""
        self._arrived = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="manifest-page", daemon=True)

    @property
    def url(self) -> str:
        """Return the page to open in a browser."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def code(self, seconds: float) -> str:
        """Return the code GitHub redirected with, empty if none arrived within ``seconds``."""
        self._arrived.wait(seconds)
        return self._code

    def answer(self, target: str) -> tuple[HTTPStatus, str]:
        """Return the status and the HTML for a request target."""
        parts = urlsplit(target)
        if parts.path == "/":
            return HTTPStatus.OK, self._form()
        if parts.path != _CALLBACK:
            return HTTPStatus.NOT_FOUND, _page("Not found", "")
        query = parse_qs(parts.query)
        state, code = (query.get(name, [""])[0] for name in ("state", "code"))
        if not hmac.compare_digest(state.encode(), self._state.encode()) or not (code.isascii() and code.isalnum()):
            return HTTPStatus.BAD_REQUEST, _page("This answer belongs to another run.", "Run the command again.")
        self._code = code
        self._arrived.set()
        return HTTPStatus.OK, _page("The App is created.", "Go back to the terminal; you can close this page.")

    def _form(self) -> str:
        action = f"{self._app.post_url(self._web_url)}?{urlencode({'state': self._state})}"
        manifest = self._app.manifest(self.url.rstrip("/") + _CALLBACK)
        rows = "".join(f"<li>{html.escape(f'{name}: {to}')}</li>" for name, to in self._app.permissions.items())
        return _page(
            f"Create the GitHub App for the role {self._app.role}",
            f"<p>Its permissions on {html.escape(self._app.org)}:</p><ul>{rows}</ul>"
            f'<form method="post" action="{html.escape(action, quote=True)}">'
            f'<input type="hidden" name="manifest" value="{html.escape(manifest, quote=True)}">'
            '<button id="continue" type="submit">Continue on GitHub</button></form>',
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _SECONDS

            def do_GET(self) -> None:
                # Attack: a site whose name resolves to 127.0.0.1 could read the state (DNS rebinding).
                ours = self.headers.get("Host", "") == urlsplit(page.url).netloc
                status, text = page.answer(self.path if ours else "/other")
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                # The callback's address contains the code, so the browser must not send it to other sites.
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Print nothing: the request line holds the code."""

        return Handler


def _page(title: str, body: str) -> str:
    return f"<!doctype html><title>{html.escape(title)}</title>{_STYLE}<h1>{html.escape(title)}</h1>{body}"
