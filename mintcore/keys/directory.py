"""Read App keys from the files ``{role}.pem`` in a directory, again whenever a file changes.

Each token request checks the file's status, which costs microseconds, and reads the file only if the status has
changed. This detects overwritten files, files that were moved into the directory, and the swapped links of a
mounted Kubernetes secret. The operator decides who may read the directory; a file that every user may read causes a
warning.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from typing import TYPE_CHECKING, NamedTuple

from mintcore.errors import InvalidRoleKey, KeyUnavailable, MintError, RoleKeyMissing
from mintcore.keys.regular_file import NOT_REGULAR, regular_file
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.policy.names import parse_role

if TYPE_CHECKING:
    from mintcore.observe.log import JsonLog
    from mintcore.policy.names import Role
    from mintcore.ports import Signer
    from mintcore.request import RequestContext

# RSA keys of 16,384 bits take 13 KB. Anything larger than this is not a key.
MAX_FILE = 64 * 1024
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_NOT_OURS = frozenset({errno.EACCES, errno.EPERM})


class FileVersion(NamedTuple):
    """The status fields that change with a file; times in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


class DirectoryKeys:
    """Signers for the keys in one directory."""

    def __init__(self, directory: str, log: JsonLog) -> None:
        self._directory = directory
        self._log = log
        self._signers: dict[Role, tuple[FileVersion, RsaSigner]] = {}
        self._lock = threading.Lock()

    def path(self, role: Role) -> str:
        """Return the role's file, always a direct child of the directory. Raises RoleKeyMissing."""
        # Attack: without this check, a mistake elsewhere would let the caller choose the file.
        try:
            parse_role(role)
        except ValueError:
            raise RoleKeyMissing(detail="an invalid role name has no key file") from None
        return os.path.join(self._directory, f"{role}.pem")  # noqa: PTH118 - on the path of every mint

    def key_version(self, role: Role) -> FileVersion:
        """Return the version of the role's file. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""
        path = self.path(role)
        try:
            return _key_version(os.stat(path))  # noqa: PTH116 - as above
        except OSError as error:
            raise _failure(error, path) from None

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return the role's signer. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""
        key_version = self.key_version(role)
        with self._lock:
            held = self._signers.get(role)
            hit = held is not None and held[0] == key_version
            context.cache_hits.setdefault("signer", hit)
            if held is None or not hit:
                held = self._signers[role] = self._read(role)
            return held[1]

    def forget(self, role: Role) -> None:
        """Read the role's file again next time."""
        with self._lock:
            self._signers.pop(role, None)

    def _read(self, role: Role) -> tuple[FileVersion, RsaSigner]:
        """Return the signer with the version of the file that was read, even if it is replaced meanwhile."""
        path = self.path(role)
        try:
            with regular_file(path) as descriptor:
                status = os.fstat(descriptor)
                pem = os.read(descriptor, MAX_FILE + 1)
        except OSError as error:
            raise _failure(error, path) from None
        if len(pem) > MAX_FILE:
            raise InvalidRoleKey(detail=f"{path} is larger than any key")
        signer = parse_signer(pem, role)
        if status.st_mode & stat.S_IRWXO:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            self._log.write(
                "WARNING", f"every user of this machine can access {path} (mode {mode}). Fix: chmod 600 {path}"
            )
        return _key_version(status), signer


def _key_version(status: os.stat_result) -> FileVersion:
    return FileVersion(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _missing(error: OSError, path: str) -> str:
    try:
        target = os.readlink(path)  # noqa: PTH115 - a string
    except OSError:
        return "does not exist"
    where = "leads back to itself" if error.errno == errno.ELOOP else "does not exist"
    return f"is a symbolic link to {target!a}, which {where}"


def _failure(error: OSError, path: str) -> MintError:
    if error.errno in _MISSING:
        return RoleKeyMissing(detail=f"{path} {_missing(error, path)}")
    if error.errno in _NOT_OURS:
        return InvalidRoleKey(detail=f"{path} cannot be read by the user the mint runs as")
    if error.strerror == NOT_REGULAR:
        return InvalidRoleKey(detail=f"{path} is not a regular file")
    return KeyUnavailable(detail=f"{path}: {errno.errorcode.get(error.errno or 0, type(error).__name__)}")
