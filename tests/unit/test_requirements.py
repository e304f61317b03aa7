from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def pinned(name: str) -> dict[str, tuple[str, int]]:
    """Return package → (version, number of hashes) as a requirements file has it."""
    found: dict[str, tuple[str, int]] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", (ROOT / name).read_text(encoding="utf-8")):
        match = re.match(r"([A-Za-z0-9._-]+)==([^ \\]+)", entry)
        if match:
            found[canonicalize_name(match[1])] = (match[2], entry.count("--hash=sha256:"))
    return found


def wanted(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [text for extra in extras for text in project["optional-dependencies"][extra]]
    return [Requirement(text) for text in [*project["dependencies"], *optional]]


@pytest.mark.parametrize(
    ("name", "extras"),
    [("requirements.txt", ["hosted"]), ("deploy/requirements.txt", ["metrics", "redis"])],
)
def test_each_dependency_is_pinned_within_its_range(name: str, extras: list[str]) -> None:
    runtime = pinned(name)
    for requirement in wanted(*extras):
        version, _ = runtime[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_each_pin_has_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "deploy/requirements.txt"):
        assert [package for package, (_, hashes) in pinned(name).items() if not hashes] == []


def test_each_pin_is_there_because_of_the_project_or_of_another_pin() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        reasons = set(re.findall(r"#\s+(?:via )?([a-z0-9._-]+)(?: \(pyproject\.toml\))?$", entry, re.MULTILINE)) - {
            "via"
        }
        known = {canonicalize_name(reason) for reason in reasons} & (
            pinned("requirements.txt").keys() | {"fullsend-mint"}
        )
        assert known, entry.splitlines()[0]


def test_tests_run_with_the_very_versions_that_are_deployed() -> None:
    development = pinned("requirements-dev.txt")
    for package, (version, _) in pinned("requirements.txt").items():
        assert development[package][0] == version


def test_the_image_has_the_pins_of_the_upload_and_the_extras_that_a_standalone_mint_uses() -> None:
    upload, image = pinned("requirements.txt"), pinned("deploy/requirements.txt")
    both = image.keys() & upload.keys()
    assert {name: image[name] for name in both} == {name: upload[name] for name in both}
    assert image.keys() - upload.keys() == {"async-timeout", "prometheus-client", "redis"}
    # What only Cloud Functions needs is no target beside the keys of a standalone mint.
    assert {"functions-framework", "flask", "uvicorn", "starlette", "watchdog"} <= upload.keys() - image.keys()
    assert "COPY deploy/requirements.txt" in (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
