"""What a genuine, allowed caller gets: exactly what it asked for, and never more than its role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from fullsend_sandbox import names
from mintcore.policy.roles import BUILT_IN
from mintcore.version import VERSION
from tests.contract.exchange import Got, send
from tests.contract.modes import MODES, StartMode
from tests.contract.table import Sent, as_job

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

HOST = "fullsend-ai/fullsend/.github/workflows"
PUBLIC = {"ALLOWED_ORGS": "*"}


def mint_one(url: str, world: World, body: Any, **job: Any) -> Got:
    got = send(url, as_job(body, **job)(world))
    assert got.status == 200, got.text
    return got


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("role", sorted(BUILT_IN))
def test_a_role_gets_exactly_its_permissions(
    mode: str, role: str, world: World, shared_mints: dict[str, MintProcess]
) -> None:
    got = mint_one(shared_mints[mode].url, world, {"role": role, "repos": ["app"]})
    assert got.json["granted_permissions"] == dict(BUILT_IN[role])  # type: ignore[index]
    assert got.json["granted_repos"] == ["octo-org/app"]
    assert got.json["repository_selection"] == "selected"
    assert set(got.json) == {
        "token", "expires_at", "granted_repos", "granted_permissions", "repository_selection",
    }  # fmt: skip


@pytest.mark.parametrize("repos", [None, [], ["*"]])
@pytest.mark.parametrize("mode", MODES)
def test_no_list_an_empty_list_and_a_star_ask_for_the_whole_installation(
    mode: str, repos: list[str] | None, world: World, shared_mints: dict[str, MintProcess]
) -> None:
    got = mint_one(shared_mints[mode].url, world, {"role": "triage", "repos": repos})
    assert got.json["granted_repos"] == []
    assert got.json["repository_selection"] == "all"


def test_a_token_opens_its_repository_and_no_other(world: World, shared_mints: dict[str, MintProcess]) -> None:
    got = mint_one(shared_mints["hosted"].url, world, {"role": "coder", "repos": ["app"]})
    read = {
        name: requests.get(
            f"{world.github.api_url}/repos/octo-org/{name}",
            headers={"Authorization": f"Bearer {got.json['token']}"},
            timeout=5,
        ).status_code
        for name in ("app", "docs")
    }
    assert read == {"app": 200, "docs": 404}


def test_repositories_named_twice_and_unknown_fields_do_no_harm(
    world: World, shared_mints: dict[str, MintProcess]
) -> None:
    body = {"role": "coder", "repos": ["app", "APP", "app"], "ref": "x", "note": {"administration": "write"}}
    got = mint_one(shared_mints["hosted"].url, world, body)
    assert got.json["granted_repos"] == ["octo-org/app"]
    assert "warnings" not in got.json


def test_the_root_path_mints_as_well(world: World, shared_mints: dict[str, MintProcess]) -> None:
    token = world.issuer.token(world.job())
    assert send(shared_mints["hosted"].url, Sent(token, {"role": "coder"}, path="/")).status == 200


@pytest.mark.parametrize(
    ("workflow", "environment"),
    [
        ("octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main", {}),
        ("Octo-Org/.Fullsend/.github/workflows/Triage.yml@refs/heads/main", {}),
        (f"{HOST}/triage.yml@refs/tags/v0", {}),
        (f"{HOST}/triage.yml@refs/pull/7/merge", {}),
        (f"{HOST}/triage.yml@{'a' * 40}", {}),
        (f"{HOST}/triage.yml@{'B' * 64}", {}),
        (f"{HOST}/triage.yml@refs/heads/user@feature/x", {}),
        (f"{HOST}/any thing.yaml@refs/heads/main", {"ALLOWED_WORKFLOW_FILES": "*"}),
        ("octo-org/app/.github/workflows/coder.yml@refs/heads/main", {"PER_REPO_WIF_REPOS": "OCTO-ORG/App"}),
        ("octo-org/docs/.github/workflows/coder.yml@refs/heads/main", {"WORKFLOW_HOST_REPOS": "octo-org/docs"}),
        (f"{HOST}/any.yml@refs/heads/main", PUBLIC),
    ],
)
def test_trusted_workflows_mint(
    workflow: str,
    environment: dict[str, str],
    world: World,
    start_mode: StartMode,
    shared_mints: dict[str, MintProcess],
) -> None:
    world.put_provider("gh-octo-org-app", "assertion.repository == 'octo-org/app'")
    url = start_mode("hosted", **environment).url if environment else shared_mints["hosted"].url
    mint_one(url, world, {"role": "coder"}, workflow=workflow)


def test_public_mode_serves_any_organization_from_the_host_repository(world: World, start_mode: StartMode) -> None:
    world.admit_orgs()
    mint = start_mode("hosted", **PUBLIC)
    job = {"repository": "other-org/app", "workflow": f"{HOST}/any.yml@refs/heads/main"}
    assert mint_one(mint.url, world, {"role": "coder", "repos": ["app"]}, **job).json["granted_repos"] == [
        "other-org/app"
    ]


def test_a_repository_with_its_own_provider_is_judged_by_it(world: World, start_mode: StartMode) -> None:
    world.put_provider("gh-octo-org-app", "assertion.repository == 'octo-org/app'")
    mint = start_mode("hosted", PER_REPO_WIF_REPOS="octo-org/app")
    mint_one(mint.url, world, {"role": "coder"})
    assert b"gh-octo-org-app" in next(iter(world.sts.traffic)).body


@pytest.mark.parametrize("mode", MODES)
def test_a_custom_role_gets_its_own_permissions(mode: str, world: World, start_mode: StartMode) -> None:
    permissions = {"contents": "read", "issues": "write", "metadata": "read"}
    app = world.github.create_app("octo-scanner", permissions)
    world.github.install_app(app, names.ORG)
    world.secret_manager.add_version("fullsend-scanner-app-pem", app.private_key_pem)
    mint = start_mode(
        mode,
        ROLE_APP_IDS=f'{{"scanner": {app.id}}}',
        CUSTOM_ROLE_PERMISSIONS='{"scanner": {"contents": "read", "metadata": "read"}}',
    )
    got = mint_one(mint.url, world, {"role": "scanner", "repos": ["app"]})
    assert got.json["granted_permissions"] == {"contents": "read", "metadata": "read"}


def test_an_installation_on_a_user_account_is_found(world: World, start_mode: StartMode) -> None:
    world.github.create_user("octocat")
    world.github.create_repo("octocat/dotfiles")
    world.github.install_app(world.apps["coder"], "octocat")
    world.admit_orgs("octocat")
    mint = start_mode("hosted", ALLOWED_ORGS="octocat")
    job = {"repository": "octocat/dotfiles", "workflow": f"{HOST}/triage.yml@refs/heads/main"}
    mint_one(mint.url, world, {"role": "coder", "repos": ["dotfiles"]}, **job)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("workflow", "allowed"),
    [("octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main", True), (f"{HOST}/other.yml@main", False)],
)
def test_status_tells_a_genuine_caller_its_own_standing(
    mode: str,
    workflow: str,
    allowed: bool,
    world: World,
    shared_mints: dict[str, MintProcess],
) -> None:
    token = world.issuer.token(world.job(), job_workflow_ref=workflow)
    got = send(shared_mints[mode].url, Sent(token, b"", "GET", "/v1/status"))
    assert got.json == {
        "org": "octo-org",
        "roles": sorted(BUILT_IN),
        "workflow_allowed": allowed,
        "version": VERSION,
    }


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (lambda w: w.issuer.token(w.job(repository="other-org/app")), 403, "org_not_allowed"),
        (lambda w: w.issuer.forged_token(w.job()), 401, "invalid_token"),
    ],
)
def test_status_is_for_genuine_callers_of_served_organizations(
    token: Any, status: int, code: str, world: World, shared_mints: dict[str, MintProcess]
) -> None:
    got = send(shared_mints["hosted"].url, Sent(token(world), b"", "GET", "/v1/status"))
    assert (got.status, got.json["code"]) == (status, code)


@pytest.mark.parametrize("mode", MODES)
def test_health_answers_without_asking_anybody(
    mode: str, world: World, shared_mints: dict[str, MintProcess]
) -> None:
    before = world.outside_calls()
    got = send(shared_mints[mode].url, Sent(None, b"", "GET", "/health"))
    assert (got.status, got.json) == (200, {"status": "ok", "version": VERSION})
    assert world.outside_calls() == before


@pytest.mark.parametrize("mode", MODES)
def test_health_is_503_with_a_reason_when_only_legacy_role_keys_are_configured(
    mode: str, start_mode: StartMode
) -> None:
    mint = start_mode(mode, ROLE_APP_IDS='{"octo-org/coder": "1"}')
    got = send(mint.url, Sent(None, b"", "GET", "/health"))
    assert got.status == 503
    assert "legacy" in got.json["reason"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("run-17.a_b", True),
        ("", False),
        ("a" * 129, False),
        ("a b", False),
        ("x\u00e9", False),
        ("<script>", False),
    ],
)
def test_a_sane_request_id_is_kept_and_any_other_replaced(
    given: str,
    kept: bool,
    shared_mints: dict[str, MintProcess],
) -> None:
    got = send(shared_mints["hosted"].url, Sent(None, b"", "GET", "/health", headers={"X-Request-Id": given}))
    assert (got.headers["X-Request-Id"] == given) is kept
    assert got.headers["X-Request-Id"]
