"""Releases can be traced: every package is pinned by hash and listed, and the wheels are reproducible."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fullsend.operate.plan.bundle import build as bundle
from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", re.MULTILINE)


def requirements(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8"))
    pinned = [entry for entry in entries if PINNED.match(entry)]
    assert len(pinned) > 10
    assert not [entry for entry in pinned if "--hash=sha256:" not in entry]


def test_setting_up_installs_by_hash_and_builds_with_what_was_installed_so() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\n.venv/ready:")[2].partition("\n\n")[0]
    installs = re.findall(r" pip (?:install|sync) .*", recipe)
    assert len(installs) == 4
    by_hash = (
        "--require-hashes",
        "requirements-dev.txt",
        "requirements.txt",
        "--no-deps --no-build-isolation -e .",
    )
    assert not [line for line in installs if not any(way in line for way in by_hash)]


def test_a_mint_runs_exactly_what_it_is_tested_with() -> None:
    assert requirements("requirements.txt").items() <= requirements("requirements-dev.txt").items()


def test_the_list_of_parts_has_every_part_with_its_version_and_hash(tmp_path: Path) -> None:
    written = tmp_path / "sbom.json"
    subprocess.run(
        [
            sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements",
            "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON",
            "-o", str(written), str(ROOT / "requirements.txt"),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    parts = json.loads(written.read_text())["components"]
    assert {part["name"]: part["version"] for part in parts} == requirements("requirements.txt")
    assert all(part["externalReferences"][0]["hashes"] for part in parts)


SOURCES = ("deploy/completion", "fullsend", "mintcore", "sandbox/fullsend_sandbox", "scripts")
FILES = ("LICENSE", "Makefile", "README.md", "main.py", "pyproject.toml", "requirements.txt", "setup.py",
         "sandbox/LICENSE", "sandbox/pyproject.toml")  # fmt: skip


def make_wheels(folder: Path, umask: int, zone: str) -> Path:
    """Run `make wheel` on this code in a separate repository, and return the folder with the results."""
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "TZ": zone, "UV_OFFLINE": "1",
        "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
    }  # fmt: skip
    identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    for command in (
        ("git", "init", "-q"), ("git", "add", "."), ("git", *identity, "commit", "-q", "-m", "release"),
        ("make", "-s", "-o", ".venv/ready", f"BIN={BIN}", "wheel"),
    ):  # fmt: skip
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            umask=umask,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheels(tmp_path_factory.mktemp("release"), 0o022, "UTC")


@pytest.fixture
def wheel(dist: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(dist / f"fullsend_mint-{VERSION}-py3-none-any.whl") as opened:
        yield opened


def test_a_release_comes_out_the_same_byte_for_byte_for_everyone(dist: Path, tmp_path: Path) -> None:
    again = make_wheels(tmp_path, 0o077, "Asia/Tokyo")
    first, second = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*-*")}
        for folder in (dist, again)
    )
    assert sorted(name.partition("-0")[0] for name in first) == [
        "fullsend-mint", "fullsend_mint", "fullsend_mint_sandbox",
    ]  # fmt: skip
    assert first == second


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    data = {name for name in wheel.namelist() if ".data/" in name}
    share = f"fullsend_mint-{VERSION}.data/data/share"
    assert tops == {"mintcore", "fullsend", f"fullsend_mint-{VERSION}.dist-info", f"fullsend_mint-{VERSION}.data"}
    assert data == {
        f"{share}/bash-completion/completions/fullsend",
        f"{share}/zsh/site-functions/_fullsend",
        f"{share}/fish/vendor_completions.d/fullsend.fish",
    }


def test_an_installed_package_uploads_the_checkouts_bytes(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    (tmp_path / "main.py").write_text("# another package's\n")
    assert bundle(tmp_path).sha256 == bundle(ROOT).sha256


def test_the_installed_sandbox_starts_the_installed_mint_without_a_checkout(dist: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    for path in dist.glob("*.whl"):
        with zipfile.ZipFile(path) as opened:
            opened.extractall(site)
    (tmp_path / "main.py").write_text("raise SystemExit('the main.py of another project')\n")
    done = subprocess.run(
        [sys.executable, "-c", "from fullsend.cli import main; main()", "sandbox", "demo", "--json"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site)},
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(step["passed"] for step in json.loads(done.stdout))


def test_the_published_source_is_what_the_checkout_uploads(dist: Path) -> None:
    (source,) = dist.glob("*-source.zip")
    assert source.read_bytes() == bundle(ROOT).data


def test_both_distributions_carry_the_license(wheel: zipfile.ZipFile, dist: Path) -> None:
    license_text = (ROOT / "LICENSE").read_bytes()
    with zipfile.ZipFile(dist / f"fullsend_mint_sandbox-{VERSION}-py3-none-any.whl") as sandbox:
        for opened, name in ((wheel, "fullsend_mint"), (sandbox, "fullsend_mint_sandbox")):
            folder = f"{name}-{VERSION}.dist-info"
            assert opened.read(f"{folder}/licenses/LICENSE") == license_text
            assert b"License-Expression: Apache-2.0" in opened.read(f"{folder}/METADATA")


CHANGELOG = """# Changelog

Keep a Changelog

## [Unreleased]

## [1.1.0] - 2027-01-02

### Added

- A ([why](docs/adr/1.md)), [B](https://example.com) and [C](#c).

## [1.0.0] - 2027-01-01

### Added

- D
"""


def release_notes(
    folder: Path, *arguments: str, upgrading: str = "## To 1.1.0\n"
) -> subprocess.CompletedProcess[str]:
    """Run the script in a separate repository."""
    (folder / "scripts" / "release").mkdir(parents=True)
    (folder / "docs").mkdir()
    script = shutil.copy(ROOT / "scripts/release/notes.py", folder / "scripts" / "release")
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (folder / "docs" / "upgrading.md").write_text(upgrading)
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_notes_of_a_release_are_its_section_with_links_that_lead_somewhere(tmp_path: Path) -> None:
    done = release_notes(tmp_path, "1.1.0", "https://github.com/o/r/blob/v1.1.0")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "### Added",
        "",
        "- A ([why](https://github.com/o/r/blob/v1.1.0/docs/adr/1.md)), [B](https://example.com) and [C](#c).",
    ]


@pytest.mark.parametrize(
    ("version", "upgrading", "fix"),
    [
        ("99.0.0", "## To 99.0.0\n", "add a section '## [99.0.0]'"),
        ("Unreleased", "", "add a section '## [Unreleased]'"),
        ("1.1.0", "## To 1.1.0.1\n", "add a section '## To 1.1.0'"),
    ],
)
def test_a_version_without_notes_or_upgrade_is_not_released(
    version: str, upgrading: str, fix: str, tmp_path: Path
) -> None:
    done = release_notes(tmp_path, version, upgrading=upgrading)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Fix: {fix}" in done.stderr


def test_what_is_not_released_yet_has_notes() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/release/notes.py", "Unreleased"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "### Added" in done.stdout
    assert "Keep a Changelog" not in done.stdout


def test_everything_that_a_release_publishes_has_its_version() -> None:
    sandbox = tomllib.loads((ROOT / "sandbox" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text(encoding="utf-8"))
    assert [sandbox["version"], base["images"][0]["newTag"]] == [VERSION, VERSION]


def test_the_build_backend_is_pinned_to_what_the_tests_build_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["build-system"]["requires"] == [
        f"setuptools=={requirements('requirements-dev.txt')['setuptools']}"
    ]
