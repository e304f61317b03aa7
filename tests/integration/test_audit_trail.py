"""Find the job that held a token: search the standalone mint's audit file with the real command."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.audited_mint import AuditedMint, events, schema_errors
from tests.contract.exchange import send
from tests.contract.table import Sent, as_job

if TYPE_CHECKING:
    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
FULLSEND = str(Path(sys.executable).parent / "fullsend")


def test_a_token_leads_back_to_the_run_that_held_it(world: World, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    environment = world.standalone_environment(tmp_path, AUDIT_LOG=f"file:{log}")
    with AuditedMint(environment, source=ROOT, command=("fullsend-mint",)) as mint:
        token = send(mint.url, as_job(run_id="4711", actor="hubot")(world)).json["token"]
        send(mint.url, as_job({"role": "nobody"})(world))
        send(mint.url, Sent(world.issuer.forged_token(world.job())))
    content = log.read_text()
    written = events(content.splitlines())
    assert [event["outcome"] for event in written] == ["granted", "denied"]
    assert not schema_errors(written)
    assert token not in content
    digest = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
    found = subprocess.run(
        [FULLSEND, "audit", "find", "--token-hash", digest, str(log)],
        capture_output=True, text=True, timeout=30, check=True, env={"COLUMNS": "200", "PATH": ""},
    ).stdout  # fmt: skip
    assert "4711" in found
    assert "hubot" in found


def test_an_audit_file_that_cannot_be_written_stops_the_start(world: World, tmp_path: Path) -> None:
    environment = world.standalone_environment(tmp_path, AUDIT_LOG=f"file:{tmp_path}/no/audit.jsonl")
    ended = subprocess.run(
        [str(Path(FULLSEND).with_name("fullsend-mint"))],
        capture_output=True, text=True, timeout=30, check=False, env=environment | {"PORT": "65000"},
    )  # fmt: skip
    assert ended.returncode == 1
    assert "AUDIT_LOG names" in ended.stderr
