"""What the server gets of an answer, and what the answer gets of the request."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from gunicorn.config import Config
from werkzeug import Request, Response

from mintcore.http.answering import FixedSettings, answer
from mintcore.http.connection import Connection
from mintcore.http.limits import edge_settings
from mintcore.http.server import application


class Log:
    def access(self, *_: object) -> None:
        """Keep nothing."""


def served(request: bytes, response: Response) -> tuple[bytes, list[Request]]:
    """Return the bytes that a client receives, and the requests that the endpoint got."""
    seen: list[Request] = []

    def endpoint(request: Request) -> Response:
        seen.append(request)
        return response

    config = Config()
    for name, value in edge_settings().items():
        config.set(name, value)
    settings: Any = FixedSettings(config)
    ours, clients = socket.socketpair()
    with ours, clients:
        clients.sendall(request)
        connection = Connection(settings, ours, ("127.0.0.1", 40000), ("127.0.0.1", 8080), deadline=0.0)
        assert connection.receive()
        connection.hand_over()
        wsgi = application(endpoint)  # type: ignore[arg-type]
        answer(next(connection.parser), connection, settings, wsgi, Log(), last=True)
        return clients.recv(65536), seen


@pytest.mark.parametrize(
    ("method", "status", "length", "body"),
    [
        ("GET", 200, b"Content-Length: 5", b"hello"),
        ("GET", 404, b"Content-Length: 5", b"hello"),
        ("HEAD", 200, b"Content-Length: 5", b""),
        ("GET", 204, b"", b""),
        ("GET", 304, b"", b""),
    ],
)
def test_an_answer_has_the_length_and_body_of_its_status(
    method: str, status: int, length: bytes, body: bytes
) -> None:
    sent, _ = served(f"{method} / HTTP/1.1\r\nHost: mint\r\n\r\n".encode(), Response("hello", status))
    head, _, content = sent.partition(b"\r\n\r\n")
    assert content == body
    assert [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")] == [length] * bool(
        length
    )


def test_every_field_of_an_answer_is_sent() -> None:
    response = Response(
        "{}", 429, [("Retry-After", "3"), ("X-A", "1"), ("X-A", "2")], content_type="application/json"
    )
    head = served(b"GET / HTTP/1.1\r\nHost: mint\r\n\r\n", response)[0].partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 429 TOO MANY REQUESTS\r\n")
    for line in (b"Retry-After: 3", b"X-A: 1", b"X-A: 2", b"Content-Type: application/json"):
        assert head.split(b"\r\n").count(line) == 1


@pytest.mark.parametrize(
    "field",
    ["X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl", "Script-Name: /health"],
)
def test_no_peer_chooses_the_scheme_or_the_path(field: str) -> None:
    _, (request,) = served(f"GET /health HTTP/1.1\r\nHost: mint\r\n{field}\r\n\r\n".encode(), Response("ok"))
    assert (request.scheme, request.path, request.environ["SCRIPT_NAME"]) == ("http", "/health", "")
    assert request.remote_addr == "127.0.0.1"
