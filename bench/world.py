"""Run the services that a mint calls in one process that is never the bottleneck.

It answers from memory, does not check requests, and counts them; the sandbox emulates refusals. Latency is a timer
per answer, so it costs no CPU. Started as ``python -m bench.world``, it reads keys and certificate as one line of
JSON on stdin, prints its ports as one line of JSON, and ends when stdin does.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from collections import Counter
from email.utils import formatdate
from tempfile import NamedTemporaryFile
from typing import Any, cast

from bench.answers import answers

HOST = "127.0.0.1"
SERVICES = ("issuer", "sts", "secretmanager", "kms", "github", "control")
BEHIND_TLS = ("sts", "github")
"""The calls of a warm mint; each of these services also listens with TLS."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_SECRET = re.compile(rb"^GET /v1/projects/[^/]+/secrets/([^/]+)/versions/latest:access")
_SIGN = re.compile(rb"^POST /v1/(projects/[^ ]+/cryptoKeyVersions/[0-9]+):asymmetricSign ")
_CREATE = re.compile(rb"^POST /app/installations/[0-9]+/access_tokens ")
_LOOK_UP = re.compile(rb"^GET /(?:orgs|users)/[^/]+/installation ")
_LATENCY = re.compile(rb"^POST /latency/([0-9]+) ")
_HEAD_END = b"\r\n\r\n"
_SHORT = (
    (b"POST /v1/token ", "sts"),
    (b"GET /.well-known/openid-configuration ", "discovery"),
    (b"GET /.well-known/jwks ", "jwks"),
    (b"GET /app/installations?", "installations"),
)


class World:
    """Answers, counts and latency that all connections share."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.latency_seconds = 0.0
        self._parts: dict[str, tuple[str, bytes]] = {}
        self._ready: dict[str, bytes] = {}

    def set_answers(self, parts: dict[str, tuple[str, bytes]]) -> None:
        """Take the answers to give, by kind of call."""
        self._parts = parts
        self.stamp()

    def stamp(self) -> None:
        """Write the date into every answer, once a second instead of once an answer."""
        self._ready = {kind: _http(headers, body) for kind, (headers, body) in self._parts.items()}
        asyncio.get_running_loop().call_later(1, self.stamp)

    def answer(self, head: bytes) -> tuple[bytes, float]:
        """Return the bytes to send and the seconds to wait before that."""
        kind = _kind(head)
        if kind is None:
            return self._control(head), 0.0
        self.calls[kind.partition("/")[0]] += 1
        ready = self._ready.get(kind)
        return (_http("", b"{}", "404 Not Found") if ready is None else ready), self.latency_seconds

    def _control(self, head: bytes) -> bytes:
        latency = _LATENCY.match(head)
        if latency:
            self.latency_seconds = int(latency[1]) / 1000
        elif not head.startswith(b"GET /calls "):
            self.calls["unknown"] += 1
            return _http("", b"{}", "404 Not Found")
        return _http("Content-Type: application/json\r\n", json.dumps(self.calls).encode())


def _kind(head: bytes) -> str | None:
    for start, kind in _SHORT:
        if head.startswith(start):
            return kind
    if _CREATE.match(head):
        return "access_token"
    if _LOOK_UP.match(head):
        return "installation"
    sign = _SIGN.match(head)
    if sign:
        return f"sign/{sign[1].decode()}"
    secret = _SECRET.match(head)
    return f"secret/{secret[1].decode()}" if secret else None


def _http(headers: str, body: bytes, status: str = "200 OK") -> bytes:
    # Every client here accepts 200 as well as 201; one call is documented to answer 201.
    if b'"expires_at"' in body:
        status = "201 Created"
    date = formatdate(usegmt=True)
    head = f"HTTP/1.1 {status}\r\nDate: {date}\r\n{headers}Content-Length: {len(body)}{_HEAD_END.decode()}"
    return head.encode() + body


class Wire(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection, with only the features that these clients use."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that has arrived whole."""
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            head = bytes(self._buffer[:end])
            length = _LENGTH.search(head)
            whole = end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            del self._buffer[:whole]
            answer, wait = self._world.answer(head)
            if wait:
                asyncio.get_running_loop().call_later(wait, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def serve(setup: dict[str, Any]) -> None:
    """Serve until stdin ends.

    ``setup`` has the issuer's ``jwks``, ``pems`` by role, and a ``certificate`` with its ``key``.
    """
    loop = asyncio.get_running_loop()
    world = World()
    ports: dict[str, int] = {}
    for service in SERVICES:
        server = await loop.create_server(lambda: Wire(world), HOST, 0, backlog=1024)
        ports[service] = server.sockets[0].getsockname()[1]
    tls = _tls(setup["certificate"], setup["key"])
    for service in BEHIND_TLS:
        server = await loop.create_server(lambda: Wire(world), HOST, 0, backlog=1024, ssl=tls)
        ports[f"{service}-tls"] = server.sockets[0].getsockname()[1]
    world.set_answers(answers(f"http://{HOST}:{ports['issuer']}", setup["jwks"], setup["pems"]))
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL reads them only from files; these are private to this process and removed immediately.
    with NamedTemporaryFile("w") as chain:
        chain.write(certificate + key)
        chain.flush()
        context.load_cert_chain(chain.name)
    return context


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.stdin.readline())))
