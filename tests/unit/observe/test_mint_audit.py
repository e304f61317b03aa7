"""What an audit event says of a request, and what it leaves out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import (
    AppNotInstalled,
    GitHubUnavailable,
    Incident,
    InternalError,
    InvalidToken,
    MintError,
    OrgNotAllowed,
    ProviderMisconfigured,
)
from mintcore.observe.audit import StructuredAudit, event
from mintcore.observe.audit_file import AuditFile
from mintcore.observe.log import JsonLog
from mintcore.request import DecisionRecord
from mintcore.secret import Secret
from tests.audited_mint import schema_errors
from tests.mint_doubles import caller

if TYPE_CHECKING:
    from pathlib import Path

from tests.unit.observe.audit_records import JWT, TOKEN, failed, granted, lines


def test_a_grant_says_who_what_how_and_for_how_long() -> None:
    found = event(granted())
    assert (found["event"], found["outcome"], found["request_id"]) == ("mint", "granted", "request-1")
    assert (found["role"], found["repos"], found["app_id"], found["verified_by"]) == (
        "triage",
        ["app", "Docs"],
        "1",
        "jwks+sts",
    )
    assert found["caller"]["repository"] == "octo-org/app"
    assert (found["caller"]["run_id"], found["caller"]["actor"], found["caller"]["repository_id"]) == (
        "11",
        "octocat",
        "22",
    )
    assert [rule["rule"] for rule in found["rules"]] == [
        "org", "workflow_repo", "workflow_file", "role", "level", "permissions", "claims", "ids", "workflow_refs",
        "repo_scope",
    ]  # fmt: skip
    assert (found["org"], found["scope"], found["level"]) == (
        "octo-org",
        ["octo-org/app", "octo-org/Docs"],
        "write",
    )
    assert (found["upstream_calls"], found["cache_hits"], found["step_ms"]) == (
        {"sts": 1},
        {"jwks": True},
        {"issue": 1.5},
    )
    assert (found["issued"]["installation_id"], found["issued"]["warnings"]) == (7, [])


def test_a_grant_can_be_joined_with_githubs_own_audit_log() -> None:
    expected = base64.b64encode(hashlib.sha256(TOKEN.encode()).digest()).decode()
    assert event(granted())["issued"]["hashed_token"] == expected


def test_the_token_itself_is_in_no_line() -> None:
    assert "canary" not in json.dumps(lines(granted()))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"permissions": {"contents": "read", "issues": "read", "metadata": "read"}},
         ["permission issues: asked write, granted read"]),
        ({"permissions": {"contents": "read", "metadata": "read"}},
         ["permission issues: asked write, granted none"]),
        ({"permissions": {"contents": "read", "issues": "write"}}, []),
        ({"repositories": ("octo-org/app",)}, ["repository docs: asked, not granted"]),
        ({"repositories": ()}, ["repository app: asked, not granted", "repository docs: asked, not granted"]),
        ({"repositories": ("OCTO-ORG/APP", "octo-org/docs")}, []),
    ],
)  # fmt: skip
def test_less_than_was_asked_is_a_warning(changes: dict[str, Any], expected: list[str]) -> None:
    assert event(granted(**changes))["issued"]["warnings"] == expected


@pytest.mark.parametrize(
    ("failure", "outcome", "severity"),
    [
        (OrgNotAllowed(), "denied", "WARNING"),
        (AppNotInstalled(), "denied", "WARNING"),
        (InvalidToken(detail="expired"), "denied", "NOTICE"),
        (GitHubUnavailable(), "failed", "ERROR"),
        (InternalError(), "failed", "ERROR"),
        (ProviderMisconfigured(detail="STS refused it: invalid_target", request_id="r"), "failed", "ERROR"),
    ],
)
def test_a_failure_has_its_code_and_cause(failure: MintError, outcome: str, severity: str) -> None:
    (line,) = lines(failed(failure))
    found = line["audit"]
    assert (found["outcome"], found["code"], found["status"], found["cause"]) == (
        outcome, failure.code, failure.status, failure.detail,
    )  # fmt: skip
    assert line["severity"] == severity
    assert "issued" not in found


def test_an_incident_is_a_line_of_its_own_that_wakes_somebody() -> None:
    entries = lines(failed(Incident(detail="wrong account")))
    assert [entry["severity"] for entry in entries] == ["ERROR", "CRITICAL"]


LOOKS_LIKE_A_TOKEN = "ghs_" + "a" * 36


def test_a_caller_cannot_blank_itself_out_with_names_that_look_like_tokens() -> None:
    record = failed(OrgNotAllowed(detail=f"not enrolled, and a token {TOKEN}"))
    name = f"octo-org/{LOOKS_LIKE_A_TOKEN}"
    record.caller = caller(repository=name, actor=JWT, ref=f"refs/heads/{LOOKS_LIKE_A_TOKEN}")
    (line,) = lines(record)
    told = line["audit"]["caller"]
    assert (told["repository"], told["actor"]) == (name, JWT)
    assert told["ref"] == f"refs/heads/{LOOKS_LIKE_A_TOKEN}"
    assert f"denied to {name}:" in line["message"]
    assert "canary" not in json.dumps(line)


def test_an_unproven_request_counts_its_repositories_and_names_none() -> None:
    record = granted()
    record.caller, record.issued, record.failure = None, None, InvalidToken(detail="expired")
    record.decision, record.entitlement, record.scope = None, None, None
    (line,) = lines(record)
    assert (line["audit"]["repos_count"], "repos" in line["audit"]) == (2, False)
    assert "Docs" not in json.dumps(line)


def test_an_unproven_request_is_not_written_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = StructuredAudit(JsonLog(io.StringIO()), AuditFile(str(path)))
    unproven = granted()
    unproven.caller, unproven.issued, unproven.failure = None, None, InvalidToken(detail="expired")
    audit.record(unproven)
    audit.record(failed(OrgNotAllowed()))
    audit.record(granted())
    assert [json.loads(line)["audit"]["outcome"] for line in path.read_text().splitlines()] == ["denied", "granted"]


def test_who_was_not_proven_is_not_named() -> None:
    record = DecisionRecord("mint", granted().context, failure=InvalidToken(detail="x"))
    (line,) = lines(record)
    assert "caller" not in line["audit"]
    assert "an unproven caller" in line["message"]


@pytest.mark.parametrize(("project", "trace"), [("", "f" * 32), ("p", f"projects/p/traces/{'f' * 32}")])
def test_a_line_is_joined_to_its_trace(project: str, trace: str) -> None:
    assert lines(granted(), project)[0]["logging.googleapis.com/trace"] == trace


@pytest.mark.parametrize(
    ("revoked", "said", "severity"), [(True, "revoked", "NOTICE"), (False, "revocation_failed", "ERROR")]
)
def test_a_token_requested_without_effect_is_named_by_its_hash(revoked: bool, said: str, severity: str) -> None:
    record = granted()
    record.withdrawn, record.issued, record.proof = (Secret(TOKEN).hashed(), revoked), None, None
    record.failure = InvalidToken(detail="STS refused it")
    (line,) = lines(record)
    assert (line["severity"], line["audit"]["speculative"]) == (severity, said)
    assert line["audit"]["hashed_token"] == Secret(TOKEN).hashed()
    assert not schema_errors([line["audit"]])


def test_an_incident_is_logged_also_if_sts_refused_the_caller() -> None:
    record = granted()
    record.issued, record.proof, record.failure = None, None, InvalidToken(detail="STS refused it")
    record.early_failure = Incident(detail="GitHub granted more than was requested")
    line, incident = lines(record)
    assert line["audit"]["code"] == "invalid_token"
    assert (incident["severity"], incident["message"]) == (
        "CRITICAL",
        "incident: GitHub granted more than was requested",
    )


def test_githubs_rate_limit_is_in_the_event() -> None:
    record = granted()
    record.context.github_quota = {"limit": 5000, "remaining": 4870, "used": 130, "reset": 4102444800}
    (line,) = lines(record)
    assert line["audit"]["github_quota"] == record.context.github_quota
    assert not schema_errors([line["audit"]])
