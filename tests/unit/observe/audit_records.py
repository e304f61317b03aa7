"""Records of requests, and the lines that the audit log writes of them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from mintcore.observe.audit import StructuredAudit
from mintcore.observe.log import JsonLog
from mintcore.policy.claims import Proof
from mintcore.policy.names import RepoName, Role
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from mintcore.request import Deadline, DecisionRecord, InstallationToken, RequestContext, Scope
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, caller, policy

if TYPE_CHECKING:
    from mintcore.errors import MintError


TRIAGE = Role("triage")
TOKEN = "ghs_" + "canary0" * 6
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl"
ASKED = ("app", "Docs")


def granted(**changes: Any) -> DecisionRecord:
    context = RequestContext(
        Deadline(FakeClock(), 25), "request-1", "f" * 32, {"sts": 1}, {"jwks": True}, {"issue": 1.5}
    )
    given = policy()
    request = TokenRequest(TRIAGE, tuple(RepoName(name) for name in ASKED))
    decision = decide(given, caller(), request)
    grant = decision.granted()
    issued: dict[str, Any] = {
        "token": Secret(TOKEN), "expires_at": "2030-01-01T00:00:00Z",
        "repositories": ("octo-org/app", "octo-org/docs"), "permissions": dict(grant.permissions),
        "repository_selection": "selected", "installation_id": 7,
    }  # fmt: skip
    return DecisionRecord(
        "mint",
        context,
        request,
        caller(run_id="11", actor="octocat", repository_id="22"),
        Proof.SIGNATURE_AND_STS,
        decision,
        grant,
        Scope(grant.permissions, tuple(RepoName(name) for name in ASKED)),
        InstallationToken(**(issued | changes)),
    )


def lines(record: DecisionRecord, project_id: str = "") -> list[dict[str, Any]]:
    stream = io.StringIO()
    StructuredAudit(JsonLog(stream, project_id=project_id)).record(record)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failed(failure: MintError) -> DecisionRecord:
    record = granted()
    record.issued, record.failure = None, failure
    return record
