from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import urllib3

from fullsend_sandbox.ci import KINDS
from fullsend_sandbox.ci.programs import CIMachine
from fullsend_sandbox.keys import KeyPool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.ci import CIIssuer

NOW = 1_900_000_000


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyPool]:
    pool = KeyPool(ahead=2)
    yield pool
    pool.close()


@pytest.fixture
def machine(request: pytest.FixtureRequest, keys: KeyPool, tmp_path: Path) -> Iterator[CIMachine]:
    keys.rewind()
    with KINDS[request.param](clock=lambda: NOW, make_key=keys.next_key) as issuer:
        yield CIMachine(issuer, tmp_path)


def claims(token: str) -> dict[str, Any]:
    read: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return read


def handed_out(issuer: CIIssuer, **query: str) -> str:
    answer = urllib3.request("GET", f"{issuer.url}/sandbox/token", fields=query, retries=False, timeout=10)
    assert answer.status == 200
    return answer.data.decode()


def run(machine: CIMachine, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **machine.environment(), **changes}
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
    )


def program(machine: CIMachine, name: str) -> str:
    return os.path.join(machine.environment()["PATH"], name)  # noqa: PTH118 - a folder to call from


@pytest.mark.parametrize("machine", ["kubernetes"], indirect=True)
def test_a_query_overrides_claims_also_within_an_object(machine: CIMachine) -> None:
    read = claims(handed_out(machine.issuer, **{"kubernetes.io/namespace": "other", "sub": "x", "audience": "a"}))
    assert (read["kubernetes.io"]["namespace"], read["sub"], read["aud"]) == ("other", "x", ["a"])
    assert read["kubernetes.io"]["serviceaccount"]["name"] == "minter"


@pytest.mark.parametrize("machine", ["gitlab"], indirect=True)
def test_a_query_can_ask_for_a_forged_token(machine: CIMachine) -> None:
    token = handed_out(machine.issuer, forged="1")
    key = machine.issuer.published_keys()[jwt.get_unverified_header(token)["kid"]]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, key, algorithms=["RS256"], audience="fullsend-mint")


@pytest.mark.parametrize("machine", ["kubernetes"], indirect=True)
def test_the_file_is_for_its_owner_and_renewed_when_the_token_is_due(machine: CIMachine) -> None:
    machine.environment()
    first = machine.token_file.read_text()
    assert machine.token_file.stat().st_mode & 0o777 == 0o600
    machine.issuer.clock.offset = 0.7 * machine.issuer.lifetime
    machine.renew()
    assert machine.token_file.read_text() == first
    machine.issuer.clock.offset = 0.9 * machine.issuer.lifetime
    machine.renew()
    assert claims(machine.token_file.read_text())["iat"] > claims(first)["iat"]


@pytest.mark.parametrize("machine", ["gitlab"], indirect=True)
def test_only_a_pod_has_a_token_file(machine: CIMachine) -> None:
    machine.renew()
    assert machine.environment() == {"GITLAB_CI": "true"}
    assert not machine.token_file.exists()


@pytest.mark.parametrize("machine", ["buildkite"], indirect=True)
def test_the_agent_prints_a_token_with_the_claims_that_the_job_asks_for(machine: CIMachine) -> None:
    agent = program(machine, "buildkite-agent")
    asked = {"BUILDKITE_OIDC_TOKEN_CLAIMS": "pipeline_id", "SANDBOX_CLAIMS": "build_branch=dev"}
    done = run(machine, agent, "oidc", "request-token", "--audience", "a", **asked)
    read = claims(done.stdout.strip())
    assert (read["aud"], read["build_branch"]) == ("a", "dev")
    assert "pipeline_id" in read
    refused = run(machine, agent, "oidc", "request-token", BUILDKITE_OIDC_TOKEN_CLAIMS="agent_secret")
    assert refused.returncode == 1
    assert "422" in refused.stderr
    assert run(machine, agent, "secret", "get").returncode == 1
    assert run(machine, agent, "redactor", "add").returncode == 0


@pytest.mark.parametrize("machine", ["circleci"], indirect=True)
def test_circleci_prints_a_token_for_the_audience(machine: CIMachine) -> None:
    circleci = program(machine, "circleci")
    done = run(machine, circleci, "run", "oidc", "get", "--claims", '{"aud": "a"}')
    assert claims(done.stdout.strip())["aud"] == "a"
    assert run(machine, circleci, "run", "oidc", "get", "--claims", '{"aud": "a"}', "--root-issuer").returncode == 1
