"""What is shipped can be traced: everything is pinned by hash, listed, and the wheel comes out the same again."""

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

import pytest

from fullsend.operate.plan.bundle import build as bundle
from mintcore.version import VERSION

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


def build(folder: Path, *, hour: int) -> Path:
    """Build a wheel in a folder of its own, from files whose times differ."""
    source = folder / "source"
    for name in ("mintcore", "fullsend"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "main.py", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "deploy" / "completion", source / "deploy" / "completion")
    for path in source.rglob("*"):
        os.utime(path, (3600 * hour, 3600 * hour))
    subprocess.run(
        [
            str(BIN / "uv"), "build", "-q", "--offline", "--wheel", "--no-build-isolation",
            "--python", sys.executable, "--out-dir", str(folder / "dist"), str(source),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "SOURCE_DATE_EPOCH": "1700000000"},
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    return next((folder / "dist").glob("*.whl"))


def test_the_wheel_comes_out_the_same_byte_for_byte(tmp_path: Path) -> None:
    digests = {
        hashlib.sha256(build(tmp_path / str(hour), hour=hour).read_bytes()).hexdigest()
        for hour in (200_000, 300_001)
    }
    assert len(digests) == 1


def test_the_wheel_holds_the_packages_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build(tmp_path, hour=200_000)) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
        data = {name for name in wheel.namelist() if ".data/" in name}
    share = f"fullsend_mint-{VERSION}.data/data/share"
    assert tops == {"mintcore", "fullsend", f"fullsend_mint-{VERSION}.dist-info", f"fullsend_mint-{VERSION}.data"}
    assert data == {
        f"{share}/bash-completion/completions/fullsend",
        f"{share}/zsh/site-functions/_fullsend",
        f"{share}/fish/vendor_completions.d/fullsend.fish",
    }


def test_an_installed_package_uploads_the_checkouts_bytes(tmp_path: Path) -> None:
    with zipfile.ZipFile(build(tmp_path, hour=200_000)) as wheel:
        wheel.extractall(tmp_path / "site-packages")
    (tmp_path / "site-packages" / "main.py").write_text("# another package's\n")
    assert bundle(tmp_path / "site-packages").sha256 == bundle(ROOT).sha256


def test_both_distributions_carry_the_license(tmp_path: Path) -> None:
    license_text = (ROOT / "LICENSE").read_bytes()
    assert (ROOT / "sandbox" / "LICENSE").read_bytes() == license_text
    with zipfile.ZipFile(build(tmp_path, hour=200_000)) as wheel:
        folder = f"fullsend_mint-{VERSION}.dist-info"
        assert wheel.read(f"{folder}/licenses/LICENSE") == license_text
        assert b"License-Expression: Apache-2.0" in wheel.read(f"{folder}/METADATA")
    sandbox = tomllib.loads((ROOT / "sandbox" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (sandbox["license"], sandbox["license-files"]) == ("Apache-2.0", ["LICENSE"])


def release_notes(version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/release/notes.py", version],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_notes_of_a_release_are_cut_from_the_changelog() -> None:
    done = release_notes("Unreleased")
    assert done.returncode == 0
    assert "### Added" in done.stdout
    assert "Keep a Changelog" not in done.stdout


def test_a_version_without_notes_is_not_released() -> None:
    done = release_notes("99.0.0")
    assert done.returncode == 1
    assert "Fix: add a section '## [99.0.0]'" in done.stderr


def test_the_build_backend_is_pinned_to_what_the_tests_build_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["build-system"]["requires"] == [
        f"setuptools=={requirements('requirements-dev.txt')['setuptools']}"
    ]
