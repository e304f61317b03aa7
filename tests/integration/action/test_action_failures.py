"""The action's messages about refusals, its retries, and when it gives up."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from fullsend.client.ask_mints import PERMANENT
from fullsend_sandbox.faults import Drop, Fail
from tests.integration.action.action_job import ACTION, NODE, Job, refusal
from tests.unit.client.test_client_identity import ANSWERS
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.loopback import LoopbackService
    from fullsend_sandbox.process import MintProcess

pytestmark = pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")


def test_a_refusal_is_an_annotation_with_the_mints_sentence_and_a_hint(job: Job) -> None:
    done = job.main(repos="nowhere")
    assert done.returncode == 1
    assert "::error title=Mint token%3A repos_not_accessible::" in done.stdout
    assert "octo-org/nowhere" in done.stdout
    assert "Repository access" in done.stdout
    assert job.outputs == {}


def test_a_refusal_cannot_issue_commands_to_the_runner(job: Job, unsteady: LoopbackService) -> None:
    unsteady.faults.add(refusal(403, "org_not_allowed", "No.\r\n::add-path::/evil%0A"))
    done = job.main(mint_url=unsteady.url)
    assert not [line for line in done.stdout.splitlines() if line.startswith("::add-path")]
    assert "%250A" in done.stdout


def test_what_is_not_a_mint_is_shown_but_not_our_own_token(job: Job, unsteady: LoopbackService) -> None:
    unsteady.faults.add(Fail(404, "<h1>Nothing here</h1>"))
    done = job.main(mint_url=unsteady.url)
    said = "is not a mint: it answers 404 without the mint's error; it sent: <h1>Nothing here</h1>"
    assert said in done.stdout


def test_a_redirect_gets_the_sentence_of_the_client(job: Job, unsteady: LoopbackService) -> None:
    unsteady.faults.add(Fail(302, ""))
    done = job.main(mint_url=unsteady.url)
    said = f"The server at {unsteady.url} is not a mint: it answers 302 without the mint's error.%0AFix:"
    assert said in done.stdout


def test_an_answer_that_is_too_large_is_not_from_a_mint(job: Job, unsteady: LoopbackService) -> None:
    unsteady.faults.add(Fail(200, "x" * (8 * 1024 * 1024 + 1)))
    done = job.main(mint_url=unsteady.url)
    said = f"not_a_mint::The server at {unsteady.url} is not a mint: it sent more than 8388608 bytes."
    assert (said in done.stdout, len(unsteady.traffic)) == (True, 1), done.stdout[:500]


def test_a_mint_that_asks_to_wait_longer_than_the_action_waits_is_not_promised_a_retry(
    job: Job, unsteady: LoopbackService
) -> None:
    unsteady.faults.add(refusal(429, "rate_limited", **{"Retry-After": "99999999"}))
    done = job.main(mint_url=unsteady.url)
    said = (
        "::No. The mint asks to wait 99999999 seconds, longer than the action waits.%0AFix: Run the job again after"
    )
    assert (said in done.stdout, len(unsteady.traffic)) == (True, 1), done.stdout


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_asked_again(job: Job, unsteady: LoopbackService, status: int) -> None:
    unsteady.faults.add(refusal(status, "org_not_allowed"))
    job.main(mint_url=unsteady.url)
    assert len(unsteady.traffic) == 1


@pytest.mark.parametrize(
    "fault", [refusal(503, "github_rate_limited"), refusal(429, "rate_limited", **{"Retry-After": "1"}), Drop()]
)
def test_what_may_pass_is_asked_again(job: Job, unsteady: LoopbackService, fault: Fail | Drop) -> None:
    unsteady.faults.add(fault, times=1)
    unsteady.faults.add(refusal(403, "org_not_allowed"))
    job.main(mint_url=unsteady.url)
    assert len(unsteady.traffic) == 2


@pytest.mark.parametrize("code", sorted(PERMANENT))
def test_a_failure_that_the_operator_has_to_fix_is_not_repeated(
    job: Job, unsteady: LoopbackService, code: str
) -> None:
    unsteady.faults.add(refusal(500, code))
    done = job.main(mint_url=unsteady.url)
    assert (len(unsteady.traffic), code in done.stdout) == (1, True)


@pytest.mark.parametrize("code", ["key_unavailable", "sts_unavailable"])
def test_a_failure_of_which_the_mint_says_that_it_lasts_is_not_repeated(
    job: Job, unsteady: LoopbackService, code: str
) -> None:
    unsteady.faults.add(refusal(502, code, **{"X-Should-Retry": "false"}))
    done = job.main(mint_url=unsteady.url)
    assert (len(unsteady.traffic), code in done.stdout) == (1, True)


def test_a_500_that_is_not_the_mints_own_is_asked_again(job: Job, unsteady: LoopbackService) -> None:
    unsteady.faults.add(Fail(500, "<html>Internal Server Error"), times=1)
    unsteady.faults.add(refusal(403, "org_not_allowed"))
    job.main(mint_url=unsteady.url)
    assert len(unsteady.traffic) == 2


@pytest.mark.parametrize("fault", [refusal(500, "internal_error"), Drop()])
def test_the_next_mint_is_asked_when_one_fails(
    job: Job, unsteady: LoopbackService, hosted_mint: MintProcess, fault: Fail | Drop
) -> None:
    unsteady.faults.add(fault)
    done = job.main(mint_url=f"{unsteady.url}\n{hosted_mint.url}")
    assert (done.returncode, len(unsteady.traffic)) == (0, 1)
    assert done.stdout.count(f"\nSkipped the mint at {unsteady.url}: ") == 1


def test_a_mint_is_not_asked_before_the_time_it_asked_for_while_another_is_silent(
    job: Job, unsteady: LoopbackService
) -> None:
    unsteady.faults.add(refusal(503, "github_rate_limited", **{"Retry-After": "3"}), times=1)
    unsteady.faults.add(refusal(403, "role_not_allowed"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        silent = f"http://127.0.0.1:{probe.getsockname()[1]}"
    began = time.monotonic()
    done = job.main(mint_url=f"{silent} {unsteady.url}")
    assert "role_not_allowed" in done.stdout
    assert time.monotonic() - began >= 3
    assert len(unsteady.traffic) == 2


def test_a_job_without_the_permission_is_shown_the_yaml(job: Job) -> None:
    del job.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    assert "id-token: write" in job.main().stdout


def test_an_invalid_address_of_the_token_service_is_named(job: Job) -> None:
    job.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "garbage"
    done = job.main()
    assert "oidc_variables_invalid::" in done.stdout
    assert "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL" in done.stdout


def test_the_request_token_is_not_sent_over_plain_http(job: Job) -> None:
    job.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://token.example/"
    done = job.main()
    assert "oidc_variables_invalid::" in done.stdout
    assert "must begin with https:// (http only on a loopback address)" in done.stdout


def test_each_answer_without_an_oidc_token_gets_the_advice_of_the_command(job: Job) -> None:
    script = (
        "const { oidcToken } = require('./lib/oidc');"
        "const next = async (codes, left) => left ? next([...codes, await oidcToken(process.env, 'a', 0.6)"
        ".catch((error) => [error.mintCode, error.message])], left - 1) : codes;"
        f"next([], {len(ANSWERS)}).then((codes) => console.log(JSON.stringify(codes)))"
    )
    with Peer(lambda number: [answer(*ANSWERS[number][:2])]) as service:
        done = subprocess.run(
            [str(NODE), "-e", script],
            env={**job.environment, "ACTIONS_ID_TOKEN_REQUEST_URL": f"{service.url}/"},
            cwd=ACTION, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    found = json.loads(done.stdout)
    assert [code for code, _ in found] == [code for _, _, code in ANSWERS]
    assert all(f"answered {status}" in text for (_, text), (status, _, _) in zip(found, ANSWERS, strict=True))


def test_a_pull_request_from_a_fork_is_told_apart(job: Job, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": {"full_name": "me/app"}}}}), encoding="utf-8")
    del job.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    job.environment |= {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    assert "oidc_fork_pull_request" in job.main().stdout
