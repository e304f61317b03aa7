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
    view, _, said = result.output.partition("\n")
    assert view == "The job's view. The operator's view: fullsend mint status --project PROJECT"
    assert said.startswith("error: " + SENTENCE.replace(" Fix: ", "\nFix: "))


RULES = [
    {"rule": "org", "passed": True, "found": "a", "expected": "b"},
    {
        "rule": "workflow_repo", "passed": False, "found": "it lives in octo-org/app", "expected": "b",
        "code": "workflow_not_allowed", "change": "The workflow lives in octo-org/app.",
    },
    {
        "rule": "role", "passed": False, "found": "the role is nope", "expected": "b",
        "code": "role_not_allowed", "change": "This mint does not serve the role nope. Fix: Ask for triage.",
    },
    {
        "rule": "level", "passed": False, "found": "the level is x", "expected": "b",
        "code": "invalid_level", "change": "",
    },
]  # fmt: skip
ANSWER = {
    "org": "octo-org", "roles": ["triage"], "workflow_allowed": True, "version": "1", "allowed": False,
    "rules": RULES,
}  # fmt: skip
JOB = {
    "GITLAB_CI": "true",
    "FULLSEND_MINT_ID_TOKEN": f"{part(alg='RS256')}.{part(aud='fullsend-mint')}.c2ln",
    "GITHUB_ACTIONS": "",
    "NO_COLOR": "1",
}


def shown(*words: str, trusted: bool = True, **changes: str) -> str:
    unasked: set[str] = set() if words else {"allowed", "rules"}  # without a role the mint answers neither
    fields = {name: value for name, value in ANSWER.items() if name not in unasked}
    body = json.dumps(fields | {"workflow_allowed": trusted}).encode()
    with Peer(lambda _: [answer(HTTPStatus.OK, body)]) as peer:
        result = CliRunner().invoke(status, list(words), env={**JOB, "FULLSEND_MINT_URL": peer.url, **changes})
    assert result.exit_code == 3, result.output
    return result.output


def test_each_rule_that_denies_has_a_fix_and_its_code() -> None:
    told = shown("--role", "nope").rpartition("\nworkflow_repo: ")[2].splitlines()
    assert told == [
        "The workflow lives in octo-org/app.",
        "Fix: " + remedy_for("workflow_not_allowed").partition(" `fullsend mint status")[0],
        "Code: workflow_not_allowed",
        "role: This mint does not serve the role nope.",
        "Fix: Ask for triage.",
        "Code: role_not_allowed",
        "level: the level is x",
        "Fix: Use a level that the role has.",
        "Code: invalid_level",
    ]


def test_a_workflow_that_may_not_mint_gets_the_fix_and_the_code() -> None:
    told = shown(trusted=False).splitlines()[-2:]
    assert told == [f"Fix: {remedy_for('workflow_not_allowed')}", "Code: workflow_not_allowed"]


def test_the_first_line_says_that_a_variable_asks_for_the_jobs_view() -> None:
    first = shown("--role", "nope").partition("\n")[0]
    assert first == (
        "The job's view, because FULLSEND_MINT_URL is set. "
        "The operator's view: fullsend mint status --project PROJECT"
    )


def test_a_narrow_terminal_separates_the_request_from_its_rules() -> None:
    lines = shown("--role", "nope", COLUMNS="50").splitlines()
    at = lines.index("would be allowed  no")
    assert lines[at - 1] == "request           role nope on the mint's default repositories"
    assert lines[at + 1 : at + 3] == ["", "result   ok"]


def test_a_foreign_repository_is_told_the_option_for_its_owner() -> None:
    words = ["--mint-url", "http://127.0.0.1:9", "--role", "triage", "--repos", "other/app"]
    result = CliRunner().invoke(status, words, env={"GITHUB_REPOSITORY_OWNER": "octo-org"})
    said = " ".join(result.output.split())
    assert "give the bare name, or name the owner with --target-org." in said, said


def test_the_help_has_whole_sentences() -> None:
    said = " ".join(CliRunner().invoke(status, ["--help"]).output.split())
    assert "In a job, the command shows the organization" in said
    assert "With --project, the command shows the mint's function" in said


def test_a_repository_that_every_mint_refuses_is_shown() -> None:
    result = CliRunner().invoke(status, ["--mint-url", "http://127.0.0.1:9", "--role", "triage", "--repos", "."])
    assert result.exit_code == 2
    assert "'.': repos is not a list of repository names" in " ".join(result.output.split())


def test_a_refusal_without_a_fix_gets_the_one_of_its_code() -> None:
    assert MintRefusedError("No.", code="claims_not_allowed").remedy == remedy_for("claims_not_allowed") != ""
