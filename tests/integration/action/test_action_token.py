"""Run the action in node with a runner's files and variables: the token is masked, returned and revoked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from fullsend.client.remedies import ACTION_HINTS
from fullsend_sandbox.faults import Fail
from fullsend_sandbox.github.tokens import TokenStyle
from tests.integration.action.action_job import ACTION, GOOD, MANIFEST, NODE, Job

if TYPE_CHECKING:
    from fullsend_sandbox.loopback import LoopbackService
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

pytestmark = pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")


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


def test_a_token_that_post_would_not_know_of_is_revoked(world: World, job: Job) -> None:
    done = job.main_with(GITHUB_STATE="/dev/full")
    assert done.returncode == 1
    assert "cannot be written (ENOSPC); the token was revoked." in done.stdout
    assert world.github.live_tokens() == []


def test_wait_usable_returns_when_github_accepts_the_token(world: World, job: Job) -> None:
    world.github.not_usable_for(1)
    job.main(wait_usable="true")
    assert world.github.traffic.matching(path_prefix="/installation/repositories")[-1].status == 200


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


def test_the_action_needs_nothing_but_node() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(ACTION.rglob("*.js")))
    assert all(name.startswith(("node:", "./", "../")) for name in re.findall(r"require\('([^']+)'\)", code))


def test_the_hints_are_those_of_the_command() -> None:
    assert json.loads((ACTION / "hints.json").read_text(encoding="utf-8")) == ACTION_HINTS
