"""A mint's refusal of a job, as `fullsend mint status` shows it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from http import HTTPStatus

import pytest
from click.testing import CliRunner

from fullsend.cli.mint.status import status
from fullsend.client.errors import MintRefusedError
from fullsend.client.remedies import remedy_for
from tests.unit.outbound.loopback_peer import Peer, answer

SENTENCE = "The closest is CALLERS[0]. Fix: run the job so that its claims match"


def part(**fields: str) -> str:
    return urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("code", "http", "exit_code"),
    [("claims_not_allowed", HTTPStatus.FORBIDDEN, 3), ("invalid_token", HTTPStatus.UNAUTHORIZED, 1)],
)
def test_status_of_a_refused_job_is_3_and_shows_one_fix(code: str, http: int, exit_code: int) -> None:
    body = json.dumps({"error": SENTENCE, "code": code, "request_id": "r1"}).encode()
    job = {
        "GITLAB_CI": "true",
        "FULLSEND_MINT_ID_TOKEN": f"{part(alg='RS256')}.{part(aud='fullsend-mint')}.c2ln",
        "GITHUB_ACTIONS": "",
    }
    with Peer(lambda _: [answer(http, body)]) as peer:
        result = CliRunner().invoke(status, ["--mint-url", peer.url, "--role", "triage"], env=job)
    assert (result.exit_code, result.output.count("Fix:")) == (exit_code, 1), result.output
    assert result.output.startswith("error: " + SENTENCE.replace(" Fix: ", "\nFix: "))


def test_a_repository_that_every_mint_refuses_is_shown() -> None:
    result = CliRunner().invoke(status, ["--mint-url", "http://127.0.0.1:9", "--role", "triage", "--repos", "."])
    assert result.exit_code == 2
    assert "'.': repos is not a list of repository names" in " ".join(result.output.split())


def test_a_refusal_without_a_fix_gets_the_one_of_its_code() -> None:
    assert MintRefusedError("No.", code="claims_not_allowed").remedy == remedy_for("claims_not_allowed") != ""
