"""Starting both mints with ISSUERS and CALLERS: what is refused, all at once, and what is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.keys import KeyPool, pem
from fullsend_sandbox.signing import SigningKey, new_ec_key
from tests.standalone import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = {
    "issuer": "far",
    "match": {"kubernetes.io/namespace": "builds", "kubernetes.io/serviceaccount/name": "minter"},
    "as": "acme/app",
    "roles": ["triage"],
}
COMMON = {"ALLOWED_ORGS": "acme", "ROLE_APP_IDS": '{"triage": "1"}', "REPO_SCOPE": "caller"}
NOWHERE = dict.fromkeys(
    ("OIDC_ISSUER_URL", "STS_URL", "SECRET_MANAGER_URL", "GITHUB_API_URL"), "http://127.0.0.1:9"
)
HOSTED = {"GCP_PROJECT_NUMBER": "123", "WIF_POOL_NAME": "pool", "WIF_PROVIDER_NAME": "github-oidc"}


def issuers(file: Path) -> dict[str, str]:
    far = {"kind": "kubernetes", "url": "https://cluster.test", "jwks_file": str(file)}
    return {"ISSUERS": json.dumps({"far": far}), "CALLERS": json.dumps([ENTRY])}


@pytest.fixture
def pems(tmp_path: Path, rsa_keys: KeyPool) -> Path:
    rsa_keys.rewind()
    (tmp_path / "pems").mkdir()
    path = tmp_path / "pems" / "triage.pem"
    path.touch(mode=0o600)
    path.write_bytes(pem(rsa_keys.next_key()))
    return path.parent


def test_check_reports_issuers_and_jobs(tmp_path: Path, pems: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [SigningKey(new_ec_key()).jwk()]}), encoding="utf-8")
    done = run(COMMON | issuers(file) | {"PEM_DIR": str(pems)}, "--check")
    assert (done.status, "act for acme/app" in done.out) == (0, True), done.err
    assert f"https://cluster.test (kubernetes, keys in {file})" in done.out
    # Without ALLOWED_WORKFLOW_FILES only workflows are denied, so the mint is of use.
    assert "ALLOWED_WORKFLOW_FILES is not set" in done.err


def test_the_standalone_mint_lists_a_file_beside_its_other_problems(tmp_path: Path) -> None:
    done = run(COMMON | issuers(tmp_path / "none") | {"PEM_DIR": str(tmp_path / "no"), "BIND": "192.0.2.1"})
    assert done.status == 1
    assert sorted(line.split()[0] for line in done.err.splitlines()) == ["BIND", "ISSUERS", "PEM_DIR"]
    assert "No such file or directory. Fix: write the issuer's JSON Web Key Set there" in done.err


def test_a_mint_without_issuers_loads_no_other_system() -> None:
    """Modules that GitHub's callers do not need must not be imported, at the start or later."""
    code = (
        "import sys, main\n"
        "main._endpoint._service()\n"
        "others = ('mintcore.policy.kinds.', 'mintcore.settings.callers')\n"
        "print([name for name in sys.modules if name.startswith(others)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.defpath, **COMMON, **HOSTED, **NOWHERE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "['mintcore.policy.kinds.github']", done.stderr


def test_the_hosted_mint_does_not_load_without_the_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import main"],
        cwd=ROOT,
        env={"PATH": os.defpath, **COMMON, **HOSTED, **issuers(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith('ISSUERS names for "far" the jwks_file ')
    assert len(done.stderr.splitlines()) == 1
