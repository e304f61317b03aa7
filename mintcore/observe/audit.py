"""Audit events and the operator's log: JSON lines as Cloud Logging reads them.

One event per decision says who (the caller, if proven), what (asked and granted), how (App, installation,
verification, upstream calls, milliseconds) and why not. ``hashed_token`` is the token's hash as GitHub's own
audit log has it, so that the two logs can be joined; the token itself never comes here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mintcore.errors import Incident, InvalidToken, Later, OurFault

if TYPE_CHECKING:
    from mintcore.observe.audit_file import AuditFile
    from mintcore.observe.log import JsonLog
    from mintcore.policy.claims import Caller
    from mintcore.policy.trust import Decision
    from mintcore.request import Decided, InstallationToken, Scope


class StructuredAudit:
    """The audit log as JSON lines; an :class:`~mintcore.ports.AuditLog`."""

    def __init__(self, log: JsonLog, file: AuditFile | None = None) -> None:
        self._log = log
        self._file = file

    def record(self, decided: Decided) -> None:
        """Write one event."""
        failure, trace = decided.failure, decided.attempt.trace
        line = self._log.write(_severity(decided), _message(decided), {"audit": event(decided)}, trace)
        if self._file is not None:
            self._keep(line, self._file)
        if isinstance(failure, Incident):
            self._log.write("CRITICAL", f"incident: {failure.detail}", None, trace)

    def _keep(self, line: str, file: AuditFile) -> None:
        """Write to the file too. The event is in the log already, so a full disk does not stop the minting."""
        try:
            file.write(line)
        except OSError as error:
            self._log.write("ERROR", f"the audit file cannot be written: {error.strerror or type(error).__name__}")


def event(decided: Decided) -> dict[str, Any]:
    """Return the event as JSON values; docs/audit-event.schema.json is its shape, docs/audit.md its meaning."""
    attempt, failure = decided.attempt, decided.failure
    decided_at = datetime.fromtimestamp(attempt.deadline.clock.now(), UTC)
    fields: dict[str, Any] = {
        "time": decided_at.isoformat(timespec="milliseconds"),
        "event": decided.kind,
        "outcome": _outcome(decided),
        "request_id": attempt.request_id,
        "step_ms": attempt.step_ms,
        "upstream_calls": attempt.upstream_calls,
        "cache_hits": attempt.cache_hits,
    }
    if attempt.trace:
        fields["trace"] = attempt.trace
    if decided.request is not None:
        fields["role"] = decided.request.role
        fields["repos"] = list(decided.request.repos)
    if decided.caller is not None:
        fields["caller"] = _caller(decided.caller)
    if decided.proof is not None:
        fields["verified_by"] = decided.proof.value
    if decided.decision is not None:
        fields["rules"] = _rules(decided.decision)
    if decided.app is not None:
        fields["app_id"] = decided.app.app_id
    if decided.scope is not None:
        fields["permissions"] = dict(decided.scope.permissions)
    if decided.issued is not None and decided.scope is not None:
        fields["issued"] = _issued(decided.issued, decided.scope)
    if failure is not None:
        fields |= {"code": failure.code, "status": failure.status, "cause": failure.detail}
    return fields


def _outcome(decided: Decided) -> str:
    if decided.failure is None:
        return "granted"
    return "failed" if isinstance(decided.failure, Later | OurFault) else "denied"


def _severity(decided: Decided) -> str:
    failure = decided.failure
    if failure is None:
        return "INFO"
    if isinstance(failure, Later | OurFault):
        return "ERROR"
    return "NOTICE" if isinstance(failure, InvalidToken) else "WARNING"


def _message(decided: Decided) -> str:
    who = str(decided.caller.repository) if decided.caller else "an unproven caller"
    what = f"{decided.kind} {decided.request.role}" if decided.request else decided.kind
    if decided.failure is None:
        return f"{what}: granted to {who}"
    return f"{what}: {_outcome(decided)} to {who}: {decided.failure.code}: {decided.failure.detail}"


def _caller(caller: Caller) -> dict[str, str]:
    run = caller.run
    return {
        "repository": str(caller.repository),
        "repository_id": run.repository_id,
        "owner": str(caller.org),
        "owner_id": run.owner_id,
        "workflow_ref": caller.workflow_text,
        "workflow_sha": run.workflow_sha,
        "top_workflow_ref": run.top_workflow_ref,
        "run_id": run.run_id,
        "run_attempt": run.run_attempt,
        "event": run.event,
        "ref": run.ref,
        "sha": run.sha,
        "actor": run.actor,
        "actor_id": run.actor_id,
    }


def _rules(decision: Decision) -> list[dict[str, Any]]:
    return [{"rule": rule.name, "passed": rule.passed, "found": rule.found} for rule in decision.rules]


def _issued(issued: InstallationToken, scope: Scope) -> dict[str, Any]:
    return {
        "hashed_token": issued.token.hashed(),
        "expires_at": issued.expires_at,
        "installation_id": issued.installation_id,
        "repositories": list(issued.repositories),
        "permissions": dict(issued.permissions),
        "repository_selection": issued.repository_selection,
        "warnings": _warnings(issued, scope),
    }


def _warnings(issued: InstallationToken, scope: Scope) -> list[str]:
    """Say where GitHub granted less than was asked; more is an incident, and no token.

    ``metadata:read`` comes with every token, whether GitHub lists it or not.
    """
    warnings = [
        f"permission {name}: asked {level}, granted {issued.permissions.get(name, 'none')}"
        for name, level in sorted(scope.permissions.items())
        if name != "metadata" and issued.permissions.get(name) != level
    ]
    wanted = {name.lower() for name in scope.repos}
    got = {full_name.partition("/")[2].lower() for full_name in issued.repositories}
    return warnings + [f"repository {name}: asked, not granted" for name in sorted(wanted - got)]
