"""What the commands refuse before they send anything, and how they report failures."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.faults import Slow
from fullsend_sandbox.loopback import LoopbackService
from tests.integration.callers.job_commands import FULLSEND, Run

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--role=", "'--role': it is empty"),
        ("--role Bad", "'--role': The role name is invalid"),
        ("--role a--b", "'--role': The role name is invalid"),
        ("--role coder --repos a/b", "'--repos': the repository 'a/b' belongs to 'a', not to octo-org"),
        ("--role coder --repos *,a", "'--repos': repos mixes"),
        ("--role coder --env-name TOKEN", "--env-name is the name for --format env"),
        ("--role coder --format json --env-name TOKEN", "--env-name is the name for --format env"),
        ("--role coder --format json --github-output", "--github-output does not use --format"),
        ("--role coder --timeout soon", "not a valid number of seconds"),
    ],
)
def test_what_every_mint_refuses_is_a_usage_error_and_is_not_sent(
    world: World, mint: Run, words: str, says: str
) -> None:
    done = mint("token", *words.split())
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert world.issuer.traffic.count(path_prefix="/token-request") == 0


@pytest.mark.parametrize("words", [["exec", "--role", "Bad", "--", "true"], ["status", "--role", "Bad"]])
def test_every_command_looks_at_the_role_before_it_asks(world: World, mint: Run, words: list[str]) -> None:
    done = mint(*words)
    assert (done.returncode, "The role name is invalid" in done.stderr) == (2, True)
    assert world.issuer.traffic.count(path_prefix="/token-request") == 0


def test_a_refusal_is_the_mints_sentence_its_code_and_what_to_do(mint: Run) -> None:
    done = mint("token", "--role", "triage", "--repos", "app,nowhere")
    assert done.returncode == 1
    assert "octo-org/nowhere" in done.stderr
    assert "Code: repos_not_accessible, request id " in done.stderr
    assert "add the repository to the installation" in done.stderr


def test_a_job_without_the_permission_is_shown_the_yaml(mint: Run) -> None:
    done = mint("token", "--role", "triage", ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
    assert done.returncode == 2  # nothing was sent
    assert "id-token: write" in done.stderr


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}, "its token service answered 401", "oidc_request_failed"),
        (
            {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/"},
            "its token service was not reached: the connection to 127.0.0.1:9 failed (Connection refused)",
            "oidc_unreachable",
        ),
        *(
            (
                {"ACTIONS_ID_TOKEN_REQUEST_URL": url},
                "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL",
                "oidc_variables_invalid",
            )
            for url in ("garbage", "http://", "https://[::1")
        ),
    ],
)
def test_why_there_is_no_oidc_token_is_one_whole_sentence(
    mint: Run, changes: dict[str, str], reason: str, code: str
) -> None:
    done = mint("token", "--role", "triage", "--timeout", "1", **changes)
    assert done.returncode == (2 if code == "oidc_variables_invalid" else 1)
    sentence = f"error: The CI system did not give this job its OIDC token: {reason}."
    lines = done.stderr.splitlines()
    assert (sentence in lines, lines[-1]) == (True, f"Code: {code}")


def test_an_unreachable_mint_is_passed_over(mint: Run, hosted_mint: MintProcess) -> None:
    done = mint("token", "--role", "triage", "--mint-url", "http://127.0.0.1:9", "--mint-url", hosted_mint.url)
    assert done.returncode == 0


def test_an_unreachable_mint_alone_is_given_up_in_the_time_allowed(mint: Run) -> None:
    done = mint("token", "--role", "triage", "--mint-url", "http://127.0.0.1:9", "--timeout", "1")
    assert done.returncode == 1
    assert "Code: mint_unreachable" in done.stderr


def test_a_command_that_asks_again_says_why_and_when(mint: Run) -> None:
    done = mint("token", "--role", "triage", "--mint-url", "http://127.0.0.1:9", "--timeout", "2")
    assert done.stderr.splitlines()[0] == (
        "trying again in 1 s: The mint did not answer: the connection to 127.0.0.1:9 failed (Connection refused)."
    )


def test_a_mints_sentence_repeated_while_waiting_is_not_a_command_to_the_runner(mint: Run) -> None:
    def app(_: Request) -> Response:
        sentence = f"::add-path::/evil {'ghs_' + 'x' * 36}"
        body = {"error": sentence, "code": "github_unavailable", "request_id": "r"}
        return Response(json.dumps(body), 502, content_type="application/json")

    with LoopbackService("mint", app) as service:
        done = mint("token", "--role", "triage", "--mint-url", service.url, "--timeout", "2")
    assert "trying again in 1 s: ::add-path" in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("::add-path")]
    assert "ghs_x" not in done.stderr


@pytest.mark.parametrize("words", [["token"], ["exec", "--", "true"]])
def test_ctrl_c_while_waiting_is_130_and_no_traceback(environment: dict[str, str], words: list[str]) -> None:
    command, *rest = words
    with subprocess.Popen(
        [FULLSEND, "mint", command, "--role", "triage", "--mint-url", "http://127.0.0.1:9", *rest],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("trying again in ")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert "Traceback" not in process.stderr.read()


def test_a_mint_over_plain_http_is_refused(mint: Run) -> None:
    done = mint("token", "--role", "triage", "--mint-url", "http://mint.example.com")
    assert done.returncode == 2
    assert "must begin with https://" in done.stderr


def test_a_github_over_plain_http_is_refused_with_what_to_set(mint: Run) -> None:
    done = mint("revoke", GH_TOKEN="ghs_" + "x" * 36, GITHUB_API_URL="http://github.example.com")
    assert done.returncode == 2
    assert "Code: github_url_invalid" in done.stderr
    assert "Set GITHUB_API_URL" in done.stderr
    assert "--mint-url" not in done.stderr


def test_no_mint_url_is_a_usage_error(mint: Run) -> None:
    assert mint("token", "--role", "triage", FULLSEND_MINT_URL="").returncode == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--permission contents", "'contents' is not a permission"),
        ("--permission contents:read,contents:write", "contents is given twice"),
        ("--permission=", "--permission is empty"),
        ("--level=", "--level is empty"),
        ("--level Read", "'--level'"),
        ("--target-org=", "--target-org is empty"),
        ("--target-org a/b", "'--target-org'"),
        ("--target-org other", "'--repos': --target-org needs repos"),
        ("--target-org other --repos octo-org/app", "belongs to 'octo-org', not to other"),
    ],
)
def test_what_narrows_a_token_is_checked_before_anything_is_sent(
    world: World, mint: Run, words: str, says: str
) -> None:
    done = mint("token", "--role", "coder", *words.split())
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert world.issuer.traffic.count(path_prefix="/token-request") == 0


def test_the_time_allowed_covers_the_oidc_token_too(world: World, mint: Run) -> None:
    world.issuer.faults.add(Slow(30), "/token-request")
    began = time.monotonic()
    done = mint("token", "--role", "triage", "--timeout", "1")
    assert (done.returncode, "Code: oidc_unreachable" in done.stderr) == (1, True), done.stderr
    assert time.monotonic() - began < 15


def test_several_mints_get_an_oidc_token_each(world: World, mint: Run, hosted_mint: MintProcess) -> None:
    seen: list[str] = []

    def app(request: Request) -> Response:
        seen.append(request.headers["Authorization"])
        return Response("down", 503)

    with LoopbackService("mint", app) as service:
        assert mint("token", "--role", "triage", "--mint-url", service.url, "--mint-url", hosted_mint.url).stdout
    assert world.issuer.traffic.count(path_prefix="/token-request") == 2
    assert len(seen) == 1
