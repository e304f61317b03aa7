from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.gcp.error_details import details_of, shown
from fullsend.operate.gcp.google_errors import Refusal, explain, failed, read
from fullsend.operate.gcp.google_remedies import role_for
from fullsend.operate.operate_errors import (
    AlreadyExists,
    ApiDisabled,
    Conflict,
    GoogleFailed,
    LoginExpired,
    MissingPermission,
    NotThere,
    OperateError,
    QuotaExceeded,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def body(status: str, message: str, *details: Mapping[str, object]) -> bytes:
    return json.dumps({"error": {"status": status, "message": message, "details": list(details)}}).encode()


@pytest.mark.parametrize(
    ("http", "status", "message", "kind"),
    [
        (401, "UNAUTHENTICATED", "x", LoginExpired),
        (403, "PERMISSION_DENIED", "x", MissingPermission),
        (404, "NOT_FOUND", "x", NotThere),
        (409, "ALREADY_EXISTS", "x", AlreadyExists),
        (409, "ABORTED", "x", Conflict),
        (400, "FAILED_PRECONDITION", "The etag does not match", Conflict),
        (400, "INVALID_ARGUMENT", "x", GoogleFailed),
        (429, "RESOURCE_EXHAUSTED", "x", QuotaExceeded),
        (503, "UNAVAILABLE", "x", GoogleFailed),
    ],
)
def test_each_refusal_is_named_for_what_the_operator_has_to_do(
    http: int, status: str, message: str, kind: type[OperateError]
) -> None:
    error = explain(read(http, body(status, message)), what="do it", project="p", permission_hint="")
    assert type(error) is kind


def test_quota_says_how_long_to_wait() -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
    refusal = read(429, body("RESOURCE_EXHAUSTED", "too many", retry))
    error = explain(refusal, what="do it", project="p", permission_hint="")
    assert "Wait 37 seconds" in error.remedy
    assert refusal.is_transient


def test_a_disabled_api_says_how_to_enable_it() -> None:
    info = {
        "@type": "x/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "metadata": {"service": "run.googleapis.com"},
    }
    error = explain(read(403, body("PERMISSION_DENIED", "x", info)), what="do it", project="p", permission_hint="")
    assert isinstance(error, ApiDisabled)
    assert "gcloud services enable run.googleapis.com --project=p" in error.remedy


def test_a_service_account_that_is_not_known_yet_is_worth_another_call() -> None:
    assert Refusal(400, "INVALID_ARGUMENT", "Service account a@b does not exist.").is_transient
    assert not Refusal(400, "INVALID_ARGUMENT", "The project does not exist.").is_transient


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("iam.serviceAccounts.actAs", "roles/iam.serviceAccountUser"),
        ("iam.serviceAccounts.create", "roles/iam.serviceAccountAdmin"),
        ("secretmanager.versions.access", "roles/secretmanager.secretAccessor"),
        ("cloudfunctions.functions.create", "roles/cloudfunctions.developer"),
        ("resourcemanager.projects.setIamPolicy", "roles/resourcemanager.projectIamAdmin"),
    ],
)
def test_a_permission_is_answered_with_the_narrowest_role(permission: str, role: str) -> None:
    assert role_for(permission) == role


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("iam.projects.serviceAccounts.get", "roles/iam.serviceAccountAdmin"),
        ("iam.projects.locations.workloadIdentityPools.providers.patch", "roles/iam.workloadIdentityPoolAdmin"),
        ("run.projects.locations.services.patch", "roles/run.admin"),
    ],
)
def test_a_refusal_that_names_no_permission_still_names_a_role(method: str, role: str) -> None:
    refusal = read(403, body("PERMISSION_DENIED", "The caller does not have permission"))
    error = explain(refusal, what="do it", project="p", permission_hint=method)
    assert f"--role={role}" in error.remedy


RPC = "type.googleapis.com/google.rpc."


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        (
            {
                "@type": f"{RPC}PreconditionFailure",
                "violations": [{"type": "constraints/x", "subject": "orgpolicy:projects/p", "description": "no"}],
            },
            "constraints/x: orgpolicy:projects/p: no",
        ),
        (
            {"@type": f"{RPC}BadRequest", "fieldViolations": [{"field": "a.b", "description": "too long"}]},
            "a.b: too long",
        ),
        (
            {"@type": f"{RPC}ErrorInfo", "reason": "R", "domain": "d", "metadata": {"k": "v"}},
            "R: d (k=v)",
        ),
        (
            {"@type": f"{RPC}Help", "links": [{"description": "More", "url": "https://x.example"}]},
            "More: https://x.example",
        ),
        (
            {"@type": f"{RPC}QuotaFailure", "violations": [{"subject": "project:1", "description": "10 a minute"}]},
            "project:1: 10 a minute",
        ),
        (
            {"@type": f"{RPC}ResourceInfo", "resourceType": "t", "resourceName": "n", "owner": "o"},
            "t: n: o",
        ),
        ({"@type": f"{RPC}LocalizedMessage", "locale": "de", "message": "Geht nicht"}, "Geht nicht"),
        ({"@type": f"{RPC}RequestInfo", "requestId": "r-1"}, "Google's request id: r-1"),
        ({"@type": f"{RPC}DebugInfo", "detail": "trace", "stackEntries": ["a", "b"]}, "a | b"),
        ({"@type": f"{RPC}RetryInfo", "retryDelay": "3s"}, "retry after 3s"),
        ({"@type": "x/google.cloud.Unknown", "limit": 7}, 'Unknown: {"limit": 7}'),
    ],
)
def test_every_kind_of_detail_reaches_the_operator(detail: dict[str, object], line: str) -> None:
    refusal = read(400, body("FAILED_PRECONDITION", "Precondition check failed.", detail))
    said = explain(refusal, what="do it", project="p", permission_hint="").message
    assert said.startswith("Google refused to do it: Precondition check failed.")
    assert f"\n  {line}" in said
    ended = failed({"message": "Failed.", "details": [detail]}, what="do it", project="p")
    assert f"\n  {line}" in ended.message


def test_a_precondition_without_a_reason_says_that_another_change_may_be_in_progress() -> None:
    bare = explain(
        read(400, body("FAILED_PRECONDITION", "Precondition check failed.")),
        what="create the pool",
        project="p",
        permission_hint="",
    )
    assert bare.remedy.startswith("Another command may be changing it at the same time.")
    assert "run the command again" in bare.remedy
    named = explain(
        read(400, body("FAILED_PRECONDITION", "Secret Version is in DISABLED state.")),
        what="read the key",
        project="p",
        permission_hint="",
    )
    assert named.remedy == ""


def test_a_detail_cannot_write_to_the_terminal() -> None:
    detail = {"@type": f"{RPC}LocalizedMessage", "message": "a\x1b[2Jb\r\nc" + "x" * 5000}
    (line,) = shown([detail])
    assert line.isprintable()
    assert len(line) == 600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["violations", "fieldViolations", "links", "metadata", "reason", "stackEntries", "message", "retryDelay"]
)
KINDS = st.sampled_from(
    ["PreconditionFailure", "QuotaFailure", "BadRequest", "ErrorInfo", "Help", "ResourceInfo", "DebugInfo", "X", ""]
)


@given(st.lists(st.tuples(KINDS, st.dictionaries(NAMES, JSON, max_size=3)), max_size=4), JSON)
def test_odd_details_never_raise(details: list[tuple[str, dict[str, object]]], other: object) -> None:
    listed = [{"@type": f"{RPC}{kind}", **fields} for kind, fields in details]
    refusal = read(400, json.dumps({"error": {"status": "X", "message": other, "details": listed}}).encode())
    assert (
        explain(refusal, what="do it", project="p", permission_hint="").message.isprintable()
        or "\n" in refusal.full_text
    )
    assert refusal.wait_seconds >= 0
    assert isinstance(refusal.disabled_api, str)
    assert details_of(other) == () or isinstance(other, dict)


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (
            "Org Policy violated: constraints/iam.workloadIdentityPoolProviders",
            "iam.workloadIdentityPoolProviders https://token.actions.githubusercontent.com --project=p",
        ),
        (
            "iam.workloadIdentityPoolProviders: Org Policy violated for value: 'https://gitlab.example'.",
            "iam.workloadIdentityPoolProviders https://gitlab.example --project=p",
        ),
        (
            "iam.workloadIdentityPoolProviders: Org Policy violated for value: 'https://x;id'.",
            "iam.workloadIdentityPoolProviders 'https://x;id' --project=p",
        ),
        ("constraints/iam.allowedPolicyMemberDomains", "--no-invoker-iam-check"),
        ("One or more users named in the policy do not belong to a permitted customer.", "--no-invoker-iam-check"),
        ("This API method requires billing to be enabled.", "gcloud billing projects link p"),
    ],
)
def test_a_violated_policy_in_a_detail_comes_with_its_usual_fix(said: str, command: str) -> None:
    violation = {"type": "x", "subject": "projects/p", "description": said}
    detail = {"@type": f"{RPC}PreconditionFailure", "violations": [violation]}
    for http, status in ((400, "FAILED_PRECONDITION"), (403, "PERMISSION_DENIED")):
        refusal = read(http, body(status, "Precondition check failed.", detail))
        assert command in explain(refusal, what="do it", project="p", permission_hint="").remedy


def test_a_missing_pool_provider_is_not_taken_for_an_organization_policy() -> None:
    said = (
        "Permission 'iam.workloadIdentityPoolProviders.create' denied on resource '//iam.googleapis.com/projects/p'"
    )
    error = explain(read(403, body("PERMISSION_DENIED", said)), what="do it", project="p", permission_hint="")
    assert "roles/iam.workloadIdentityPoolAdmin" in error.remedy


@pytest.mark.parametrize(
    "principal", ["serviceAccount:deployer@p.iam.gserviceaccount.com", "user:me@example.com", ""]
)
def test_the_grant_names_the_principal_that_was_refused(principal: str) -> None:
    refusal = read(403, body("PERMISSION_DENIED", "The caller does not have permission"))
    error = explain(refusal, what="do it", project="p", permission_hint="run.x.get", principal=principal)
    assert f"--member={principal or 'user:EMAIL'} " in error.remedy
    assert "$(" not in error.remedy
