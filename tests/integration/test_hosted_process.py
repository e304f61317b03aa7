"""The hosted mint as it is deployed: a real process, many callers, only the three parts of the upload."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.audited_mint import AuditedMint
from tests.unit.sandbox.google.google_operator import eventually

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
RUNTIME_BIN = ROOT / ".venv-runtime" / "bin"
BODY = {"role": "coder", "repos": ["app"]}


def mint(url: str, world: World, body: object = BODY) -> requests.Response:
    headers = {"Authorization": f"Bearer {world.issuer.token(world.job())}"}
    return requests.post(f"{url}/v1/token", json=body, headers=headers, timeout=60)


def test_a_hundred_requests_at_once_all_mint(world: World, hosted_mint: MintProcess) -> None:
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: mint(hosted_mint.url, world), range(100)))
    assert [answer.status_code for answer in answers] == [200] * 100
    assert len({answer.json()["token"] for answer in answers}) == 100


def test_a_warm_mint_costs_one_call_to_sts_and_one_to_github(world: World, hosted_mint: MintProcess) -> None:
    warm = {"issuer": 0, "sts": 1, "secret-manager": 0, "github": 1}

    def costs() -> dict[str, int]:
        before = world.outside_calls()
        assert mint(hosted_mint.url, world).status_code == 200
        return {name: calls - before[name] for name, calls in world.outside_calls().items()}

    # After a start, the keys of the other roles are still being read for a moment.
    eventually(lambda: True if costs() == warm else None)
    assert [costs() for _ in range(3)] == [warm] * 3


def test_the_upload_alone_runs_with_nothing_but_its_requirements(world: World, tmp_path: Path) -> None:
    shutil.copy(ROOT / "main.py", tmp_path)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    shutil.copytree(ROOT / "mintcore", tmp_path / "mintcore", ignore=shutil.ignore_patterns("__pycache__"))
    with AuditedMint(world.mint_environment(), source=tmp_path, bin_dir=RUNTIME_BIN) as uploaded:
        assert mint(uploaded.url, world).status_code == 200


def test_a_running_mint_has_loaded_neither_the_command_line_nor_the_sandbox(world: World) -> None:
    names = "import json, sys, main; print(json.dumps([name.split('.')[0] for name in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", names],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **world.mint_environment()},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    # click would not do: functions-framework brings it.
    assert loaded.isdisjoint({"fullsend", "rich", "pytest", "hypothesis", "celpy"})


def test_every_problem_of_the_environment_is_listed_at_once_and_nothing_starts() -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "functions-framework"), "--target=mint", "--host=127.0.0.1", "--port=0"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "ALLOWED_ORGS": "a b",
            "ROLE_APP_IDS": "[]",
            "STS_URL": "http://sts.example.com",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = ran.stderr.strip().splitlines()
    named = {line.split(" ")[0] for line in lines}
    wanted = {"ALLOWED_ORGS", "ROLE_APP_IDS", "STS_URL", "GCP_PROJECT_NUMBER", "WIF_POOL_NAME", "WIF_PROVIDER_NAME"}
    assert ran.returncode == 1
    assert named == wanted
    assert all("for example" in line for line in lines)


@pytest.mark.parametrize("stop", ["SIGTERM", "SIGINT"])
def test_the_process_ends_when_it_is_told_to(stop: str, world: World) -> None:
    import signal  # noqa: PLC0415 - only here

    process = AuditedMint(world.mint_environment(), source=ROOT).start()
    process.send_signal(getattr(signal, stop))
    assert process.stop() == 0
