"""Many operators work in parallel, and no enrollment is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.gcp.functions import Functions
from fullsend.operate.model import conditions
from fullsend.operate.model.cloud_run_service import edited
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.environment import orgs
from fullsend.operate.operate_errors import Conflict
from fullsend.operate.plan.apply import apply
from fullsend.operate.plan.bundle import build
from fullsend.operate.plan.deployment import deploy
from fullsend.operate.plan.deployment_spec import DeploymentSpec
from fullsend.operate.plan.enrollment import enroll_org
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend_sandbox import names
from mintcore.policy.names import Org, Role, parse_repo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from werkzeug.wrappers import Response

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.edits import Change
    from fullsend_sandbox.faults import Answer
    from fullsend_sandbox.loopback import LoopbackService
    from tests.integration.operate.conftest import Operator

TWENTY = 20


class ConcurrentOperator(Functions):
    """Cloud Functions, with other operators' writes between our last read and our write."""

    def __init__(self, cloud: Cloud, *edits: Change) -> None:
        super().__init__(cloud.session)
        self._cloud = cloud
        self._edits = edits

    def update(self, name: str, body: Mapping[str, Any], mask: str) -> None:
        for edit in self._edits:
            EditEnvironment(edit).apply(self._cloud)
        super().update(name, body, mask)


class Together:
    """A fault that holds each request until as many have come as `parties`: all have read before one writes."""

    def __init__(self, parties: int) -> None:
        self._barrier = Barrier(parties)

    def apply(self, answer: Answer, _stopping: Event) -> Response:
        self._barrier.wait(60)
        return answer()


def refused(api: LoopbackService) -> int:
    return sum(exchange.status == 409 for exchange in api.traffic)


def all_at_once(operator: Operator, commands: list[tuple[str, ...]]) -> None:
    """Run each command as a separate process, and wait until all have succeeded."""
    program = Path(sys.executable).parent / "fullsend"
    running = [
        subprocess.Popen(
            [program, *words],
            env=operator.process_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for words in commands
    ]
    printed = [process.communicate(timeout=100)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(commands), "\n".join(printed)


@pytest.mark.long
def test_twenty_enrollments_from_twenty_processes_all_end_up_in(operator: Operator) -> None:
    operator.deploy()
    run, iam = operator.plane.host("run"), operator.plane.host("iam")
    for api in (run, iam):
        api.faults.add(Together(TWENTY), method="PATCH", times=TWENTY)
    logins = [f"Team-{number:02}" for number in range(TWENTY)]
    for login in logins:
        operator.world.github.create_org(login)

    all_at_once(operator, [("mint", "enroll", login.lower()) for login in logins])

    state = operator.state()
    condition = conditions.parse(state.providers["github-oidc"].spec.condition)
    assert condition is not None
    assert condition.spelled() == {"octo-org", *logins}
    assert set(state.environment["ALLOWED_ORGS"].split(",")) == {"octo-org", *logins}
    assert state.service is not None
    assert state.service.serving == state.service.latest_ready
    # All twenty wrote what they had read before the first of them wrote: nineteen were sent back to read again.
    assert refused(run) >= TWENTY - 1


@pytest.mark.long
def test_six_provisions_from_six_processes_all_may_use_models(operator: Operator) -> None:
    operator.done("inference", "provision", "octo-org/app", "--as-spelled")
    targets = [f"Team-{number}" for number in range(5)] + ["Team-9/app"]
    operator.plane.host("iam").faults.add(Together(len(targets)), method="PATCH", times=len(targets))

    all_at_once(operator, [("inference", "provision", target, "--as-spelled") for target in targets])

    cloud = operator.cloud()
    with cloud.session:
        provider = cloud.federation.provider(cloud.location.provider("fullsend-inference", "github-oidc"))
        members = cloud.project.members("roles/aiplatform.user")
    assert provider is not None
    condition = conditions.parse(provider.spec.condition)
    assert condition is not None
    assert condition.spelled() == {"octo-org", "Team-9", *targets[:-1]}
    assert len(members) == 1 + len(targets)


def test_an_enrollment_whose_condition_another_operator_overwrote_is_put_back(operator: Operator) -> None:
    operator.deploy()
    cloud = operator.cloud()
    with cloud.session:
        admit, edit, check = enroll_org(operator.state(), Org("mine"))
        admit.apply(cloud)
        name = cloud.location.provider("fullsend-pool", "github-oidc")
        cloud.federation.set_condition(name, "assertion.repository_owner in ['octo-org', 'theirs']")
        edit.apply(cloud)
        check.apply(cloud)
        found = cloud.federation.provider(name)

    assert found is not None
    condition = conditions.parse(found.spec.condition)
    assert condition is not None
    assert condition.spelled() == {"octo-org", "theirs", "mine"}


def test_the_slower_of_two_operators_is_refused_by_the_etag_and_reads_again(operator: Operator) -> None:
    operator.deploy()
    cloud = operator.cloud()
    with cloud.session:
        service = operator.state().service
        assert service is not None
        stale = edited(service, None, Edit(add_orgs=(Org("slow"),)))
        EditEnvironment(Edit(add_orgs=(Org("fast"),))).apply(cloud)
        assert stale is not None
        with pytest.raises(Conflict):
            cloud.run.update(cloud.location.service, stale)
        EditEnvironment(Edit(add_orgs=(Org("slow"),))).apply(cloud)

    assert {org.login for org in orgs(operator.state().environment)} == {"octo-org", "fast", "slow"}


def test_an_edit_starts_from_the_revision_that_serves_after_a_rollback(operator: Operator) -> None:
    operator.deploy()
    first = operator.state().service
    assert first is not None
    cloud = operator.cloud()
    with cloud.session:
        EditEnvironment(Edit(set_variables=(("RATE_LIMIT", "1/minute"),))).apply(cloud)
        raw = cloud.run.service(cloud.location.service) or {}
        pinned = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": first.serving, "percent": 100}
        body = {"etag": raw["etag"], "template": raw["template"], "traffic": [pinned]}
        cloud.run.finish(cloud.run.update(cloud.location.service, body))

    operator.done("mint", "enroll", "other-org")

    serving = operator.state().serving_environment
    assert "RATE_LIMIT" not in serving
    assert serving["ALLOWED_ORGS"] == "octo-org,other-org"


def test_a_revision_that_does_not_start_leaves_the_old_one_serving_and_says_so(operator: Operator) -> None:
    operator.deploy()
    cloud = operator.cloud()
    broken = EditEnvironment(Edit(set_variables=(("ROLE_APP_IDS", ""),)))
    with cloud.session, pytest.raises(Exception, match="the old revision still"):
        broken.apply(cloud)

    operator.done("mint", "enroll", "other-org")

    assert operator.state().serving_environment["ALLOWED_ORGS"] == "octo-org,other-org"


def deploy_beside(operator: Operator, deployment: DeploymentSpec, *edits: Change) -> Mapping[str, str]:
    """Deploy another source while others edit; return the mint's environment afterwards."""
    changed = replace(build(operator.source), sha256="f" * 64)
    steps = deploy(operator.state(), deployment, changed)
    cloud = operator.cloud()
    with cloud.session:
        apply(steps, replace(cloud, functions=ConcurrentOperator(cloud, *edits)))
    variables = operator.state().serving_environment
    assert variables["FULLSEND_SOURCE_SHA256"] == "f" * 64
    return variables


def test_an_enrollment_during_a_build_survives_the_deployment_that_overwrites_it(operator: Operator) -> None:
    operator.deploy()
    variables = deploy_beside(operator, DeploymentSpec(), Edit(add_orgs=(Org("meanwhile"),)))
    assert {org.login for org in orgs(variables)} == {"octo-org", "meanwhile"}


def test_what_others_took_away_during_a_build_stays_away(operator: Operator) -> None:
    operator.deploy("--role", operator.role("coder"), "--workflow-files", "coder.yml")
    for target in (names.OTHER_ORG, "octo-org/app", "third-org/app"):
        operator.done("mint", "enroll", target, "--as-spelled")

    variables = deploy_beside(
        operator,
        DeploymentSpec(),
        Edit(remove_orgs=(Org(names.OTHER_ORG),)),
        Edit(remove_repos=(parse_repo("third-org/app"),)),
        Edit(remove_roles=(Role("coder"),)),
        Edit(set_variables=(("ALLOWED_WORKFLOW_FILES", "triage.yml"),)),
    )

    assert variables["ALLOWED_ORGS"] == "octo-org"
    assert variables["PER_REPO_WIF_REPOS"] == "octo-org/app"
    assert variables["ALLOWED_WORKFLOW_FILES"] == "triage.yml"
    assert list(json.loads(variables["ROLE_APP_IDS"])) == ["triage"]


def test_a_role_and_a_key_that_came_during_a_build_stay_and_so_does_what_the_deployment_wants(
    operator: Operator,
) -> None:
    operator.deploy()

    variables = deploy_beside(
        operator,
        DeploymentSpec(orgs=(Org("wanted"),), variables=(("RATE_LIMIT", "5/minute"),)),
        Edit(add_roles=((Role("coder"), "7"),)),
        Edit(set_variables=(("FULLSEND_KEY_TRIAGE", "SHA256:new"), ("RATE_LIMIT", "9/minute"))),
    )

    assert sorted(json.loads(variables["ROLE_APP_IDS"])) == ["coder", "triage"]
    assert variables["FULLSEND_KEY_TRIAGE"] == "SHA256:new"
    assert variables["RATE_LIMIT"] == "5/minute"
    assert variables["ALLOWED_ORGS"] == "octo-org,wanted"
