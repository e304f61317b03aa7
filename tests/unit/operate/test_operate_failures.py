from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.gcp.google_errors import Refusal, explain, read, role_for
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
    assert refusal.passing


def test_a_disabled_api_says_how_to_enable_it() -> None:
    info = {
        "@type": "x/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "metadata": {"service": "run.googleapis.com"},
    }
    error = explain(read(403, body("PERMISSION_DENIED", "x", info)), what="do it", project="p", permission_hint="")
    assert isinstance(error, ApiDisabled)
    assert "gcloud services enable run.googleapis.com --project p" in error.remedy


def test_a_service_account_that_is_not_known_yet_is_worth_another_call() -> None:
    assert Refusal(400, "INVALID_ARGUMENT", "Service account a@b does not exist.").passing
    assert not Refusal(400, "INVALID_ARGUMENT", "The project does not exist.").passing


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
