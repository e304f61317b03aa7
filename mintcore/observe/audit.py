"""Write audit events: one JSON line per decision, in Cloud Logging's format.

An event names the caller (if proven), the request, the grant, the verification, and the cause of a failure.
``hashed_token`` is the hash that GitHub's own audit log has, so the two logs can be joined. Attack: anyone can send
unproven requests. Their events go only to the log, with a count instead of the repositories.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mintcore.errors import (
    Incident,
    InvalidToken,
    IssuerUnavailable,
    ProviderMisconfigured,
    ServerError,
    TransientError,
)
from mintcore.policy.caller import Caller, Job, JobCaller, WorkflowCaller

if TYPE_CHECKING:
    from mintcore.observe.audit_file import AuditFile
    from mintcore.observe.log import JsonLog
    from mintcore.policy.decision import Decision, Entitlement
    from mintcore.request import DecisionRecord, InstallationToken, Scope

_OPERATORS = (TransientError, ServerError, ProviderMisconfigured)
"""Failures that the operator must fix: they are ERROR in the log, and the alert counts them."""


class StructuredAudit:
    """The audit log as JSON lines; an :class:`~mintcore.ports.AuditLog`."""

    def __init__(self, log: JsonLog, file: AuditFile | None = None) -> None:
        self._log = log
        self._file = file

    def record(self, record: DecisionRecord) -> None:
        """Write one event."""
        failure, trace = record.failure, record.context.trace
        fields = event(record)
        # Attack: a caller names its branch like a token, so that redaction hides it. So proven claims are not
        # redacted.
        proven = [fields.get("caller"), fields.get("issued")]
        line = self._log.write(_severity(record), _message(record), {"audit": fields}, trace, proven=proven)
        if self._file is not None and record.caller is not None:
            self._keep(line, self._file)
        for incident in (failure, record.early_failure):
            if isinstance(incident, Incident):
                self._log.write("CRITICAL", f"incident: {incident.detail}", None, trace)

    def _keep(self, line: str, file: AuditFile) -> None:
        """Write to the file. The event is already in the log, so a full disk does not stop minting."""
        try:
            file.write(line)
        except OSError as error:
            self._log.write("ERROR", f"cannot write the audit file: {error.strerror or type(error).__name__}")


def event(record: DecisionRecord) -> dict[str, Any]:
    """Return the event as JSON values; docs/audit-event.schema.json defines it, docs/audit.md explains it."""
    context, failure = record.context, record.failure
    decided_at = datetime.fromtimestamp(context.deadline.clock.now(), UTC)
    fields: dict[str, Any] = {
        "time": decided_at.isoformat(timespec="milliseconds"),
        "event": record.kind,
        "outcome": _outcome(record),
        "request_id": context.request_id,
        "step_ms": context.step_ms,
        "upstream_calls": context.upstream_calls,
        "cache_hits": context.cache_hits,
    }
    fields |= _circumstances(record)
    fields |= _asked(record)
    if record.caller is not None:
        fields["caller"] = _caller(record.caller)
    if record.proof is not None:
        fields["verified_by"] = record.proof.value
    if record.decision is not None:
        fields["rules"] = _rules(record.decision)
        if record.decision.would_deny:
            fields["would_deny"] = list(record.decision.would_deny)
    if record.entitlement is not None:
        fields |= _entitled(record.entitlement)
    if record.issued is not None and record.scope is not None:
        fields["issued"] = _issued(record.issued, record.scope)
    if isinstance(failure, IssuerUnavailable) and failure.issuer:
        fields["issuer"] = failure.issuer
    if failure is not None:
        fields |= {"code": failure.code, "status": failure.status, "cause": failure.detail}
    return fields


def _circumstances(record: DecisionRecord) -> dict[str, Any]:
    context = record.context
    fields: dict[str, Any] = {}
    if context.trace:
        fields["trace"] = context.trace
    if context.github_quota:
        fields["github_quota"] = context.github_quota
    if record.withdrawn is not None:
        hashed, revoked = record.withdrawn
        fields |= {"speculative": "revoked" if revoked else "revocation_failed", "hashed_token": hashed}
    return fields


def _asked(record: DecisionRecord) -> dict[str, Any]:
    """Return the request: all of it for a proven caller, only counts for an unproven one."""
    if record.request is None:
        return {}
    if record.caller is None:
        return {"role": record.request.role, "repos_count": len(record.request.repos)}
    asked = record.request.fields()
    if "permissions" in asked:
        # The event's own `permissions` are those that policy allowed.
        asked["asked_permissions"] = asked.pop("permissions")
    return asked


def _outcome(record: DecisionRecord) -> str:
    if record.failure is None:
        return "granted"
    return "failed" if isinstance(record.failure, _OPERATORS) else "denied"


def _severity(record: DecisionRecord) -> str:
    failure = record.failure
    if failure is None:
        return "INFO"
    if isinstance(failure, _OPERATORS) or (record.withdrawn is not None and not record.withdrawn[1]):
        return "ERROR"
    return "NOTICE" if isinstance(failure, InvalidToken) else "WARNING"


def _message(record: DecisionRecord) -> str:
    who = _named(record.caller) if record.caller else "an unproven caller"
    what = f"{record.kind} {record.request.role}" if record.request else record.kind
    if record.failure is None:
        return f"{what}: granted to {who}"
    return f"{what}: {_outcome(record)} to {who}: {record.failure.code}: {record.failure.detail}"


def _named(caller: Caller | Job) -> str:
    if isinstance(caller, Job):
        return f"{caller.issuer} {caller.project}"
    name = str(caller.repository)
    return f"{caller.job.issuer} {caller.job.project} for {name}" if isinstance(caller, JobCaller) else name


def _caller(caller: Caller | Job) -> dict[str, str | int]:
    if isinstance(caller, WorkflowCaller):
        return _workflow(caller)
    if isinstance(caller, JobCaller):
        acts_as: dict[str, str | int] = {"repository": str(caller.repository), "owner": str(caller.org)}
        return {**acts_as, "entry": caller.entry.index, **_job(caller.job)}
    return _job(caller) if isinstance(caller, Job) else {"repository": str(caller.repository)}


def _job(job: Job) -> dict[str, str | int]:
    return {
        "issuer": job.issuer,
        "kind": job.kind,
        "project": job.project,
        "project_id": job.project_id,
        "ref": job.ref,
        "ref_protected": job.ref_protected,
        "pipeline": job.pipeline,
        "run_id": job.run_id,
        "actor": job.actor,
    }


def _workflow(caller: WorkflowCaller) -> dict[str, str | int]:
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


def _entitled(entitled: Entitlement) -> dict[str, Any]:
    org = str(entitled.target.org)
    return {
        "app_id": entitled.app.app_id,
        "org": org,
        "level": entitled.level,
        "scope": [f"{org}/{name}" for name in entitled.repos],
        "permissions": dict(entitled.permissions),
    }


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
    """List what GitHub did not grant although it was requested.

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
