"""What the mint asks GitHub before it grants: targets' variables and hosts' commits, in both modes as processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.exchange import send
from tests.contract.modes import MODES, new_mint
from tests.contract.table import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.contract.exchange import Got

VARIABLE = "FULLSEND_FOREIGN_CODER_REPOS"
HOST = "fullsend-ai/fullsend"
PRESENT = {"GRANTS": "1", "REPO_SCOPE": "caller"}
ABROAD = {"role": "coder", "repos": ["app"], "target_org": "other-org"}


class Mint:
    """One mint of a mode, and the calls that each request causes."""

    def __init__(self, mode: str, world: World, pem_dir: Path) -> None:
        self.mode = mode
        self.world = world
        self.process: MintProcess | None = None
        self._pem_dir = pem_dir

    def start(self, **changes: str) -> None:
        self.process = new_mint(self.mode, self.world, self._pem_dir, **PRESENT | changes)
        self.process.start()

    def ask(self, body: dict[str, Any], **job: Any) -> Got:
        assert self.process is not None
        return send(self.process.url, Sent(self.world.issuer.token(self.world.job(**job)), body))

    def calls(self) -> dict[str, int]:
        """Return the calls to STS and GitHub since the last question."""
        found = {service.name: service.traffic.count() for service in (self.world.sts, self.world.github)}
        self.world.sts.traffic.clear()
        self.world.github.traffic.clear()
        return found

    def warm_calls(self) -> dict[str, int]:
        return {"sts": 1 if self.mode == "hosted" else 0, "github": 1}

    def put(self, target: str, value: str) -> None:
        self.world.github.actions.put_variable(target, VARIABLE, value)

    def tokens(self) -> list[tuple[str, dict[str, str]]]:
        """Return the account and permissions of each token that GitHub made."""
        return [
            (each.installation.account.login, dict(each.permissions)) for each in self.world.github.live_tokens()
        ]


@pytest.fixture(params=MODES)
def mint(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Mint]:
    world.let_apps_read_variables()
    made = Mint(request.param, world, tmp_path)
    yield made
    if made.process is not None:
        made.process.kill()


def test_a_grant_of_another_organization_is_a_token_of_that_organization(mint: Mint) -> None:
    mint.put("other-org/app", "octo-org/app")
    mint.start()
    got = mint.ask(ABROAD)
    assert got.status == 200, got.text
    assert got.json["granted_repos"] == ["other-org/app"]
    account, permissions = mint.tokens()[-1]
    assert (account, permissions) == ("other-org", got.json["granted_permissions"])
    assert ("other-org", {"actions_variables": "read", "metadata": "read"}) in mint.tokens()
    mint.calls()
    assert mint.ask(ABROAD).status == 200
    assert mint.calls() == mint.warm_calls()


def test_no_token_of_a_look_up_is_logged(mint: Mint) -> None:
    mint.put("other-org/app", "octo-org/app")
    mint.start()
    got = mint.ask(ABROAD)
    shown = {each.headers["authorization"].split()[-1] for each in mint.world.github.traffic}
    assert mint.process is not None
    text = "\n".join(mint.process.logs()) + got.text.replace(got.json["token"], "")
    assert len(shown) >= 2
    assert not [token for token in shown if token in text]


def test_a_target_that_does_not_grant_costs_one_look_up_a_minute(mint: Mint) -> None:
    mint.put("other-org/app", "octo-org/docs")
    mint.start()
    first = mint.ask(ABROAD)
    assert (first.status, first.json["code"]) == (403, "target_not_granted")
    assert VARIABLE in first.json["error"]
    mint.calls()
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: mint.ask(ABROAD).json["code"], range(16)))
    assert codes == ["target_not_granted"] * 16
    assert mint.calls() == {"sts": 0, "github": 0}


def test_many_at_once_for_a_new_target_share_one_look_up(mint: Mint) -> None:
    mint.start()
    mint.ask({"role": "coder"})
    mint.calls()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: mint.ask(ABROAD), range(16)))
    tokens = [each for each in mint.world.github.traffic if each.method == "POST"]
    assert len(tokens) == 1


def test_a_stranger_cannot_tell_which_repositories_exist(mint: Mint) -> None:
    mint.start()
    said = set()
    for repo in ("app", "nothing", ".fullsend"):
        got = mint.ask({**ABROAD, "repos": [repo]})
        said.add((got.status, got.json["error"].replace(f"other-org/{repo}", "TARGET").replace("other-org", "ORG")))
    bare = mint.ask({**ABROAD, "target_org": "bare-org"})
    said.add((bare.status, bare.json["error"].replace("bare-org/app", "TARGET").replace("bare-org", "ORG")))
    assert len(said) == 1


def test_all_repositories_need_the_organizations_own_variable(mint: Mint) -> None:
    mint.put("other-org/app", "octo-org")
    everything = {**ABROAD, "repos": ["*"]}
    mint.start()
    assert mint.ask(everything).json["code"] == "target_not_granted"
    mint.put("bare-org", "octo-org")
    assert mint.ask({**everything, "target_org": "bare-org"}).json["code"] == "target_not_granted"


def test_an_organizations_grant_is_for_all_its_repositories_at_once(mint: Mint) -> None:
    mint.put("other-org", "octo-org")
    mint.start()
    got = mint.ask({**ABROAD, "repos": ["*"]})
    assert (got.status, got.json["granted_repos"], got.json["repository_selection"]) == (200, [], "all")
    assert mint.ask(ABROAD).json["code"] == "target_not_granted"


def test_every_named_repository_has_to_grant(mint: Mint) -> None:
    mint.put("other-org/app", "octo-org")
    mint.start()
    assert mint.ask({**ABROAD, "repos": ["app", ".fullsend"]}).json["code"] == "target_not_granted"


def test_a_grant_within_the_organization_widens_the_scope(mint: Mint) -> None:
    mint.start()
    assert mint.ask({"role": "coder", "repos": ["docs"]}).json["code"] == "target_not_granted"
    mint.put("octo-org/docs", "octo-org/app")
    other = mint.ask({"role": "coder", "repos": ["docs"]}, repository="octo-org/docs")
    assert other.status == 200


def test_a_missing_app_permission_is_the_operators_and_the_owners_to_add(mint: Mint) -> None:
    app = mint.world.apps["coder"]
    plain = {name: level for name, level in app.permissions.items() if "variables" not in name}
    mint.world.github.change_permissions(app, plain)
    mint.start()
    got = mint.ask(ABROAD)
    assert (got.status, got.json["code"]) == (422, "permissions_not_granted")
    assert "actions_variables:read on other-org" in got.json["error"]


def workflow(ref: str) -> str:
    return f"{HOST}/.github/workflows/triage.yml@{ref}"


def test_a_commit_of_the_host_mints_and_stays_known(mint: Mint) -> None:
    git = mint.world.github.git
    commit = git.branch(HOST, "start")
    git.commit(HOST)
    mint.start(WORKFLOW_REFS="refs/heads/main,commits")
    body = {"role": "coder"}
    assert mint.ask(body, workflow=workflow(commit)).status == 200
    assert ("octo-org", {"metadata": "read"}) in mint.tokens()
    mint.calls()
    assert mint.ask(body, workflow=workflow(commit)).status == 200
    assert mint.calls() == mint.warm_calls()


def test_a_commit_of_a_fork_is_denied_and_asked_once(mint: Mint) -> None:
    git = mint.world.github.git
    git.fork(HOST, "other-org")
    strange = git.commit("other-org/fullsend", "Steal")
    mint.start(WORKFLOW_REFS="refs/heads/main,commits")
    body = {"role": "coder"}
    got = mint.ask(body, workflow=workflow(strange))
    assert (got.status, got.json["code"]) == (403, "workflow_not_allowed")
    mint.calls()
    assert mint.ask(body, workflow=workflow(strange)).status == 403
    assert mint.calls() == {"sts": 0, "github": 0}


def test_an_unknown_commit_and_a_branch_that_is_not_listed_are_denied(mint: Mint) -> None:
    draft = mint.world.github.git.branch(HOST, "draft")
    mint.world.github.git.commit(HOST, branch="draft")
    mint.start(WORKFLOW_REFS="refs/heads/main,commits")
    assert mint.ask({"role": "coder"}, workflow=workflow("0" * 40)).status == 403
    assert mint.ask({"role": "coder"}, workflow=workflow("refs/heads/draft")).status == 403
    assert mint.ask({"role": "coder"}, workflow=workflow(draft)).status == 200


def test_a_private_host_without_the_app_is_named(mint: Mint) -> None:
    mint.world.github.delete_repo(HOST)
    mint.world.github.create_repo(HOST)
    commit = mint.world.github.git.commit(HOST)
    mint.start(WORKFLOW_REFS="refs/heads/main,commits")
    got = mint.ask({"role": "coder"}, workflow=workflow(commit))
    assert (got.status, got.json["code"]) == (422, "app_not_installed")
    assert "installed on fullsend-ai" in got.json["error"]


def test_an_installation_of_another_account_mints_nothing_and_is_an_incident(mint: Mint) -> None:
    former = mint.world.job()
    github = mint.world.github
    github.rename_account("octo-org", "old-octo")
    github.create_org("octo-org")
    github.create_repo("octo-org/app")
    github.install_app(mint.world.apps["coder"], "octo-org")
    mint.start()
    ids = {"repository_owner_id": former.repository_owner_id, "repository_id": former.repository_id}
    got = mint.ask({"role": "coder"}, **ids)
    assert (got.status, got.json["code"]) == (500, "internal_error")
    assert former.repository_owner_id is not None
    assert former.repository_owner_id not in got.text
    assert mint.tokens() == []
    assert mint.process is not None
    mint.process.wait_for_log(lambda line: '"CRITICAL"' in line and "incident" in line)
    assert mint.ask({"role": "coder"}).status == 200


def test_a_token_mints_as_often_as_allowed_and_a_failed_mint_does_not_count(mint: Mint) -> None:
    mint.start(MINTS_PER_TOKEN="1")
    assert mint.process is not None
    token = mint.world.issuer.token(mint.world.job())
    body = {"role": "coder", "repos": ["app"]}
    mint.world.github.suspend(mint.world.installations["coder", "octo-org"])
    assert send(mint.process.url, Sent(token, body)).json["code"] == "installation_suspended"
    mint.world.github.unsuspend(mint.world.installations["coder", "octo-org"])
    other = {"role": "triage", "repos": ["app"]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(mint.process.url, Sent(token, other)), range(8)))  # type: ignore[union-attr]
    assert sorted(got.status for got in answers) == [200] + [403] * 7
    assert {got.json["code"] for got in answers if got.status == 403} == {"token_spent"}
    mint.calls()
    assert send(mint.process.url, Sent(token, other)).json["code"] == "token_spent"
    assert mint.calls() == {"sts": 0, "github": 0}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_five_hundred_targets_are_one_request_and_no_caller_has_more_looked_up_in_a_minute(mint: Mint) -> None:
    world = mint.world
    targets = [f"lib-{number}" for number in range(500)]
    for name in [*targets, "one-more"]:
        world.github.create_repo(f"other-org/{name}")
        world.github.actions.put_variable(f"other-org/{name}", VARIABLE, "octo-org")
    mint.start(REQUEST_DEADLINE_SECONDS="60")
    granted = mint.ask(ABROAD | {"repos": targets})
    assert granted.status == 200, granted.text
    assert len(granted.json["granted_repos"]) == 500
    mint.calls()
    # The bound is the calling organization's, not one repository's.
    for repository in ("octo-org/app", "octo-org/docs"):
        refused = mint.ask(ABROAD | {"repos": ["one-more"]}, repository=repository)
        assert (refused.status, refused.json["code"]) == (503, "github_rate_limited"), refused.text
        assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert mint.calls()["github"] == 0
    assert mint.ask(ABROAD | {"repos": targets[:20]}).status == 200
