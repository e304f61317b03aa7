"""The action under node, with the files and variables a runner gives it, against the mint and the sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fullsend.client.ask_mints import PERMANENT
from fullsend.client.remedies import ACTION_HINTS
from fullsend.net.connection import Origin
from fullsend.net.route import proxy_for
from fullsend_sandbox.faults import Drop, Fail
from fullsend_sandbox.github.tokens import TokenStyle, hash_token
from fullsend_sandbox.loopback import LoopbackService
from tests.connect_proxy import connect_proxy
from tests.throwaway_ca import ThrowawayCa, https_front
from tests.unit.client.test_client_identity import ANSWERS
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Request, Response

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

ACTION = Path(__file__).resolve().parents[2] / ".github" / "actions" / "mint-token"
MANIFEST = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")


@dataclass
class Job:
    """One job with one step that uses the action."""

    environment: dict[str, str]
    directory: Path
    inputs: dict[str, str]
    state: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def main(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        self.inputs |= {
            name if name == "mint_url" else name.replace("_", "-"): value for name, value in inputs.items()
        }
        done = self._run("main")
        self.outputs, self.state = self._read("output"), self._read("state")
        return done

    def main_with(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._run("main", **environment)

    def post(self) -> subprocess.CompletedProcess[str]:
        return self._run("post", **{f"STATE_{name}": value for name, value in self.state.items()})

    def _run(self, phase: str, **more: str) -> subprocess.CompletedProcess[str]:
        declared = {name: str(given.get("default", "")) for name, given in MANIFEST["inputs"].items()}
        inputs = {f"INPUT_{name.upper()}": value for name, value in (declared | self.inputs).items()}
        files = {f"GITHUB_{name.upper()}": str(self.directory / name) for name in ("output", "state")}
        for path in files.values():
            Path(path).touch()
        return subprocess.run(
            [str(NODE), str(ACTION / MANIFEST["runs"][phase])],
            env={**self.environment, **inputs, **files, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _read(self, name: str) -> dict[str, str]:
        text = (self.directory / name).read_text(encoding="utf-8")
        found = re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2\n", text, flags=re.DOTALL | re.MULTILINE)
        return {key: value for key, _, value in found}


@pytest.fixture
def job(world: World, hosted_mint: MintProcess, tmp_path: Path) -> Job:
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_API_URL": world.github.api_url,
        **world.issuer.job_environment(world.job()),
    }
    return Job(environment, tmp_path, {"role": "triage", "mint_url": hosted_mint.url})


@pytest.fixture
def unsteady() -> Iterator[LoopbackService]:
    """Give a mint that only fails as told."""

    def app(_: Request) -> Response:
        raise AssertionError("only faults answer here")

    with LoopbackService("mint", app) as service:
        yield service


def refusal(status: int, code: str, sentence: str = "No.", **headers: str) -> Fail:
    return Fail(status, json.dumps({"error": sentence, "code": code, "request_id": "r-1"}), headers)


@pytest.mark.parametrize("style", list(TokenStyle))
def test_the_token_is_masked_before_anything_else_is_said_of_it(world: World, job: Job, style: TokenStyle) -> None:
    world.github.use_token_style(style)
    done = job.main()
    token = job.outputs["token"]
    mentions = [line for line in done.stdout.splitlines() if token in line]
    assert (done.returncode, mentions) == (0, [f"::add-mask::{token}"])
    assert done.stderr == ""


def test_every_output_of_the_manifest_is_set_and_no_other(job: Job) -> None:
    job.main(repos="app")
    assert set(job.outputs) == set(MANIFEST["outputs"])


def test_scope_is_told_as_json(job: Job) -> None:
    job.main(repos="app, docs")
    assert json.loads(job.outputs["granted_repos"]) == ["octo-org/app", "octo-org/docs"]
    assert json.loads(job.outputs["granted_permissions"])["issues"] == "write"


@pytest.mark.parametrize("repos", ["app docs", "app,docs", "app\ndocs\n", " app ,, docs "])
def test_repositories_may_be_separated_as_people_do(job: Job, repos: str) -> None:
    job.main(repos=repos)
    assert len(json.loads(job.outputs["granted_repos"])) == 2


@pytest.mark.parametrize("style", list(TokenStyle))
def test_the_post_step_revokes(world: World, job: Job, style: TokenStyle) -> None:
    world.github.use_token_style(style)
    job.main()
    assert job.post().returncode == 0
    assert world.github.live_tokens() == []


def test_the_post_step_says_nothing_when_the_token_is_gone(job: Job) -> None:
    job.main()
    job.post()
    again = job.post()
    assert [line for line in again.stdout.splitlines() if not line.startswith("::add-mask::")] == []
    assert again.returncode == 0


def test_the_post_step_revokes_a_token_github_does_not_know_yet(world: World, job: Job) -> None:
    world.github.not_usable_for(1)
    job.main()
    job.post()
    assert world.github.live_tokens() == []


def test_the_post_step_leaves_the_token_when_told_to(world: World, job: Job) -> None:
    job.main(skip_token_revoke="true")
    done = job.post()
    assert (done.stdout, len(world.github.live_tokens())) == ("", 1)


def test_the_post_step_of_a_step_that_minted_nothing_does_nothing(world: World, job: Job) -> None:
    assert (job.post().stdout, len(world.github.traffic)) == ("", 0)


def test_a_revocation_that_fails_warns_and_does_not_fail_the_job(world: World, job: Job) -> None:
    job.main()
    world.github.faults.add(Fail(403, '{"message": "Resource not accessible by integration"}'))
    done = job.post()
    assert (done.returncode, "::warning title=Mint token::" in done.stdout) == (0, True)
    assert job.outputs["token"] not in done.stdout.replace("::add-mask::" + job.outputs["token"], "")


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
    assert "not a mint" in done.stdout
    assert "<h1>Nothing here</h1>" in done.stdout


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


def test_a_certificate_that_is_not_accepted_is_said_to_be_at_once(job: Job, tmp_path: Path) -> None:
    with https_front(ThrowawayCa(tmp_path, "127.0.0.1"), b"") as port:
        done = job.main(mint_url=f"https://127.0.0.1:{port}")
    assert "title=Mint token%3A mint_certificate_refused::" in done.stdout
    assert "NODE_EXTRA_CA_CERTS" in done.stdout


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
    assert job.main(mint_url=f"{unsteady.url}\n{hosted_mint.url}").returncode == 0
    assert len(unsteady.traffic) == 1


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


def test_a_token_that_post_would_not_know_of_is_revoked(world: World, job: Job) -> None:
    done = job.main_with(GITHUB_STATE="/dev/full")
    assert done.returncode == 1
    assert "cannot be written (ENOSPC); the token was revoked." in done.stdout
    assert world.github.live_tokens() == []


def test_a_job_without_the_permission_is_shown_the_yaml(job: Job) -> None:
    del job.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    assert "id-token: write" in job.main().stdout


def test_an_invalid_address_of_the_token_service_is_named(job: Job) -> None:
    job.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "garbage"
    done = job.main()
    assert "oidc_variables_invalid::" in done.stdout
    assert "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL" in done.stdout


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


@pytest.mark.parametrize(
    "inputs",
    [
        {"role": ""},
        {"mint_url": ""},
        {"mint_url": "http://mint.example.com"},
        {"mint_url": "https://me:pw@mint.example.com"},
        {"mint_url": "mint"},
        {"skip_token_revoke": "yes"},
    ],
)
def test_a_mistaken_input_is_told_before_anything_is_sent(world: World, job: Job, inputs: dict[str, str]) -> None:
    done = job.main(**inputs)
    assert (done.returncode, done.stdout.startswith("::error ")) == (1, True)
    assert world.issuer.traffic.count(path_prefix="/token-request") == 0


def test_without_repos_the_token_is_for_the_calling_repository(job: Job) -> None:
    job.main()
    assert json.loads(job.outputs["granted_repos"]) == ["octo-org/app"]


def test_a_star_is_everything_that_the_installation_has(job: Job) -> None:
    job.main(repos="*")
    assert json.loads(job.outputs["granted_repos"]) == []


@pytest.mark.parametrize("repos", ["Octo-Org/app", "app", ".", ". app"])
def test_a_name_may_have_its_own_owner(job: Job, repos: str) -> None:
    job.main(repos=repos)
    assert json.loads(job.outputs["granted_repos"]) == ["octo-org/app"]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        *(({"repos": empty}, "leave it out for the calling repository") for empty in ("", " ", ",", "\n, \n")),
        ({"repos": "else/app"}, "names else/app, which does not belong to octo-org"),
        ({"repos": "*, app"}, "mixes '*' with names"),
        (
            {"target_org": "other"},
            "does not belong to other.%0AFix: give bare names of repositories of other",
        ),
        *(
            ({"permissions": empty}, "The input permissions has no permission in it")
            for empty in ("", ",", " ", "\n, \n")
        ),
        *(
            ({"level": empty}, "which is not a level's name")
            for empty in ("", ",", " ", "read,", "Read", "read write", "..", ". .")
        ),
        *(
            ({"target_org": empty}, "which is not an organization's bare name")
            for empty in ("", ",", " ", "a,b", "a/b", "..")
        ),
        ({"role": " "}, "The input role is empty"),
        ({"mint_url": "\n"}, "The input mint_url is empty"),
        ({"permissions": "contents"}, "write each as contents: read"),
        *(({"permissions": mixed}, "or '*' alone") for mixed in ("*, contents: read", "*,*", "**")),
        ({"permissions": "contents: read, contents: write"}, "names contents twice"),
        ({"wait_usable": "maybe"}, "Fix: write true or false"),
    ],
)
def test_an_input_that_could_mean_more_than_was_meant_is_refused(
    world: World, job: Job, inputs: dict[str, str], says: str
) -> None:
    done = job.main(**inputs)
    assert done.stdout.count("Fix:") == 1
    assert (done.returncode, says in done.stdout) == (1, True), done.stdout
    assert "--" not in done.stdout
    assert world.issuer.traffic.count(path_prefix="/token-request") == 0


def test_level_and_permissions_narrow_the_token(job: Job) -> None:
    job.main(role="coder", level="read", permissions="contents: read, issues: read")
    granted = json.loads(job.outputs["granted_permissions"])
    assert granted == {"contents": "read", "issues": "read", "metadata": "read"}


def test_the_request_has_what_was_given_and_nothing_else(job: Job, unsteady: LoopbackService) -> None:
    unsteady.faults.add(refusal(403, "org_not_allowed"), times=3)
    job.main(mint_url=unsteady.url)
    job.main(mint_url=unsteady.url, target_org=" . ", level=".", permissions=" *\n")
    job.main(mint_url=unsteady.url, repos="x", target_org="other", level="read", permissions="contents: read")
    assert [json.loads(sent.body) for sent in unsteady.traffic] == [
        {"role": "triage", "repos": ["app"]},
        {"role": "triage", "repos": ["app"]},
        {
            "role": "triage",
            "repos": ["x"],
            "level": "read",
            "permissions": {"contents": "read"},
            "target_org": "other",
        },
    ]


def test_a_token_for_another_organization_that_grants_it(world: World, job: Job, start_mint: StartMint) -> None:
    world.let_apps_read_variables()
    world.github.actions.put_variable("other-org/app", "FULLSEND_FOREIGN_CODER_REPOS", "octo-org/app")
    granting = start_mint(GRANTS="1", REPO_SCOPE="caller")
    asked = {"role": "coder", "mint_url": granting.url, "target_org": "other-org"}
    refused = job.main(**asked, repos=".fullsend")
    assert (refused.returncode, job.outputs) == (1, {})
    assert "::error title=Mint token%3A target_not_granted::" in refused.stdout
    assert "FULLSEND_FOREIGN_CODER_REPOS of the repository other-org/.fullsend" in refused.stdout
    done = job.main(**asked, repos="other-org/app")
    assert done.returncode == 0, done.stdout
    assert json.loads(job.outputs["granted_repos"]) == ["other-org/app"]
    hashed = hash_token(job.outputs["token"])
    (issued,) = [one for one in world.github.live_tokens() if one.hashed == hashed]
    assert issued.installation.account.login == "other-org"
    job.post()
    assert hashed not in {one.hashed for one in world.github.live_tokens()}


def test_another_organization_without_grants_is_refused(world: World, job: Job) -> None:
    done = job.main(role="coder", target_org="other-org", repos="app")
    assert "::error title=Mint token%3A grants_not_enabled::" in done.stdout
    assert (done.returncode, world.github.live_tokens()) == (1, [])


@pytest.mark.parametrize("what", ["missing", "folder", "empty"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_that_cannot_be_read_are_named_with_what_helps(
    job: Job, tmp_path: Path, name: str, what: str
) -> None:
    path = tmp_path / "ca.pem"
    if what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    job.environment[name] = str(path)
    done = job.main(mint_url="https://127.0.0.1:1")
    assert "::error title=Mint token%3A ca_bundle_unreadable::" in done.stdout
    assert f'{name} names "{path}", which cannot be read' in done.stdout
    assert "Fix: Set the variable in the message to an existing file" in done.stdout
    assert "inspects TLS" not in done.stdout


def test_wait_usable_returns_when_github_accepts_the_token(world: World, job: Job) -> None:
    world.github.not_usable_for(1)
    job.main(wait_usable="true")
    assert world.github.traffic.matching(path_prefix="/installation/repositories")[-1].status == 200


GOOD = {
    "token": "ghs_" + "x" * 36,
    "expires_at": "2026-01-01T00:00:00Z",
    "granted_repos": [],
    "granted_permissions": {},
}


@pytest.mark.parametrize(
    "answer",
    [
        GOOD | {"warnings": ["::stop-commands::x", "a\n::add-path::/evil", "x ##[add-path]/evil", 7]},
        GOOD | {"expires_at": "##[add-path]/evil", "granted_repos": ["::add-path::/evil"]},
        GOOD | {"token": "::add-path::/evil"},
        GOOD | {"token": "x##[add-path]/evil"},
    ],
)
def test_nothing_of_a_mint_is_a_command_to_the_runner(
    job: Job, unsteady: LoopbackService, answer: dict[str, object]
) -> None:
    unsteady.faults.add(Fail(200, json.dumps(answer)))
    done = job.main(mint_url=unsteady.url)
    for line in done.stdout.splitlines():
        assert "##[" not in line
        assert not line.strip().startswith("::") or re.match(r"::(add-mask|warning|error)\b", line), line
    assert done.stdout.count("::warning title=Mint token::") == (3 if "warnings" in answer else 0)


def test_each_mint_gets_an_oidc_token_of_its_own(
    world: World, job: Job, unsteady: LoopbackService, hosted_mint: MintProcess
) -> None:
    unsteady.faults.add(Fail(503, "down"))
    assert job.main(mint_url=f"{unsteady.url} {hosted_mint.url}").returncode == 0
    assert world.issuer.traffic.count(path_prefix="/token-request") == 2


def test_a_call_to_loopback_never_goes_to_a_proxy(job: Job, unsteady: LoopbackService) -> None:
    job.environment |= dict.fromkeys(["HTTP_PROXY", "https_proxy", "ALL_PROXY"], unsteady.url)
    assert job.main().returncode == 0
    assert len(unsteady.traffic) == 0


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "script",
    [
        [HEAD + b"X-A: ", *([b"x", 0.05] * 1200)],
        [HEAD + b"Content-Length: 9000\r\n\r\n", *([b"x", 0.05] * 1200)],
        [60.0],
    ],
    ids=["header", "body", "silence"],
)
def test_a_dripping_answer_ends_with_the_total_deadline(script: list[bytes | float | None]) -> None:
    code = (
        "const { exchange } = require(process.argv[1]);"
        "exchange('GET', process.argv[2], { bearer: 'x', seconds: 1 }).catch((error) => console.log(error.message))"
    )
    with Peer(lambda _: script) as peer:
        began = time.monotonic()
        done = subprocess.run(
            [str(NODE), "-e", code, str(ACTION / "lib" / "http.js"), peer.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "failed (no answer in time)" in done.stdout, done.stderr
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("url", "environ", "proxied"),
    [
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1"}, True),
        ("https://mint.example", {"ALL_PROXY": "p:1"}, True),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "https_proxy": ""}, False),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a, .example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "mint.example:8443"}, True),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "int.example"}, True),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, False),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "192.168.0.0/16"}, True),
        ("https://[::1]:1", {"HTTPS_PROXY": "http://p:1"}, False),
        ("http://runner.example", {"HTTPS_PROXY": "http://p:1"}, False),
    ],
)
def test_the_proxy_of_a_url_is_the_commands(url: str, environ: dict[str, str], proxied: bool) -> None:
    code = (
        "const { proxyFor } = require(process.argv[1]);"
        "console.log(Boolean(proxyFor(new URL(process.argv[2]), JSON.parse(process.argv[3]))))"
    )
    words = [str(ACTION / "lib" / "route.js"), url, json.dumps(environ)]
    done = subprocess.run([str(NODE), "-e", code, *words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{str(proxied).lower()}\n"
    assert (proxy_for(Origin.of(url), environ) is not None) is proxied


def test_a_mint_behind_a_proxy_and_its_authority_is_reached(job: Job, tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path, "mint.example")
    with https_front(ca, json.dumps(GOOD).encode()) as port, connect_proxy(port) as (proxy, heads):
        job.environment |= {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(ca.bundle)}
        done = job.main(mint_url="https://mint.example")
    assert (done.returncode, job.outputs.get("token")) == (0, GOOD["token"]), done.stdout
    assert heads[0].startswith(b"CONNECT mint.example:443 HTTP/1.1\r\n")


def test_a_proxy_that_refuses_is_named_without_its_password(job: Job) -> None:
    with connect_proxy(1, b"407 Proxy Authentication Required") as (proxy, _):
        job.environment |= {"HTTPS_PROXY": proxy}
        job.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://token.example/"
        done = job.main()
    assert "oidc_unreachable" in done.stdout
    assert "did not connect (it answers 407)" in done.stdout
    assert "p@ss" not in done.stdout


def test_the_manifest_declares_exactly_what_the_code_reads() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(ACTION.rglob("*.js")))
    read = set(re.findall(r"(?:input|isTrue|raw|name)\(\s*env, '([^']+)'[,)]", code))
    written = set(re.findall(r"setOutput\(env, '([^']+)'", code))
    assert (read, written) == (set(MANIFEST["inputs"]), set(MANIFEST["outputs"]))


def test_the_required_inputs_have_no_default_and_the_others_have_one() -> None:
    for name, given in MANIFEST["inputs"].items():
        assert given["required"] is (name in {"role", "mint_url"})
        assert ("default" in given) is not given["required"]


def test_the_action_needs_nothing_but_node() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(ACTION.rglob("*.js")))
    assert all(name.startswith(("node:", "./", "../")) for name in re.findall(r"require\('([^']+)'\)", code))


def test_the_hints_are_those_of_the_command() -> None:
    assert json.loads((ACTION / "hints.json").read_text(encoding="utf-8")) == ACTION_HINTS
