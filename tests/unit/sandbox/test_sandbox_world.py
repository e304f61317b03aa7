from __future__ import annotations

import json
import stat
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import jwt
import pytest
import urllib3

from fullsend_sandbox import names
from fullsend_sandbox.faults import Drop
from fullsend_sandbox.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.job import Job
    from fullsend_sandbox.keys import KeyPool


def exchange(world: World, job: Job, provider: str = names.PROVIDER) -> int:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": world.federation.resource(names.POOL, provider),
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": world.issuer.token(job),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return fetch("POST", f"{world.sts.url}/v1/token", urlencode(form), headers)


def fetch(method: str, url: str, body: str | None = None, headers: dict[str, str] | None = None) -> int:
    with urllib3.PoolManager(retries=False, timeout=10) as http:
        return http.request(method, url, body=body, headers=headers).status


def app_status(world: World, role: str) -> int:
    now = int(world.github.clock())
    app = world.apps[role]
    token = jwt.encode({"iss": str(app.id), "iat": now, "exp": now + 60}, app.private_key_pem, "RS256")
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "tests"}
    return fetch("GET", f"{world.github.api_url}/orgs/{names.ORG}/installation", headers=headers)


def test_the_default_job_is_good_at_the_default_provider(world: World) -> None:
    assert exchange(world, world.job()) == 200


def test_a_job_of_another_organization_is_not(world: World) -> None:
    assert exchange(world, world.job(repository="other-org/app")) == 401


@pytest.mark.parametrize(
    ("orgs", "repository", "status"),
    [
        (("octo-org", "other-org"), "other-org/app", 200),
        (("octo-org", "other-org"), "bare-org/app", 401),
        ((), "bare-org/app", 200),
    ],
)
def test_admitted_organizations_are_those_of_the_condition(
    world: World, orgs: tuple[str, ...], repository: str, status: int
) -> None:
    world.admit_orgs(*orgs)
    assert exchange(world, world.job(repository=repository)) == status


def test_a_repository_can_have_a_provider_of_its_own(world: World) -> None:
    world.put_provider("gh-octo-org-app", "assertion.repository == 'octo-org/app'")
    assert exchange(world, world.job(), "gh-octo-org-app") == 200
    assert exchange(world, world.job(repository="octo-org/docs"), "gh-octo-org-app") == 401


def test_every_app_is_installed_and_its_key_is_good(world: World) -> None:
    assert {role: app_status(world, role) for role in world.apps} == dict.fromkeys(world.apps, 200)


def test_fix_has_no_app_of_its_own(world: World) -> None:
    assert sorted(world.apps) == ["coder", "e2e", "fullsend", "prioritize", "retro", "review", "scribe", "triage"]


def test_a_jobs_ids_are_githubs(world: World) -> None:
    claims = world.job().claims()
    assert claims["sub"].startswith(f"repo:octo-org@{claims['repository_owner_id']}/app@{claims['repository_id']}:")
    assert claims["repository_owner_id"] == str(world.installations["coder", names.ORG].account.id)


def test_reset_heals_everything_and_keeps_ports_keys_and_ids(world: World) -> None:
    environment = world.mint_environment()
    token = world.issuer.token(world.job())
    world.github.faults.add(Drop())
    world.github.rotate_key(world.apps["coder"])
    world.secret_manager.clear()
    world.federation.clear()
    world.issuer.rotate_key(retire=True)
    world.sts.clock.offset = 1e6
    world.secret_manager.stop()
    world.reset()
    assert world.mint_environment() == environment
    assert jwt.get_unverified_header(token)["kid"] in world.issuer.published_keys()
    assert app_status(world, "coder") == 200
    assert exchange(world, world.job()) == 200


def test_a_stopped_world_leaves_no_thread(rsa_keys: KeyPool) -> None:
    before = set(threading.enumerate())
    with World(keys=rsa_keys) as world:
        assert exchange(world, world.job()) == 200
    assert set(threading.enumerate()) - before == set()


def test_a_port_in_use_stops_the_start_and_leaves_no_thread(world: World, rsa_keys: KeyPool) -> None:
    before = set(threading.enumerate())
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        World(keys=rsa_keys, ports={"github": world.github.port}).start()
    assert set(threading.enumerate()) - before == set()


def test_the_hosted_environment_can_be_changed(world: World) -> None:
    environment = world.mint_environment(ALLOWED_ORGS="*", RATE_LIMIT="1/minute")
    assert (environment["ALLOWED_ORGS"], environment["RATE_LIMIT"]) == ("*", "1/minute")
    assert set(json.loads(environment["ROLE_APP_IDS"])) == set(world.apps)


def test_the_standalone_environment_comes_with_private_key_files(world: World, tmp_path: Path) -> None:
    environment = world.standalone_environment(tmp_path)
    assert environment["PEM_DIR"] == str(tmp_path)
    assert not {"STS_URL", "SECRET_MANAGER_URL"} & set(environment)
    coder = tmp_path / "coder.pem"
    assert coder.read_bytes() == world.apps["coder"].private_key_pem
    assert stat.S_IMODE(coder.stat().st_mode) == 0o600
