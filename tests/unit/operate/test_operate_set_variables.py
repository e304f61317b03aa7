"""Which variables a deployment may set, which it refuses, and what it says instead."""

from __future__ import annotations

import re

import pytest

from fullsend.operate.model.cloud_run_service import edited
from fullsend.operate.model.deployable_variables import check_names, known_names
from fullsend.operate.model.edits import Edit
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.deployment import deploy
from fullsend.operate.plan.deployment_spec import DeploymentSpec
from mintcore.policy.names import Org
from tests.conftest import ROOT
from tests.unit.operate.plan_values import BUNDLE, ENVIRONMENT, kinds, running, service


def test_settings_the_mint_would_not_start_with_are_refused_with_its_sentence() -> None:
    with pytest.raises(BadInput, match="REQUEST_DEADLINE_SECONDS is not a whole number"):
        deploy(running(), DeploymentSpec(variables=(("REQUEST_DEADLINE_SECONDS", "soon"),)), BUNDLE)


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [("THREADS", "lots", "THREADS=80"), ("RATE_LIMIT", "60/fortnight", "RATE_LIMIT=60/minute")],
)
def test_a_bad_value_gets_the_form_of_a_good_one(name: str, value: str, form: str) -> None:
    with pytest.raises(BadInput) as refused:
        deploy(running(), DeploymentSpec(variables=((name, value),)), BUNDLE)
    assert f"\n{form}\n" in refused.value.remedy
    assert f"\n  {name} " in refused.value.message


def test_the_variables_of_the_hosted_mint_are_those_of_the_documentation() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \| [●○] ", page, re.MULTILINE))
    assert known_names() == documented


@pytest.mark.parametrize(
    "name",
    [
        "OTEL_SERVICE_NAME",
        "MALLOC_ARENA_MAX",
        "HTTPS_PROXY",
        "RATE_LIMIT",
        "WORKERS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ],
)
def test_a_variable_that_something_in_the_deployment_looks_at_is_taken(name: str) -> None:
    check_names([(name, "1")])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ALLOWED_ORG", "Did you mean ALLOWED_ORGS?"),
        ("WORKER", "Did you mean WORKERS?"),
        ("PEM_DIR", "docs/configuration.md"),
        ("X", "docs/"),
    ],
)
def test_a_variable_that_nothing_looks_at_is_refused_and_can_be_unset(name: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_names([(name, "1")])
    assert hint in refused.value.remedy
    check_names([(name, "")])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("ALLOWED_ORGS", "mint unenroll ORG"),
        ("ROLE_APP_IDS", "mint remove-role"),
        ("PER_REPO_WIF_REPOS", "mint enroll ORG/REPO"),
        ("WIF_POOL_NAME", "automatically"),
        ("FULLSEND_SOURCE_SHA256", "automatically"),
        ("FULLSEND_REPO_ONLY_ORGS", "automatically"),
        ("FULLSEND_KEY_CODER", "automatically"),
    ],
)
@pytest.mark.parametrize("value", ["x", ""])
def test_a_variable_with_a_command_of_its_own_is_refused_and_the_command_named(
    name: str, instead: str, value: str
) -> None:
    with pytest.raises(BadInput, match=f"--env cannot set {name}") as refused:
        check_names([(name, value)])
    assert instead in refused.value.remedy


def test_a_custom_role_keeps_its_permissions_when_another_gets_some() -> None:
    state = running(ENVIRONMENT | {"CUSTOM_ROLE_PERMISSIONS": '{"scanner": {"contents": "read"}}'})
    both = '{"scanner": {"contents": "read"}, "other": {"issues": "read"}}'
    assert "EditEnvironment" in kinds(
        deploy(state, DeploymentSpec(variables=(("CUSTOM_ROLE_PERMISSIONS", both),)), BUNDLE)
    )
    for given in ("", '{"other": {"issues": "read"}}'):
        with pytest.raises(BadInput, match="leaves out scanner") as refused:
            deploy(state, DeploymentSpec(variables=(("CUSTOM_ROLE_PERMISSIONS", given),)), BUNDLE)
        assert "fullsend mint remove-role scanner" in refused.value.remedy


def test_an_edit_carries_the_etag_of_its_read_and_names_no_revision() -> None:
    body = edited(service(), None, Edit(add_orgs=(Org("new"),)))
    assert body is not None
    assert body["etag"] == "e1"
    assert "revision" not in body["template"]
    assert edited(service(), None, Edit(add_orgs=(Org("my-org"),))) is None


def test_an_edit_after_a_rollback_starts_from_the_revision_that_serves() -> None:
    pinned = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "r1", "percent": 100}]
    held = service(traffic=pinned, trafficStatuses=pinned)
    body = edited(held, {"containers": [{"image": "old", "env": []}]}, Edit(add_orgs=(Org("new"),)))
    assert body is not None
    assert body["template"]["containers"] == [{"image": "old", "env": [{"name": "ALLOWED_ORGS", "value": "new"}]}]


def test_variables_from_secrets_survive_an_edit() -> None:
    reference = {"name": "REDIS", "valueSource": {"secretKeyRef": {"secret": "s"}}}
    held = service(template={"containers": [{"env": [reference]}]})
    body = edited(held, None, Edit(add_orgs=(Org("new"),)))
    assert body is not None
    assert reference in body["template"]["containers"][0]["env"]
