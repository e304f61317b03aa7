"""The built image is small, has no installer or compiler, and mints as user 65532 on a read-only root.

Run by `make test-image`, which builds it first: minutes, and a container registry or Debian mirror are needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fullsend_sandbox.process import MintProcess
from tests.contract.exchange import send
from tests.contract.table import Sent, as_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("IMAGE", "localhost/fullsend-mint")
MAX_BYTES = 120 * 1024 * 1024
AS_USER = """
import os, sys
os.setgroups([]); os.setgid(65532); os.setuid(65532)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""The image has no setpriv; leaving root drops every capability."""
MISSING = [tool for tool in ("buildah", "bwrap") if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


def buildah(*arguments: str) -> str:
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Mount the image's file system."""
    container = buildah("from", "--pull-never", IMAGE)
    yield Path(buildah("mount", container))
    buildah("rm", container)


def test_no_compiler_and_no_installer_is_in_the_image(root: Path) -> None:
    unwanted = ("gcc", "cc", "pip", "pip3", "curl", "wget")
    folders = ("usr/bin", "usr/local/bin", "opt/mint/bin", "bin")
    assert [f"{folder}/{name}" for folder in folders for name in unwanted if (root / folder / name).exists()] == []
    assert list((root / "opt/mint").rglob("pip")) == []
    assert list((root / "usr").rglob("ensurepip")) == []


def test_only_the_packages_of_a_standalone_mint_are_in_the_image(root: Path) -> None:
    (packages,) = (root / "opt/mint/lib").glob("python3*/site-packages")
    found = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")}
    hosted = {"functions_framework", "flask", "uvicorn", "starlette", "watchdog", "jinja2", "click"}
    assert {"fullsend_mint", "gunicorn", "werkzeug", "prometheus_client", "redis"} <= found
    assert found & hosted == set()


def test_the_only_command_of_the_image_is_the_mint(root: Path) -> None:
    commands = {path.name for path in (root / "opt/mint/bin").iterdir() if not path.is_symlink()}
    assert commands == {"fullsend-mint"}
    assert not list((root / "opt/mint").rglob("fullsend/cli"))


def test_nothing_can_be_run_but_python_and_the_mint(root: Path) -> None:
    programs = {
        path.name
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK) and ".so" not in path.name
    }
    programs -= {path.name for path in root.glob("usr/**/python3*/**/*.py")}
    assert {"fullsend-mint"} < programs
    assert [name for name in programs if not re.fullmatch(r"fullsend-mint|python3\.\d+", name)] == []


def test_the_image_is_small_and_its_packages_can_be_scanned(root: Path) -> None:
    size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_symlink())
    assert size < MAX_BYTES
    packages = {path.name for path in (root / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libffi8", "zlib1g"} <= packages
    assert [name for name in packages if not (root / "usr/share/doc" / name / "copyright").exists()] == []


def test_the_image_says_its_license_and_its_user() -> None:
    configured = buildah("inspect", "--type", "image", "--format", "{{.OCIv1.Config}}", IMAGE)
    assert "org.opencontainers.image.licenses:Apache-2.0" in configured
    assert "65532:65532" in configured


def test_the_image_can_wait_as_the_manifest_tells_it_to_before_it_stops(root: Path) -> None:
    deployment = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    hook = container["lifecycle"]["preStop"]["exec"]["command"]
    inside = ["bwrap", "--unshare-pid", "--die-with-parent", "--ro-bind", str(root), "/", "--proc", "/proc"]
    path = buildah("inspect", "--type", "image", "--format", "{{index .OCIv1.Config.Env 0}}", IMAGE)
    began = time.monotonic()
    done = subprocess.run(
        [*inside, "--clearenv", "--setenv", *path.split("=", 1), *hook],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began >= 5


def serving_process(pid: int) -> int:
    """Return the last descendant, which is the mint's own process behind bwrap."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return serving_process(int(children[-1])) if children else pid


def test_the_image_mints_as_its_user_on_a_read_only_root(root: Path, world: World, tmp_path: Path) -> None:
    pems = tmp_path / "pems"
    pems.mkdir()
    environment = world.standalone_environment(pems, METRICS="1", PEM_DIR="/pems")
    for path in (tmp_path, pems, *pems.iterdir()):
        os.chown(path, 65532, 65532)
    capabilities = [part for name in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP") for part in ("--cap-add", name)]
    command = [
        "bwrap", "--unshare-pid", "--unshare-ipc", "--die-with-parent", *capabilities,
        "--ro-bind", str(root), "/", "--ro-bind", str(pems), "/pems", "--proc", "/proc", "--dev", "/dev",
        "--perms", "1777", "--tmpfs", "/dev/shm",  # noqa: S108 - as a container engine gives it
        "python", "-c", AS_USER, "fullsend-mint",
    ]  # fmt: skip
    search = {"PATH": "/opt/mint/bin:/usr/local/bin:/usr/bin:/bin"}
    with MintProcess(environment | search, source=ROOT, command=command, bin_dir=Path("/usr/bin")) as mint:
        assert send(mint.url, as_job()(world)).status == 200
        assert "fullsend_mint_requests_total" in send(mint.url, Sent(None, b"", "GET", "/metrics")).text
        status = Path(f"/proc/{serving_process(mint.pid)}/status").read_text()
    assert re.search(r"^Uid:\t65532\t65532", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
