"""Plans as shell scripts: what gcloud is told, and how a script ends."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.gcp.run import EVERYONE
from fullsend.operate.model import names
from fullsend.operate.model.cloud_run_service import Service
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.federation import DELETED, Pool, Provider, ProviderSpec
from fullsend.operate.model.kms_names import KeyState, KmsVersion
from fullsend.operate.model.mint_state import MintState, SecretState, Version
from fullsend.operate.model.sizing import Sizing
from fullsend.operate.plan.bundle import Bundle
from fullsend.operate.plan.deletion import delete
from fullsend.operate.plan.deployment import deploy, edit_steps
from fullsend.operate.plan.deployment_spec import DeploymentSpec, RoleKey
from fullsend.operate.plan.enrollment import enroll_org, enroll_repo, unenroll_org, unenroll_repo
from fullsend.operate.plan.inference_access import APIS, InferenceState, deprovision, provision
from fullsend.operate.plan.role_changes import add_role, remove_role
from fullsend.operate.plan.steps.kms_steps import RevokeSigner
from fullsend.operate.plan.steps.secret_steps import DisableOldKeys
from fullsend.operate.plan.steps.shell import script
from fullsend_sandbox.keys import new_key, pem
from mintcore.policy.names import Org, Role, parse_repo
from mintcore.secret import Secret
from tests.gcloud_sdk import commands_in, needs_gcloud, usage_errors
from tests.unit.operate.plan_values import BUNDLE, ENVIRONMENT, PLACE, WANTED, running, service

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fullsend.operate.plan.steps.step import Step

OTHER = Bundle(b"other", "b" * 64, "1.0.1")
KEY = new_key()
IN_RING = "projects/my-project/locations/us-central1/keyRings/fullsend-mint/cryptoKeys"
ONE_VERSION = KeyState(
    (KmsVersion(f"{IN_RING}/fullsend-triage-app/cryptoKeyVersions/3", "ENABLED", "a"),),
    frozenset({running().member}),
)
PINNED = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "r1", "percent": 100}]


def emitted(steps: Sequence[Step]) -> str:
    return script([line for step in steps for line in step.gcloud(PLACE)])


def one(steps: Sequence[Step], *start: str) -> list[str]:
    commands = commands_in(emitted(steps))
    (found,) = [words for words in commands if words[1 : 1 + len(start)] == list(start)]
    return found


def option(words: Sequence[str], name: str) -> str:
    return words[words.index(name) + 1]


def rolled_back() -> MintState:
    held = Service(
        {**service(ENVIRONMENT | {"RATE_LIMIT": "9/minute"}).raw, "traffic": PINNED, "trafficStatuses": PINNED}
    )
    serving = {"containers": [{"image": "old", "env": [{"name": n, "value": v} for n, v in ENVIRONMENT.items()]}]}
    return replace(running(), service=held, serving=serving)


def new_in_kms(role: str) -> RoleKey:
    return RoleKey(Role(role), "8", f"{role}.pem", Secret(pem(KEY).decode()), KeyState())


def every_plan() -> list[Step]:
    empty = MintState(PLACE, number="42")
    state = running(ENVIRONMENT | {"PER_REPO_WIF_REPOS": "a/b"})
    spec = ProviderSpec("https://issuer.example", "assertion.repository == 'a/b'", ("a",))
    gone = {name: Provider(spec, state=DELETED) for name in ("github-oidc", "gh-a-b")}
    shut = {name: Provider(spec, disabled=True) for name in ("github-oidc", "gh-a-b")}
    stored = {Role("triage"): SecretState((Version(1, "ENABLED"),), frozenset({state.member}))}
    coder = RoleKey(Role("coder"), "8", "coder.pem", Secret("key"))
    inference = InferenceState("42", frozenset(APIS), None, None, frozenset())
    member = inference.members | {
        f"principalSet://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/{names.INFERENCE_POOL}/attribute.repository/o/r"
    }
    return [
        *deploy(empty, WANTED, BUNDLE),
        *deploy(running(), DeploymentSpec(), OTHER),
        *deploy(rolled_back(), DeploymentSpec(), OTHER),
        *deploy(replace(state, pool=Pool(state=DELETED), providers=gone), DeploymentSpec(max_instances=2), BUNDLE),
        *deploy(replace(state, pool=Pool(disabled=True), providers=shut), DeploymentSpec(min_instances=1), BUNDLE),
        *enroll_org(state, Org("New-Org")),
        *enroll_repo(state, parse_repo("c/d")),
        *unenroll_org(state, Org("my-org")),
        *unenroll_repo(replace(state, providers={"gh-a-b": Provider(spec)}), parse_repo("a/b")),
        *add_role(state, coder),
        *remove_role(
            running(ENVIRONMENT | {"ROLE_APP_IDS": '{"triage": "7", "coder": "8"}'}), Role("triage"), keep_pem=False
        ),
        *remove_role(
            running(ENVIRONMENT | {"ROLE_APP_IDS": '{"triage": "7", "coder": "8"}'}), Role("triage"), keep_pem=True
        ),
        DisableOldKeys(Role("triage")),
        *delete(state, stored, {}, keep_keys=False),
        *delete(state, stored, {}, keep_keys=True),
        *deploy(empty, replace(WANTED, roles=(new_in_kms("triage"), new_in_kms("coder"))), BUNDLE),
        *add_role(state, new_in_kms("coder")),
        *delete(state, {}, {Role("triage"): ONE_VERSION}, keep_keys=False),
        *provision(inference, parse_repo("o/r")),
        *deprovision(replace(inference, pool=Pool(), provider=Provider(spec), members=member), parse_repo("o/r")),
    ]


@needs_gcloud
def test_gcloud_parses_every_command_that_a_plan_emits(tmp_path: Path) -> None:
    commands = commands_in(emitted(every_plan()))
    assert len(commands) > 60
    assert usage_errors(commands, tmp_path) == []


@needs_gcloud
def test_gcloud_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    wrong = ["gcloud", "functions", "deploy", "f", "--no-such-option"]
    assert usage_errors([wrong, ["gcloud", "functions", "list"]], tmp_path) == [wrong]


def test_no_command_asks_a_question_that_would_swallow_the_next_line() -> None:
    commands = commands_in(emitted(every_plan()))
    assert [words for words in commands if "--quiet" not in words] == []
    deployments = [words for words in commands if words[1:3] == ["functions", "deploy"]]
    assert all(any("allow-unauthenticated" in word for word in words) for words in deployments)
    bindings = [words for words in commands if any("iam-policy-binding" in word for word in words)]
    assert [words for words in bindings if option(words, "--condition") != "None"] == []


def test_a_new_function_is_closed_until_the_step_that_opens_it_and_an_open_one_stays_open() -> None:
    new = deploy(MintState(PLACE, number="42"), WANTED, BUNDLE)
    assert "--no-allow-unauthenticated" in one(new, "functions", "deploy")
    assert option(one(new, "run", "services", "add-iam-policy-binding"), "--member") == EVERYONE
    again = deploy(running(), DeploymentSpec(), OTHER)
    assert "--allow-unauthenticated" in one(again, "functions", "deploy")
    assert "add-iam-policy-binding" not in emitted(again)


def test_a_redeployment_sets_the_whole_environment_so_that_a_removed_setting_stays_removed() -> None:
    words = one(deploy(running(), DeploymentSpec(), OTHER), "functions", "deploy")
    assert "--update-env-vars" not in words
    _, delimiter, pairs = option(words, "--set-env-vars").split("^", 2)
    assert dict(pair.split("=", 1) for pair in pairs.split(delimiter)) == ENVIRONMENT | {
        "FULLSEND_SOURCE_SHA256": OTHER.sha256
    }


def test_an_edit_removes_a_variable_rather_than_emptying_it() -> None:
    state = running(ENVIRONMENT | {"PER_REPO_WIF_REPOS": "a/b"})
    words = one(edit_steps(state, Edit(remove_repos=(parse_repo("a/b"),))), "run", "services", "update")
    assert "PER_REPO_WIF_REPOS" not in option(words, "--set-env-vars")
    assert "ALLOWED_WORKFLOW_FILES=triage.yml" in option(words, "--set-env-vars")


def test_after_a_rollback_the_serving_revision_is_the_start_and_traffic_moves() -> None:
    deployment = deploy(rolled_back(), DeploymentSpec(), OTHER)
    assert "RATE_LIMIT" not in option(one(deployment, "functions", "deploy"), "--set-env-vars")
    assert "--to-latest" in one(deployment, "run", "services", "update-traffic")
    edit = edit_steps(rolled_back(), Edit(add_orgs=(Org("new"),)))
    update = one(edit, "run", "services", "update")
    assert option(update, "--image") == "old"
    assert "RATE_LIMIT" not in option(update, "--set-env-vars")


def test_new_mints_get_three_instances_and_others_keep_what_they_have() -> None:
    new = one(deploy(MintState(PLACE, number="42"), WANTED, BUNDLE), "functions", "deploy")
    assert (option(new, "--max-instances"), option(new, "--min-instances")) == ("3", "0")
    scaled = running()
    template = {**scaled.service.raw["template"], "scaling": {"maxInstanceCount": 20, "minInstanceCount": 1}}  # type: ignore[union-attr]
    there = replace(scaled, service=Service({**scaled.service.raw, "template": template}))  # type: ignore[union-attr]
    again = one(deploy(there, DeploymentSpec(), OTHER), "functions", "deploy")
    assert (option(again, "--max-instances"), option(again, "--min-instances")) == ("20", "1")
    given = one(deploy(there, DeploymentSpec(max_instances=5), BUNDLE), "run", "services", "update")
    assert option(given, "--max-instances") == "5"
    assert "--min-instances" not in given


def test_the_startup_boost_is_switched_on_where_it_is_off() -> None:
    raw = service().raw
    (container,) = raw["template"]["containers"]
    slow = {**raw["template"], "containers": [{**container, "resources": {}}]}
    state = replace(running(), service=Service({**raw, "template": slow}))
    assert "--cpu-boost" in one(deploy(state, DeploymentSpec(), BUNDLE), "run", "services", "update")


@pytest.mark.parametrize(
    "sizing", [Sizing(1, 3, cpu_boost=True), Sizing(0, 5), Sizing(None, 1), Sizing(cpu_boost=False)]
)
def test_a_sizing_holds_of_the_template_it_was_applied_to(sizing: Sizing) -> None:
    template = {
        "scaling": {"minInstanceCount": 4},
        "containers": [{"image": "i", "resources": {"limits": {"cpu": "1"}}}],
    }
    changed = sizing.apply(template)
    assert sizing.is_applied(changed)
    assert changed["containers"][0]["resources"]["limits"] == {"cpu": "1"}


def run(script_text: str, folder: Path, gcloud: str) -> subprocess.CompletedProcess[str]:
    """Run a script beside a gcloud that does what `gcloud` says, and without waiting."""
    for name, text in {
        "gcloud": f'echo "gcloud $*" >>{folder}/calls\n{gcloud}',
        "sleep": "",
        "curl": "printf 401",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["bash"],
        input=script_text,
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_script_read_from_a_pipe_ends_with_its_first_failure(tmp_path: Path) -> None:
    text = emitted(deploy(MintState(PLACE, number="42"), WANTED, BUNDLE))
    done = run(text, tmp_path, 'case "$*" in *workload-identity-pools*) exit 1;; esac')
    assert done.returncode == 1
    calls = (tmp_path / "calls").read_text().splitlines()
    assert "workload-identity-pools create" in calls[-1]
    assert "FULLSEND_MINT_URL" not in done.stdout


def test_a_script_reads_no_line_of_itself_as_an_answer_and_prints_the_url(tmp_path: Path) -> None:
    text = emitted(deploy(MintState(PLACE, number="42"), WANTED, BUNDLE))
    done = run(text, tmp_path, 'case "$*" in *functions\\ describe*) echo https://mint.example;; esac')
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "FULLSEND_MINT_URL=https://mint.example")
    assert len((tmp_path / "calls").read_text().splitlines()) == len(commands_in(text))


def test_a_new_service_account_that_is_not_visible_yet_is_waited_for(tmp_path: Path) -> None:
    text = emitted(deploy(MintState(PLACE, number="42"), WANTED, BUNDLE))
    late = f"""case "$*" in secrets\\ add-iam-policy-binding*)
      echo x >>{tmp_path}/tries; [ "$(wc -l <{tmp_path}/tries)" -ge 3 ] || exit 1;; esac"""
    assert run(text, tmp_path, late).returncode == 0
    assert len((tmp_path / "tries").read_text().splitlines()) == 3


def test_keys_of_several_roles_share_one_ring_and_each_gets_an_import_job_of_its_own() -> None:
    roles = (new_in_kms("triage"), new_in_kms("coder"))
    text = emitted(deploy(MintState(PLACE, number="42"), replace(WANTED, roles=roles), BUNDLE))
    assert text.count("gcloud kms keyrings create") == 1
    assert [line for line in text.splitlines() if line.startswith("job=")] == [
        "job=fullsend-triage-$(date +%s)",
        "job=fullsend-coder-$(date +%s)",
    ]


def test_a_ring_that_exists_is_not_created_again() -> None:
    there = replace(new_in_kms("coder"), in_kms=KeyState(has_ring=True))
    text = emitted(add_role(running(), there))
    assert "gcloud kms keyrings create" not in text
    assert "gcloud kms keys create fullsend-coder-app" in text


@pytest.mark.parametrize("keep_pem", [True, False])
def test_a_removed_roles_key_can_no_longer_be_used_by_the_mint(keep_pem: bool) -> None:
    environment = ENVIRONMENT | {
        "ROLE_APP_IDS": '{"triage": "7", "coder": "8"}',
        "ROLE_KMS_KEYS": json.dumps({"triage": f"{IN_RING}/fullsend-triage-app/cryptoKeyVersions/3"}),
    }
    steps = remove_role(running(environment), Role("triage"), keep_pem=keep_pem)
    assert RevokeSigner(Role("triage"), running().member) in steps


def test_a_version_of_another_project_is_disabled_where_it_is() -> None:
    name = "projects/vault/locations/europe-west1/keyRings/apps/cryptoKeys/triage/cryptoKeyVersions/4"
    environment = ENVIRONMENT | {
        "ROLE_APP_IDS": '{"triage": "7", "coder": "8"}',
        "ROLE_KMS_KEYS": f'{{"triage": "{name}"}}',
    }
    steps = remove_role(running(environment), Role("triage"), keep_pem=False)
    # Its bindings are those of its maker.
    assert not [step for step in steps if isinstance(step, RevokeSigner)]
    words = one(steps, "kms", "keys", "versions")
    assert words[5:] == [
        *("4", "--key", "triage", "--keyring", "apps", "--location", "europe-west1"),
        *("--project", "vault", "--quiet"),
    ]
    assert delete(running(environment), {}, {}, keep_keys=False)[0].title().startswith("delete the function")
