"""A real Redis on loopback for one test or module."""

from __future__ import annotations

import socket
import subprocess
from time import monotonic
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class RedisServer:
    """A context manager; `url` is what `RATE_LIMIT_STORAGE` should be."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        ends = monotonic() + 20
        while self._answer("PING") != ["PONG"]:
            assert monotonic() < ends
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server; may be called again."""
        self.process.terminate()
        self.process.wait(10)

    def command(self, *words: str) -> list[str]:
        """Send a command and return the strings and numbers of its answer."""
        return self._answer(*words)

    def _answer(self, *words: str) -> list[str]:
        sent = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(sent.encode())
                lines = connection.recv(65536).decode().split("\r\n")
        except OSError:
            return []
        return [line.lstrip("+:") for line in lines if line and line[0] not in "*$"]
