"""`fullsend mint …` as a job runs it: real processes, the real mint, the sandbox's GitHub."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.faults import Fail, Slow
from fullsend_sandbox.github.tokens import TokenStyle
from fullsend_sandbox.loopback import LoopbackService
from tests.fork.client import fork_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

    Run = Callable[..., subprocess.CompletedProcess[str]]

UNKNOWN = '{"message": "Bad credentials"}'
FORBIDDEN = '{"message": "Resource not accessible by integration"}'
FULLSEND = str(Path(sys.executable).parent / "fullsend")


@pytest.fixture
def environment(world: World, hosted_mint: MintProcess) -> dict[str, str]:
    """Give the environment of a job that may mint."""
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        **world.issuer.job_environment(world.job()),
        "GITHUB_API_URL": world.github.api_url,
        "FULLSEND_MINT_URL": hosted_mint.url,
    }


@pytest.fixture
def mint(environment: dict[str, str]) -> Run:
    """Give a function that runs `fullsend mint ARGS` in that job."""

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return fork_server().run([FULLSEND, "mint", *arguments], env={**environment, **changes}, cwd=Path.cwd())

    return run


@pytest.mark.parametrize("style", list(TokenStyle))
def test_token_prints_the_bare_token_on_stdout(world: World, mint: Run, style: TokenStyle) -> None:
    world.github.use_token_style(style)
    done = mint("token", "--role", "triage", "--repos", "app")
    assert done.returncode == 0
    assert done.stdout.startswith("ghs_")
    assert len(done.stdout.splitlines()) == 1


def test_token_asks_the_runner_to_mask_it_away_from_what_a_shell_captures(mint: Run) -> None:
    done = mint("token", "--role", "triage")
    assert done.stderr.splitlines()[0] == f"::add-mask::{done.stdout.strip()}"


def test_token_as_json_tells_scope_and_expiry(mint: Run) -> None:
    answer = json.loads(mint("token", "--role", "triage", "--repos", "app", "--format", "json").stdout)
    assert answer["granted_repos"] == ["octo-org/app"]
    assert answer["granted_permissions"] == {"contents": "read", "issues": "write", "metadata": "read"}


def test_token_as_env_can_be_evaluated_by_a_shell(mint: Run) -> None:
    line = mint("token", "--role", "triage", "--format", "env").stdout
    assert line.startswith("GH_TOKEN=ghs_")


def test_token_written_to_a_file_is_private_even_where_a_readable_file_was(mint: Run, tmp_path: Path) -> None:
    target = tmp_path / "token"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o644)
    done = mint("token", "--role", "triage", "--out", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text(encoding="utf-8").startswith("ghs_")
    assert done.stdout == ""
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


def test_a_token_that_cannot_be_delivered_is_revoked(world: World, mint: Run, tmp_path: Path) -> None:
    done = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT=str(tmp_path))
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)
    assert "The token was not delivered; it was revoked.\n" in done.stderr
    assert world.github.traffic.count(path_prefix="/installation/token", method="DELETE") == 1
    assert world.github.live_tokens() == []


def test_a_token_that_another_github_does_not_know_is_not_said_to_be_revoked(
    world: World, mint: Run, tmp_path: Path
) -> None:
    world.github.faults.add(Fail(401, UNKNOWN), "/installation/token")
    undelivered = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT=str(tmp_path))
    assert "The token was not delivered, and not revoked: " in undelivered.stderr
    used = mint(*script("true"))
    for done in (undelivered, used):
        assert f"{world.github.api_url} does not know the token" in done.stderr
        assert "at its own it lives until it expires" in done.stderr
    assert used.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_token_is_revoked_when_a_signal_comes_before_it_is_delivered(
    world: World, environment: dict[str, str], number: signal.Signals
) -> None:
    world.github.faults.add(Fail(401), "/installation/repositories")
    world.github.faults.add(Slow(0.5), "/installation/token")
    with subprocess.Popen(
        [FULLSEND, "mint", "token", "--role", "triage", "--wait-usable"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        while "trying again" not in process.stderr.readline():
            pass
        for _ in range(2):  # a second one does not cut the revocation short
            process.send_signal(number)
            time.sleep(0.1)
        out, said = process.communicate(timeout=30)
    assert (process.returncode, out) == (128 + number, "")
    assert "The token was not delivered; it was revoked." in said
    assert world.github.live_tokens() == []


def test_a_token_that_could_be_neither_delivered_nor_revoked_is_said_to_live(
    world: World, mint: Run, tmp_path: Path
) -> None:
    world.github.faults.add(Fail(403, FORBIDDEN), "/installation/token")
    done = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT=str(tmp_path))
    assert done.returncode == 1
    assert "not revoked: GitHub answered 403" in done.stderr


def test_nothing_is_minted_for_a_folder_that_is_not_there(world: World, mint: Run, tmp_path: Path) -> None:
    done = mint("token", "--role", "triage", "--out", str(tmp_path / "nowhere" / "token"))
    assert (done.returncode, f"the folder {tmp_path}/nowhere does not exist" in done.stderr) == (2, True)
    assert world.github.traffic.count(path_prefix="/app/installations") == 0


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
        ("--role coder --format json --github-output", "--github-output has no --format"),
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


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_a_token_that_stdout_does_not_take_is_revoked(
    world: World, environment: dict[str, str], stdout: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" mint token --role triage {stdout}', FULLSEND],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: standard output cannot be written: ")
    assert "Traceback" not in done.stderr
    assert world.github.traffic.count(path_prefix="/installation/token", method="DELETE") == 1
    assert world.github.live_tokens() == []


def test_a_table_that_stdout_does_not_take_is_one_sentence(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" mint status >/dev/full', FULLSEND],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "error: standard output cannot be written: No space left on device.\n"


def test_a_token_in_a_file_does_without_stdout(environment: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "token"
    subprocess.run(
        ["bash", "-c", '"$0" mint token --role triage --out "$1" >&-', FULLSEND, str(target)],
        env=environment,
        timeout=60,
        check=True,
    )
    assert target.read_text(encoding="utf-8").startswith("ghs_")


def test_nothing_is_minted_for_an_output_that_is_not_a_regular_file(
    world: World, mint: Run, tmp_path: Path
) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "elsewhere")
    for place in (pipe, link):
        done = mint("token", "--role", "triage", "--out", str(place))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "name a new file, or a regular one to be replaced" in done.stderr
    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)
    assert world.github.traffic.count(path_prefix="/app/installations") == 0


def test_token_goes_to_the_steps_outputs_on_request(mint: Run, tmp_path: Path) -> None:
    output = tmp_path / "output"
    done = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT=str(output))
    name, token, delimiter, *_ = output.read_text(encoding="utf-8").splitlines()
    assert (name, done.stdout) == (f"token<<{delimiter}", "")
    assert token.startswith("ghs_")


def test_wait_usable_returns_when_github_takes_the_token(world: World, mint: Run) -> None:
    world.github.not_usable_for(1)
    assert mint("token", "--role", "triage", "--wait-usable").returncode == 0
    assert world.github.traffic.matching(path_prefix="/installation/repositories")[-1].status == 200


def test_a_token_in_a_file_is_revoked_and_once_more_is_still_done(world: World, mint: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "token")
    mint("token", "--role", "triage", "--out", target)
    assert [mint("revoke", "--token-file", target).returncode for _ in range(2)] == [0, 0]
    assert world.github.live_tokens() == []


def test_a_token_made_a_moment_ago_is_revoked_although_github_does_not_know_it_yet(
    world: World, mint: Run, tmp_path: Path
) -> None:
    target = str(tmp_path / "token")
    mint("token", "--role", "triage", "--out", target)
    world.github.faults.add(Fail(401, UNKNOWN), "/installation/token", times=1)
    assert mint("revoke", "--token-file", target).stderr == "token revoked\n"
    assert world.github.live_tokens() == []


def test_a_token_that_github_does_not_know_may_never_have_been_one(world: World, mint: Run) -> None:
    done = mint("revoke", GH_TOKEN="ghs_" + "x" * 36)
    assert done.returncode == 0
    said = "does not know the token: it was revoked or has expired, or is another GitHub's"
    assert done.stderr == f"{world.github.api_url} {said}\n"


@pytest.mark.parametrize("wrong", ["garbage", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "ghs_first\nghs_second", ""])
def test_other_text_than_a_github_token_is_neither_sent_nor_reported_as_revoked(
    world: World, mint: Run, tmp_path: Path, wrong: str
) -> None:
    path = tmp_path / "token"
    path.write_text(wrong, encoding="utf-8")
    for done in (mint("revoke", GH_TOKEN=wrong), mint("revoke", "--token-file", str(path))):
        assert done.returncode == 2  # nothing was sent
        assert done.stderr.startswith("error: ")
    assert len(world.github.traffic) == 0


def test_a_variable_that_is_set_is_not_said_to_hold_nothing(mint: Run) -> None:
    assert "blanks or line breaks" in mint("revoke", GH_TOKEN="a\nb").stderr
    assert "No token was found in the variable GH_TOKEN." in mint("revoke", GH_TOKEN="").stderr


def test_revoke_takes_a_file_or_a_variable(world: World, mint: Run, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("ghs_" + "x" * 36, encoding="utf-8")
    done = mint("revoke", "--token-file", str(path), "--env", "GH_TOKEN")
    assert (done.returncode, "give one of them" in done.stderr) == (2, True)
    assert len(world.github.traffic) == 0


@pytest.mark.parametrize("form", ["json", "env"])
def test_revoke_reads_every_form_that_token_writes(world: World, mint: Run, tmp_path: Path, form: str) -> None:
    target = str(tmp_path / "token")
    mint("token", "--role", "triage", "--format", form, "--out", target)
    assert mint("revoke", "--token-file", target).returncode == 0
    assert world.github.live_tokens() == []


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
            "its token service was not reached, the connection to 127.0.0.1:9 failed (Connection refused)",
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


def test_status_lists_the_roles(mint: Run) -> None:
    answer = json.loads(mint("status", "--json").stdout)
    assert (answer["org"], answer["workflow_allowed"]) == ("octo-org", True)
    assert "triage" in answer["roles"]


def test_status_is_3_where_the_workflow_would_be_refused(world: World, mint: Run) -> None:
    job = world.job(workflow="octo-org/app/.github/workflows/own.yml@refs/heads/main")
    done = mint("status", **world.issuer.job_environment(job))
    assert done.returncode == 3
    assert "`fullsend mint status --role ROLE`" in done.stderr


def test_status_of_a_role_shows_each_rule(mint: Run) -> None:
    done = mint("status", "--role", "triage", "--repos", "app,docs")
    assert (done.returncode, done.stderr) == (0, "")
    assert "role triage on app, docs" in done.stdout
    for rule in ("org", "workflow_repo", "workflow_file", "role"):
        assert re.search(rf"│ ok +│ {rule} +│", done.stdout), rule


def test_a_tokens_level_and_permissions_are_narrowed(world: World, mint: Run) -> None:
    words = "token --role coder --repos octo-org/app --level read --permission contents:read --format json"
    done = mint(*words.split())
    granted = json.loads(done.stdout)
    assert granted["granted_repos"] == ["octo-org/app"]
    assert granted["granted_permissions"] == {"contents": "read", "metadata": "read"}
    assert len(world.github.live_tokens()) == 1


def test_a_status_for_a_level_that_the_role_does_not_have_is_3(mint: Run) -> None:
    done = mint("status", "--role", "triage", "--level", "middle")
    assert (done.returncode, "invalid_level" in done.stdout + done.stderr) == (3, True), done.stderr


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
        ("--target-org other", "'--repos': target_org needs repos"),
        ("--target-org other --repos octo-org/app", "belongs to 'octo-org', not to other"),
    ],
)
def test_what_narrows_a_token_is_checked_before_anything_is_sent(
    world: World, mint: Run, words: str, says: str
) -> None:
    done = mint("token", "--role", "coder", *words.split())
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert world.issuer.traffic.count(path_prefix="/token-request") == 0


def test_a_warning_of_the_mint_is_shown_and_is_not_a_command_to_the_runner(mint: Run) -> None:
    def app(_: Request) -> Response:
        body = {
            "token": "ghs_" + "x" * 36,
            "expires_at": "2026-01-01T00:00:00Z",
            "granted_repos": [],
            "granted_permissions": {},
            "repository_selection": "all",
            "warnings": ["::add-path::/evil", "a ##[add-path]/evil", 1, "x\n::stop-commands::y"],
        }
        return Response(json.dumps(body), content_type="application/json")

    with LoopbackService("mint", app) as service:
        done = mint("token", "--role", "triage", "--mint-url", service.url)
    assert done.stderr.splitlines()[-3:] == [
        "warning: ::add-path::/evil",
        "warning: a ## [add-path]/evil",
        "warning: x ::stop-commands::y",
    ]


@pytest.mark.parametrize("token", ["::add-path::/evil", "x##[add-path]/evil"])
def test_a_token_that_is_a_command_to_the_runner_is_not_printed(mint: Run, token: str) -> None:
    def app(_: Request) -> Response:
        body = {
            "token": token,
            "expires_at": "2026-01-01T00:00:00Z",
            "granted_repos": [],
            "granted_permissions": {},
            "repository_selection": "all",
        }
        return Response(json.dumps(body), content_type="application/json")

    with LoopbackService("mint", app) as service:
        done = mint("token", "--role", "triage", "--mint-url", service.url)
    assert (done.returncode, done.stdout, token in done.stderr) == (1, "", False)


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


def test_status_of_a_role_says_which_rule_refuses_and_what_to_change(world: World, mint: Run) -> None:
    job = world.job(workflow="octo-org/app/.github/workflows/own.yml@refs/heads/main")
    done = mint("status", "--role", "triage", **world.issuer.job_environment(job))
    assert done.returncode == 3
    assert re.search(
        r"│ NO +│ workflow_repo +│ the workflow lives in octo-org/app .*│ workflow_not_allowed", done.stdout
    )
    assert done.stderr.startswith("workflow_repo: The workflow lives in octo-org/app, and this mint trusts")
    assert "fullsend mint status" not in done.stderr


def test_status_of_a_role_as_json_has_the_rules_as_the_mint_gives_them(mint: Run) -> None:
    done = mint("status", "--role", "nobodys", "--repos", "app", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["request"]) == (3, {"role": "nobodys", "repos": ["app"]})
    assert (answer["allowed"], answer["workflow_allowed"]) == (False, True)
    [failed] = [rule for rule in answer["rules"] if not rule["passed"]]
    assert (failed["rule"], failed["code"]) == ("role", "role_not_allowed")
    assert set(answer["rules"][0]) == {"rule", "passed", "found", "expected"}


@pytest.mark.parametrize(
    "words", [["--repos", "app"], ["--role", "triage", "--project", "p"], ["--role", "triage", "octo-org"]]
)
def test_status_of_a_role_is_asked_in_a_job(mint: Run, words: list[str]) -> None:
    assert mint("status", *words).returncode == 2


def script(body: str) -> list[str]:
    return ["exec", "--role", "triage", "--repos", "app", "--", "sh", "-c", body]


def test_exec_gives_the_command_a_token_and_revokes_it(world: World, mint: Run) -> None:
    done = mint(*script('printf %s "$GH_TOKEN"'))
    assert done.stdout.startswith("ghs_")
    assert world.github.live_tokens() == []


def test_exec_revokes_a_token_so_fresh_that_github_does_not_know_it_yet(world: World, mint: Run) -> None:
    world.github.not_usable_for(1)
    mint(*script("true"))
    assert world.github.live_tokens() == []


def test_exec_returns_the_commands_status_and_revokes_after_a_failure(world: World, mint: Run) -> None:
    assert mint(*script("exit 7")).returncode == 7
    assert world.github.live_tokens() == []


def test_exec_returns_128_and_the_signal_that_killed_the_command(mint: Run) -> None:
    assert mint(*script("kill -KILL $$")).returncode == 128 + signal.SIGKILL


def test_exec_keeps_the_way_to_oidc_tokens_from_the_command(mint: Run) -> None:
    assert "ACTIONS_ID_TOKEN_REQUEST" not in mint(*script("env")).stdout


# Root may read every process's memory with one of these capabilities: CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON.
# Without them, also root gets only what a process opens to its own user.
AS_ANY_USER = """
import ctypes, os, sys
for capability in (19, 21, 38):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
READS_ITS_PARENT = """
import ctypes, os
try:
    print("ACTIONS_ID_TOKEN_REQUEST_TOKEN" in open(f"/proc/{os.getppid()}/environ").read())
except PermissionError:
    print("refused")
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl(2) is Linux's")
def test_exec_closes_its_own_memory_to_the_command(environment: dict[str, str]) -> None:
    def run(*words: str) -> list[str]:
        command = [sys.executable, "-c", AS_ANY_USER, *words, sys.executable, "-c", READS_ITS_PARENT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.split()

    plain = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    # The probe itself works: another parent's memory is open to the command.
    assert run(sys.executable, "-c", plain) == ["True", "1"]
    # Our own is not, and the command is dumpable again.
    assert run(FULLSEND, "mint", "exec", "--role", "triage", "--") == ["refused", "1"]


def test_exec_puts_the_token_where_it_was_asked_to(mint: Run) -> None:
    done = mint(
        "exec", "--role", "triage", "--env", "A", "--env", "B", "--", "sh", "-c", 'echo "$A $B ${GH_TOKEN-none}"'
    )
    a, b, gh_token = done.stdout.split()
    assert (a, gh_token) == (b, "none")


def test_exec_mints_nothing_for_a_command_that_is_not_there(world: World, mint: Run) -> None:
    assert mint("exec", "--role", "triage", "--", "no-such-command").returncode == 127
    assert world.github.traffic.count(path_prefix="/app/installations") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_exec_hands_a_signal_on_and_revokes(
    world: World, environment: dict[str, str], number: signal.Signals
) -> None:
    # The command says that it runs and then waits on its own stdin, which nobody closes: only the signal ends it.
    with subprocess.Popen(
        [FULLSEND, "mint", "exec", "--role", "triage", "--", sys.executable, "-c", WAITS],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    assert world.github.live_tokens() == []


WAITS = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
print("running", flush=True)
sys.stdin.read()
"""


EXITS_WITH_5 = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("running", flush=True)
signal.sigwait([signal.SIGTERM])
sys.exit(5)
"""


def test_exec_leaves_it_to_the_command_what_a_signal_means(world: World, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [FULLSEND, "mint", "exec", "--role", "triage", "--", sys.executable, "-c", EXITS_WITH_5],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.terminate()
        assert process.wait(timeout=30) == 5
    assert world.github.live_tokens() == []


def test_exec_never_puts_the_token_into_an_argument(environment: dict[str, str]) -> None:
    listing = script("ps -eo args 2>/dev/null || cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    command = [FULLSEND, "mint", *listing]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "fullsend mint exec" in shown
    assert "ghs_" not in shown
