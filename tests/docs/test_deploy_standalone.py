"""The files under deploy/ for the standalone mint are linted, and agree with the mint and each other.

Neither systemd nor a cluster runs here; tests/image runs the image. docs/standalone.md says what these tests cannot
show.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mintcore.settings.environment import read_standalone
from tests.standalone import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNIT = DEPLOY / "standalone" / "fullsend-mint.service"
KUBERNETES = DEPLOY / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
MANIFESTS: dict[str, Any] = {
    manifest["kind"]: manifest
    for name in KUSTOMIZATION["resources"]
    for manifest in [yaml.safe_load((KUBERNETES / name).read_text())]
}


def variables_of(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


CLUSTER = variables_of(KUBERNETES / "mint.env")
KUBECTL = shutil.which("kubectl")
POD: dict[str, Any] = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
BIN = Path(sys.executable).parent
HADOLINT = shutil.which("hadolint", path=BIN)


def check(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(HADOLINT is None, reason="hadolint has no package for this kind of machine")
def test_the_dockerfile_passes_its_linter() -> None:
    assert check(str(HADOLINT), "deploy/Dockerfile") == ""


def test_the_image_runs_as_an_ordinary_user_and_holds_no_key() -> None:
    final = DOCKERFILE.split("FROM ")[-1]
    user = re.search(r"^USER (\d+):(\d+)$", final, re.MULTILINE)
    assert user is not None
    assert 0 not in {int(user[1]), int(user[2])}
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert sorted(" ".join(copied).split()) == sorted(allowed)
    assert all((ROOT / path).exists() for path in allowed)
    assert "*" in ignored
    assert "**/*.pem" in ignored


def test_the_images_health_check_sees_a_mint_that_runs_and_one_that_does_not(
    hosted_mint: Any, unused_port: int
) -> None:
    """Any mint works here: the check requests /health, which is the same in both modes."""
    match = re.search(r"^    CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert match is not None
    _, *arguments = json.loads(match[1])
    ports = (hosted_mint.url.rpartition(":")[2], str(unused_port))
    statuses = [
        subprocess.run(
            [sys.executable, *arguments], env={"PORT": port}, capture_output=True, timeout=30, check=False
        ).returncode
        for port in ports
    ]
    assert statuses == [0, 1]


@pytest.fixture
def unused_port() -> int:
    import socket  # noqa: PLC0415 - for this alone

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_the_manifests_fit_kubernetes_own_schemas() -> None:
    paths = [str(KUBERNETES / name) for name in KUSTOMIZATION["resources"]]
    check(str(BIN / "kubernetes-validate"), "--strict", "--quiet", *paths)


def test_the_base_lists_every_manifest() -> None:
    files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    assert set(MANIFESTS) == {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"}


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_kustomize_renders_the_base_and_the_result_fits_the_schemas(tmp_path: Path) -> None:
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(check(str(KUBECTL), "kustomize", str(KUBERNETES)))
    check(str(BIN / "kubernetes-validate"), "--strict", "--quiet", str(rendered))
    found = {one["kind"]: one for one in yaml.safe_load_all(rendered.read_text())}
    assert {one["metadata"]["namespace"] for one in found.values()} == {"fullsend-mint"}
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"][0]["configMapRef"]["name"] == found["ConfigMap"]["metadata"]["name"]
    assert found["ConfigMap"]["data"] == CLUSTER
    assert container["image"].startswith("registry.example.com/")


def test_the_policy_lets_in_only_the_port_and_out_only_names_and_https() -> None:
    policy = MANIFESTS["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["http"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443}


def test_the_pods_are_two_and_have_no_privilege() -> None:
    assert MANIFESTS["Deployment"]["spec"]["replicas"] == 2
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert CONTAINER[probe]["httpGet"] == {"path": "/health", "port": "http"}


def test_the_pods_user_can_read_the_keys_and_others_cannot() -> None:
    """A secret's files are root's, with fsGroup's group: the group needs the read bit, others must not have it."""
    (volume,) = POD["volumes"]
    (mount,) = CONTAINER["volumeMounts"]
    assert volume["projected"]["defaultMode"] == 0o440
    assert POD["securityContext"]["fsGroup"] == POD["securityContext"]["runAsGroup"]
    assert mount["mountPath"] == CLUSTER["PEM_DIR"]
    assert mount["readOnly"] is True
    assert "subPath" not in mount  # such a file is never replaced when the secret is


def test_each_role_has_its_own_secret() -> None:
    sources = [source["secret"] for source in POD["volumes"][0]["projected"]["sources"]]
    roles = json.loads(CLUSTER["ROLE_APP_IDS"])
    assert [source["name"] for source in sources] == [f"fullsend-mint-{role}-pem" for role in roles]
    assert [source["items"] for source in sources] == [[{"key": "pem", "path": f"{role}.pem"}] for role in roles]


def test_each_examples_environment_is_one_the_mint_takes() -> None:
    for environment in (variables_of(DEPLOY / "standalone" / "mint.env.example"), CLUSTER):
        settings = read_standalone(environment)
        assert settings.common.policy.roles.names == ["scanner", "triage"]
        assert settings.common.warnings == ()
        assert settings.port == 8080


def docker_run(text: str) -> list[str]:
    """Return the words of the command that starts a container."""
    joined = re.sub(r"\\\n#?\s*", "", text)
    return re.search(r"docker run --read-only .*", joined)[0].split()  # type: ignore[index]


def test_the_dockerfile_and_the_guide_start_a_container_alike() -> None:
    guide = (ROOT / "docs" / "standalone.md").read_text(encoding="utf-8")
    command = docker_run(guide)
    assert command == docker_run((ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    assert "PEM_DIR=/pems" in command


def test_the_unit_may_write_the_audit_file_where_its_example_puts_it() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    folder = re.search(r"^AUDIT_LOG=file:/var/log/([\w-]+)/", page, re.MULTILINE)[1]  # type: ignore[index]
    assert f"LogsDirectory={folder}" in UNIT.read_text().splitlines()


def test_no_core_dump_holds_a_key() -> None:
    assert "LimitCORE=0" in UNIT.read_text().splitlines()


def test_examples_forward_no_token_and_listen_on_loopback_behind_a_proxy() -> None:
    for path in (path for path in DEPLOY.rglob("*") if path.is_file()):
        assert not re.search(r"^\s*(export )?FALLBACK_MINT_URL", path.read_text(), re.MULTILINE), path.name
    assert "BIND=127.0.0.1" in (DEPLOY / "standalone" / "mint.env.example").read_text().splitlines()


def test_the_stop_of_each_deployment_waits_longer_than_a_request_may_take() -> None:
    deadline = read_standalone(CLUSTER).common.deadline_seconds
    program, _, code = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "python"  # tests/image runs it in the image, which has no other program
    wait_before = int(re.findall(r"sleep\((\d+)\)", code)[0])
    assert POD["terminationGracePeriodSeconds"] > wait_before + deadline + 5
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) > deadline + 5


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_passes_systemds_own_verification(tmp_path: Path) -> None:
    """Replace the named program, which only the operator's machine has, by an existing one."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/fullsend-mint/bin/fullsend-mint", "/bin/true"))
    said = check("systemd-analyze", "verify", "--man=no", str(unit))
    assert unit.name not in said
