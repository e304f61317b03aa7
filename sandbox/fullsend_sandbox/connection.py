"""Serve one client's HTTP/1.1 connection: read its requests one by one, and write the answers.

The caller's function makes the answers.
"""

import io
import socket
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Request, Response

Answer = Callable[[Request, bytes], Response | None]

MAX_BODY = 64 * 1024 * 1024
BODYLESS = frozenset({204, 304})


class Connection(BaseHTTPRequestHandler):
    """One keep-alive connection; the standard library parses, `answer` answers, and closes it with None."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, address: tuple[str, int], answer: Answer) -> None:
        self._answer = answer
        self._host, self._port = connection.getsockname()
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def handle_one_request(self) -> None:
        """Read one request, answer it, and keep the connection unless either side wants it closed."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            self.close_connection = True
            return
        body = self._read_body()
        if body is None:
            self.close_connection = True
            return
        response = self._answer(Request(self._environ(body)), body)
        if response is None:
            self.close_connection = True
            return
        self._send(response)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing: the traffic is recorded."""

    def _read_body(self) -> bytes | None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(411)
            return None
        declared = self.headers.get("Content-Length", "0")
        if not (declared.isascii() and declared.isdigit()):
            self.send_error(400)
            return None
        if int(declared) > MAX_BODY:
            self.send_error(413)
            return None
        return self.rfile.read(int(declared))

    def _environ(self, body: bytes) -> dict[str, object]:
        path, _, query = self.path.partition("?")
        environ: dict[str, object] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": self.path,
            "SERVER_NAME": self._host,
            "SERVER_PORT": str(self._port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = value
            elif key != "CONTENT_LENGTH":
                environ[f"HTTP_{key}"] = value
        return environ

    def _send(self, response: Response) -> None:
        bodyless = self.command == "HEAD" or response.status_code in BODYLESS
        if response.status_code in BODYLESS:
            response.headers.remove("Content-Length")
        elif not response.is_streamed:
            response.headers["Content-Length"] = str(len(response.get_data()))
        head = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
        pieces: Iterable[bytes] = () if bodyless else response.iter_encoded()
        pending = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
        if not bodyless and not response.is_streamed:
            pending += response.get_data()  # one packet for an ordinary answer
            pieces = ()
        self.wfile.write(pending)
        sent = 0
        for piece in pieces:
            self.wfile.write(piece)
            sent += len(piece)
        if response.is_streamed and sent < int(response.headers.get("Content-Length", 0)):
            self.close_connection = True
