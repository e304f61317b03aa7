"""An owner grants a role, a job of another organization mints, the owner ends the grant: all with our commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.github.tokens import hash_token

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

FULLSEND = str(Path(sys.executable).parent / "fullsend")


def fullsend(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FULLSEND, *words],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment},
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(("target", "repos"), [("other-org/app", "app"), ("other-org", "*")])
def test_a_grant_lets_a_job_mint_for_the_target_and_a_revoked_grant_does_not(
    world: World, start_mint: StartMint, target: str, repos: str
) -> None:
    world.let_apps_read_variables()
    world.github.create_user("mona")
    for org in ("octo-org", "other-org"):
        world.github.people.make_owner("mona", org)
    owner = {
        "GITHUB_API_URL": world.github.api_url,
        "GH_TOKEN": world.github.people.classic_token("mona", ("admin:org", "repo")),
    }
    grant = (target, "--role", "coder", "--caller", "octo-org/app")
    asked = ("mint", "token", "--role", "coder", "--target-org", "other-org", "--repos", repos, "--format", "json")

    def job() -> subprocess.CompletedProcess[str]:
        # A fresh mint, because a real one takes up to a minute to see the change.
        url = start_mint(GRANTS="1", REPO_SCOPE="caller").url
        runner = world.issuer.job_environment(world.job())
        return fullsend(*asked, FULLSEND_MINT_URL=url, GITHUB_API_URL=world.github.api_url, **runner)

    refused = job()
    assert (refused.returncode, "target_not_granted" in refused.stderr) == (1, True), refused.stderr
    (command,) = re.findall(r"Fix: ask an owner of other-org to run `fullsend ([^`]+)`", refused.stderr)
    assert "FULLSEND_FOREIGN_CODER_REPOS" in refused.stderr
    assert command.split() == ["github", "grant", *grant]
    granted = fullsend(*command.split(), **owner)
    assert granted.returncode == 0, granted.stderr
    minted = job()
    assert minted.returncode == 0, minted.stderr
    token = json.loads(minted.stdout)["token"]
    (issued,) = [each for each in world.github.live_tokens() if each.hashed == hash_token(token)]
    assert issued.installation.account.login == "other-org"
    assert fullsend("github", "revoke-grant", *grant, "--yes", **owner).returncode == 0
    assert job().returncode == 1
