"""Open a file that a setting names, and refuse pipes, devices and sockets, which could block the mint forever."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_REGULAR = "it is not a regular file"
# Without O_NONBLOCK, opening a named pipe waits for a writer; without O_NOCTTY, a terminal could become ours.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def regular_file(path: str | os.PathLike[str]) -> Iterator[int]:
    """Open the file and yield its descriptor. Raises OSError, with ``NOT_REGULAR`` for another kind of file."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a device without hardware
            raise OSError(errno.EINVAL, NOT_REGULAR) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, NOT_REGULAR)
        yield descriptor
    finally:
        os.close(descriptor)


def read_regular_file(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Return at most ``max_bytes`` from the file's start. Raises OSError as `regular_file` does."""
    with regular_file(path) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(max_bytes)
