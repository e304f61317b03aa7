"""The action's inputs, and the request that they become."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.github.tokens import hash_token
from tests.integration.action.action_job import ACTION, MANIFEST, NODE, Job, refusal

if TYPE_CHECKING:
    from fullsend_sandbox.loopback import LoopbackService
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

pytestmark = pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")


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
        *(({"permissions": mixed}, "or only '*'") for mixed in ("*, contents: read", "*,*", "**")),
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


def test_the_manifest_declares_exactly_what_the_code_reads() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(ACTION.rglob("*.js")))
    read = set(re.findall(r"(?:input|isTrue|raw|name)\(\s*env, '([^']+)'[,)]", code))
    written = set(re.findall(r"setOutput\(env, '([^']+)'", code))
    assert (read, written) == (set(MANIFEST["inputs"]), set(MANIFEST["outputs"]))


def test_the_required_inputs_have_no_default_and_the_others_have_one() -> None:
    for name, given in MANIFEST["inputs"].items():
        assert given["required"] is (name in {"role", "mint_url"})
        assert ("default" in given) is not given["required"]
