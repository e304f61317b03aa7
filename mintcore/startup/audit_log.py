"""Open the file of AUDIT_LOG at the start, before the mint serves."""

from __future__ import annotations

from mintcore.observe.audit_file import AuditFile
from mintcore.settings.environment import ConfigurationError


def open_audit_file(path: str) -> AuditFile | None:
    """Return the audit log's file, ``None`` without a path. Raises ConfigurationError."""
    if not path:
        return None
    try:
        return AuditFile(path)
    except OSError as error:
        problem = (
            f"AUDIT_LOG names {path}, which cannot be written ({error.strerror}); name a regular file in a "
            "directory this user may write to, for example AUDIT_LOG=file:/var/log/fullsend-mint/audit.jsonl"
        )
        raise ConfigurationError([problem]) from None
