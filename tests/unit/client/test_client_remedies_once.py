"""A refusal tells one thing to do: the mint's own, or that of its code. So do the command and the action."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fullsend.cli.mint.job_status import _print
from fullsend.client.ask_mints import _together
from fullsend.client.errors import MintClientError
from fullsend.client.mint_request import MintRequest
from fullsend.client.remedies import CLIENT_TABLE, UNKNOWN_CODE, remedy_for
from fullsend.client.types import MintStatus
from fullsend.console import error_text
from mintcore.errors import IssuerRefused, KeyRefused, NotGitHub, StsRefused
from mintcore.errors.table import TABLE

ACTION = Path(__file__).resolve().parents[3] / ".github" / "actions" / "mint-token"
NODE = shutil.which("node")
OWN = "Do this and nothing else."
CODES = [*CLIENT_TABLE, *TABLE, "a_code_of_a_newer_mint", "toString"]
SENTENCES = {
    **{code: [row.sentence or "It failed."] for code, row in {**CLIENT_TABLE, **TABLE}.items()},
    "a_code_of_a_newer_mint": ["It failed."],
    "toString": ["It failed."],
}
for refused in (IssuerRefused, KeyRefused, NotGitHub, StsRefused):
    SENTENCES[refused.code].append(refused.sentence)


def shown(message: str, code: str) -> str:
    """What the command prints."""
    error = MintClientError(message, code=code, request_id="r-1")
    return error_text(error.message, error.remedy, error.code)


@pytest.mark.parametrize("code", CODES)
def test_a_command_prints_one_fix_for_each_code(code: str) -> None:
    for sentence in (*SENTENCES[code], "", f"It failed. Fix: {OWN}"):
        assert shown(sentence, code).count("Fix: ") == 1
    own = shown(f"GitHub says: no. Fix: {OWN}", code)
    assert own == f"error: GitHub says: no.\nFix: {OWN}\nCode: {code}"


# What a mint says may have several fixes, or be empty.
UNUSUAL = {
    "A. Fix: b. Fix: c.": "A.\nFix: b. c.",
    "Fix: b.": "The mint answered 403 without a message.\nFix: b.",
    "": "The mint answered 403 without a message.\nFix: " + UNKNOWN_CODE,
    "A. Fix:": "A.\nFix: " + UNKNOWN_CODE,
    "A.\nFix: b.": "A.\nFix: b.",
}


@pytest.mark.parametrize("code", ["", "a_code_of_a_newer_mint"])
@pytest.mark.parametrize("sentence", UNUSUAL)
def test_an_unusual_sentence_of_a_mint_has_one_fix(sentence: str, code: str) -> None:
    error = MintClientError(sentence, code=code, status=403)
    assert error_text(error.message, error.remedy) == f"error: {UNUSUAL[sentence]}"


@pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")
def test_the_action_prints_one_fix_for_an_unusual_sentence() -> None:
    script = (
        "const { annotateError } = require('./lib/commands'); const { refusal } = require('./lib/mint');"
        "for (const error of JSON.parse(process.argv[1])) annotateError(refusal("
        "{ status: 403, text: JSON.stringify({ error, code: '' }) }, 'https://m', 'x'))"
    )
    done = subprocess.run(
        [str(NODE), "-e", script, json.dumps(list(UNUSUAL))], cwd=ACTION, capture_output=True, text=True, check=True
    )
    shown = [line.partition("::error title=Mint token::")[2] for line in done.stdout.splitlines()]
    assert shown == [text.replace("\n", "%0A") for text in UNUSUAL.values()]


@pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")
def test_the_action_prints_one_fix_for_each_code() -> None:
    errors = [
        {"message": sentence, "mintCode": code, "requestId": "r-1"}
        for code in CODES
        for sentence in (*SENTENCES[code], "", f"It failed. Fix: {OWN}")
    ]
    errors.append({"message": "a failure without a code"})
    script = (
        "const { annotateError } = require('./lib/commands');"
        "for (const error of JSON.parse(process.argv[1])) annotateError(error)"
    )
    done = subprocess.run(
        [str(NODE), "-e", script, json.dumps(errors)], cwd=ACTION, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(errors)
    assert [line for line in lines if line.count("Fix: ") != 1] == []
    own = [line for error, line in zip(errors, lines, strict=True) if OWN in error["message"]]
    assert len(own) == len(CODES)
    assert all(f"::It failed.%0AFix: {OWN}%0Acode " in line for line in own)


def test_several_mints_have_one_fix() -> None:
    first = MintClientError("One is down. Fix: start it.", code="sts_unavailable", request_id="r-1")
    second = MintClientError("Two is silent.", code="mint_unreachable")
    both = _together([second, first])
    assert both.message.endswith("failed: Two is silent. / One is down.")
    assert (both.remedy, both.request_id) == ("start it.", "r-1")
    assert _together([second, second]).remedy == remedy_for("mint_unreachable")


def test_a_code_of_a_newer_mint_leads_to_the_operator() -> None:
    assert MintClientError("No.", code="a_code_of_a_newer_mint").remedy == UNKNOWN_CODE


def test_the_status_of_a_job_is_not_called_that_of_a_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    _print(MintStatus("acme", ("triage",), workflow_allowed=True, version="1", mint_url="m"), MintRequest(""))
    assert "trusted to mint" in capsys.readouterr().out


@pytest.mark.parametrize("code", sorted(CLIENT_TABLE))
def test_a_remedy_of_the_client_has_no_placeholder_of_a_url(code: str) -> None:
    row = CLIENT_TABLE[code]
    assert "{mint URL}" not in row.caller_fix + row.action_fix


def test_remedies_fit_every_answer_that_leads_to_them() -> None:
    assert "After any other status" in remedy_for("oidc_request_failed")  # 204, for example
    assert "tries the next one" not in remedy_for("mint_unreachable")  # all of them were asked
