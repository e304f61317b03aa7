"""`deploy/gcloud.sh` beside a gcloud that records its calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SERVING = "ALLOWED_ORGS\tmy-org,enrolled-since\nROLE_APP_IDS\t{roles}\nGCP_PROJECT_NUMBER\t123456789012"
ROLES = '{"triage": "123456", "coder": "123457", "review": "123458"}'


def deploy(folder: Path, serving: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "deploy").mkdir(exist_ok=True)
    shutil.copy(ROOT / "deploy" / "gcloud.sh", folder / "deploy")
    shutil.copy(ROOT / "deploy" / "env.example.yaml", folder / "deploy" / "env.yaml")
    (folder / "serving").write_text(serving + "\n")
    answer = f'case "$*" in "run services list"*) cat {folder}/serving;; esac'
    stub = f'#!/bin/sh\necho "gcloud $*" >>{folder}/calls\n{answer}\n'
    (folder / "gcloud").write_text(stub)
    (folder / "gcloud").chmod(0o755)
    return subprocess.run(
        ["bash", folder / "deploy" / "gcloud.sh", "my-project"],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_an_enrollment_is_not_undone_by_the_file(tmp_path: Path) -> None:
    done = deploy(tmp_path, SERVING.replace("{roles}", ROLES))
    assert done.returncode == 1
    assert "ALLOWED_ORGS: the mint has my-org,enrolled-since, deploy/env.yaml has my-org" in done.stderr
    assert "ROLE_APP_IDS" not in done.stderr
    assert "Fix: " in done.stderr
    assert "functions deploy" not in (tmp_path / "calls").read_text()


def test_it_is_replaced_where_the_operator_says_so(tmp_path: Path) -> None:
    assert deploy(tmp_path, SERVING.replace("{roles}", ROLES), OVERWRITE="1").returncode == 0
    assert "functions deploy" in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("serving", ["", SERVING.replace(",enrolled-since", "").replace("{roles}", ROLES)])
def test_a_new_mint_and_one_with_the_files_values_are_deployed(tmp_path: Path, serving: str) -> None:
    done = deploy(tmp_path, serving)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [line.split()[1:3] for line in calls] == [
        ["run", "services"],
        ["functions", "deploy"],
        ["run", "services"],
        ["functions", "describe"],
    ]


def test_without_a_project_it_prints_only_its_usage() -> None:
    done = subprocess.run(
        ["bash", ROOT / "deploy" / "gcloud.sh"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (2, "usage: deploy/gcloud.sh PROJECT [REGION]\n")
