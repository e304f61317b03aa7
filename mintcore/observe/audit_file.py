"""Append audit events to a file, and reopen it when logrotate has renamed it.

Several processes of a mint may write to it. ``logrotate`` rotates it (deploy/standalone/logrotate.conf). Each write
compares the open file with the file at the path, so the mint needs no signal.
"""

from __future__ import annotations

import errno
import os
import stat
import threading

# With a wider mode, users outside the file's group could read who minted which token.
MAX_MODE = 0o640
_NOT_A_FILE = {errno.ELOOP: "it is a symbolic link", errno.ENXIO: "it is a named pipe"}


class AuditFile:
    """Lines in the file ``path``."""

    def __init__(self, path: str) -> None:
        """Open the file; create it with mode 0600. Raises OSError, also for a symbolic link or a named pipe."""
        self._path = path
        self._lock = threading.Lock()
        self._broken_off = b""
        self._file = self._open()

    @property
    def warning(self) -> str:
        """A sentence for the operator if the file's mode is too wide, else empty."""
        mode = stat.S_IMODE(os.fstat(self._file).st_mode)
        if not mode & ~MAX_MODE:
            return ""
        return f"AUDIT_LOG: {self._path} has mode {mode:04o}, wider than 0640. Fix: chmod 600 {self._path}"

    def write(self, line: str) -> None:
        """Append ``line`` whole. Raises OSError."""
        content = line.encode()
        with self._lock:
            if not self._is_current():
                self._reopen()
            # One write to a file opened for appending: lines of several processes do not mix.
            written = os.write(self._file, self._broken_off + content)
            if written < len(self._broken_off) + len(content):
                # The disk is full. The next line must not continue this one.
                self._broken_off = b"\n" if written else self._broken_off
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._broken_off = b""

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            os.close(self._file)

    @classmethod
    def check(cls, path: str) -> str:
        """Return the warning that a mint would log at start; create nothing. Raises OSError as the mint would."""
        if not os.path.lexists(path):
            folder = os.path.dirname(path) or "."  # noqa: PTH120 - a string, as it was given
            if not os.path.isdir(folder):  # noqa: PTH112
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            if not os.access(folder, os.W_OK | os.X_OK):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            return ""
        file = cls(path)
        try:
            return file.warning
        finally:
            file.close()

    def _open(self) -> int:
        # A link or pipe in a shared directory would send the events elsewhere, so neither is accepted. Without
        # O_NONBLOCK, opening a pipe would block the mint.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            opened = os.open(self._path, flags, 0o600)
        except OSError as error:
            if error.errno in _NOT_A_FILE:
                raise OSError(error.errno, _NOT_A_FILE[error.errno]) from None
            raise
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise OSError(errno.EINVAL, "it is not a regular file")
        return opened

    def _reopen(self) -> None:
        opened = self._open()
        os.close(self._file)
        self._file, self._broken_off = opened, b""

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.lstat(self._path), os.fstat(self._file))
        except FileNotFoundError:
            return False
