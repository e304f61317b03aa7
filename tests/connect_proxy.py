"""A proxy on loopback that tunnels to a port on loopback, whatever host it is asked for."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def connect_proxy(to_port: int, status: bytes = b"200 Connection established") -> Iterator[tuple[str, list[bytes]]]:
    """Tunnel one connection to a port on loopback, whatever host it asks for; yield its URL and the requests."""
    heads: list[bytes] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connected(listener.accept()[0])

    def connected(client: socket.socket) -> None:
        with suppress(OSError), client:
            heads.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
            with socket.create_connection(("127.0.0.1", to_port)) as server:
                back = threading.Thread(target=pump, args=(server, client), daemon=True)
                back.start()
                pump(client, server)
                back.join(5)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http://me:p%40ss@127.0.0.1:{listener.getsockname()[1]}", heads
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
