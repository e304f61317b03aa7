"""Open or check the file of AUDIT_LOG before the mint serves."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mintcore.observe.audit_file import AuditFile
from mintcore.settings.environment import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_audit_file(path: str) -> AuditFile | None:
    """Return the audit log's file, ``None`` without a path. Raises ConfigurationError."""
    with _explained(path):
        return AuditFile(path) if path else None


def check_audit_file(path: str) -> str:
    """Return the warning about the file, usually empty, and create nothing. Raises ConfigurationError."""
    with _explained(path):
        return AuditFile.check(path) if path else ""


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = (
            f"AUDIT_LOG names {path}, which cannot be written ({error.strerror}); name a regular file in a "
            "directory this user may write to, for example AUDIT_LOG=file:/var/log/fullsend-mint/audit.jsonl"
        )
        raise ConfigurationError([problem]) from None
