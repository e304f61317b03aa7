"""The audit log's file: appended to, put aside when it is full, shared by every process of one mint.

Python's own rotating handler takes for granted that it is alone with the file; with two processes it renames a
file that the other still writes to. Here whoever writes looks first whether the file is still the one it holds
open, and only one process at a time may put it aside. That also suits ``logrotate``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class AuditFile:
    """Lines in the file ``path``.

    A file of ``most_bytes`` is renamed to ``path.1``, the one before to ``path.2``; ``kept`` of them are kept.
    """

    def __init__(self, path: str, *, most_bytes: int, kept: int) -> None:
        """Open the file, made for its owner alone. Raises OSError."""
        self._path = Path(path)
        self._most_bytes = most_bytes
        self._kept = kept
        self._lock = threading.Lock()
        self._broken_off = b""
        self._file = self._open()

    def write(self, line: str) -> None:
        """Append ``line`` whole. Raises OSError."""
        content = line.encode()
        with self._lock:
            if not self._is_current():
                self._reopen()
            if self._too_large(content):
                self._put_aside(content)
            # One write to a file opened for appending: lines of several processes do not mix.
            written = os.write(self._file, self._broken_off + content)
            if written < len(self._broken_off) + len(content):
                # The disk is full. What comes next begins a line of its own.
                self._broken_off = b"\n" if written else self._broken_off
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._broken_off = b""

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _reopen(self) -> None:
        opened = self._open()
        os.close(self._file)
        self._file, self._broken_off = opened, b""

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _too_large(self, content: bytes) -> bool:
        size = os.fstat(self._file).st_size
        return size > 0 and size + len(content) > self._most_bytes

    def _put_aside(self, content: bytes) -> None:
        with self._alone():
            if not self._is_current():
                self._reopen()  # another process was first
            if not self._too_large(content):
                return
            for number in reversed(range(1, self._kept)):
                with suppress(FileNotFoundError):
                    self._numbered(number).replace(self._numbered(number + 1))
            if self._kept:
                self._path.replace(self._numbered(1))
            else:
                self._path.unlink()
            self._reopen()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep the other processes of this mint from putting the file aside meanwhile."""
        descriptor = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
