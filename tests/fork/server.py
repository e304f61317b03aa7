"""Fork the project's commands from one process that has imported the packages they use.

Starting Python and importing packages is most of what a short command costs. This process does it once, and forks
a child per command: a process of its own, with exactly the environment, folder and files it is given, that runs
the command's own script. Nothing of the project is imported before the fork.

Run as `python server.py FD`, a UNIX stream socket. A request is a length, JSON, and four file descriptors: standard
input, output, error, and a socket for the child's process id and, once it has ended, its exit status.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import struct
import sys

PACKAGES = (
    "click",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.serialization",
    "flask",
    "functions_framework._cli",
    "functions_framework._http.flask",
    "functions_framework._http.gunicorn",
    "gunicorn.app.base",
    "gunicorn.workers.gthread",
    "jwt",
    "limits.storage",
    "limits.strategies",
    "requests",
    "urllib3",
)
NUMBER = struct.Struct("!i")


class Forked(Exception):
    """This is the child, which leaves the server's loop; `argv` is its command."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self.argv = argv


class Server:
    """Forks a child per request and reports how each ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._statuses: dict[int, socket.socket] = {}
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def serve(self) -> None:
        """Serve until the other end closes, then kill what still runs. Raises Forked in each child."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self._control.fileno(), self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._report()
            if self._control.fileno() in ready and not self._fork():
                self._kill()  # a test run that was interrupted leaves no mint behind
                return

    def _fork(self) -> bool:
        head, descriptors, _, _ = socket.recv_fds(self._control, NUMBER.size, 4)
        if not head:
            return False
        (length,) = NUMBER.unpack(head)
        request = json.loads(_read(self._control, length))
        status = socket.socket(fileno=descriptors[3])
        pid = os.fork()
        if pid == 0:
            self._become(request, descriptors[:3], status)
        for descriptor in descriptors[:3]:
            os.close(descriptor)
        self._statuses[pid] = status
        return True

    def _become(self, request: dict[str, object], descriptors: list[int], status: socket.socket) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        status.sendall(NUMBER.pack(os.getpid()))
        status.detach()
        self._control.detach()
        for other in self._statuses.values():
            other.detach()
        os.closerange(3, max(descriptors[-1], *_open_descriptors()) + 1)
        os.chdir(str(request["cwd"]))
        os.environ.clear()
        os.environ.update(request["env"])  # type: ignore[call-overload] # JSON: names and values
        random.seed()
        raise Forked(list(request["argv"]))  # type: ignore[call-overload] # JSON: a list of words

    def _kill(self) -> None:
        for pid in self._statuses:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _report(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, wait_status = ended
                with self._statuses.pop(pid) as status, contextlib.suppress(BrokenPipeError):
                    status.sendall(NUMBER.pack(os.waitstatus_to_exitcode(wait_status)))


def _open_descriptors() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - no folder to walk


def _read(control: socket.socket, length: int) -> bytes:
    read = b""
    while len(read) < length:
        read += control.recv(length - len(read))
    return read


def main() -> None:
    """Serve, and in each child run its command's script, so that the child ends as a Python process ends."""
    for name in PACKAGES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what children share stays shared
    try:
        Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    except Forked as child:
        sys.argv[:] = child.argv
    else:
        return
    sys.path[0] = os.path.dirname(sys.argv[0])  # noqa: PTH120 - as Python does it
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
