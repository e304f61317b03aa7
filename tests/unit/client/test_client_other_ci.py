from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.client.ci_system import CISystem, ci_system
from fullsend.client.errors import AmbientIdentityError
from fullsend.client.identity import variables_of_identity
from fullsend.client.masking import mask_in_log
from fullsend.client.other_ci import PROJECTED_TOKEN, gitlab_variable, token_of_other_ci
from fullsend.client.token_audience import audiences
from tests.unit.client import ci_agents
from tests.unit.client.ci_agents import jwt_for

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIENCE = "fullsend-mint"
TOKEN = jwt_for(AUDIENCE)
GITLAB = {"GITLAB_CI": "true", "CI_PROJECT_ID": "4711", "FULLSEND_MINT_ID_TOKEN": TOKEN}
POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
SECRET = "ghs_" + "a1B2" * 9


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    ci_agents.install(folder)
    return folder


def buildkite(agents: Path, **changes: str) -> dict[str, str]:
    return {"BUILDKITE": "true", "PATH": str(agents), "AGENT_TOKEN": TOKEN} | changes


def refused(environ: Mapping[str, str], audience: str = AUDIENCE) -> AmbientIdentityError:
    with pytest.raises(AmbientIdentityError) as caught:
        token_of_other_ci(audience, environ)
    return caught.value


@pytest.mark.parametrize(
    ("environ", "system"),
    [
        ({"GITHUB_ACTIONS": "true", **POD}, CISystem.ACTIONS),
        ({"GITLAB_CI": "true", **POD}, CISystem.GITLAB),
        ({"BUILDKITE": "true", **POD}, CISystem.BUILDKITE),
        ({"CIRCLECI": "true", **POD}, CISystem.CIRCLECI),
        (POD, CISystem.KUBERNETES),
        ({"FULLSEND_ID_TOKEN_FILE": "/token"}, CISystem.KUBERNETES),
        ({"GITHUB_ACTIONS": "false"}, None),
        ({"CI": "true"}, None),
        ({}, None),
    ],
)
def test_a_ci_system_is_known_by_its_own_variable(environ: dict[str, str], system: CISystem | None) -> None:
    assert ci_system(environ) == system


def test_gitlab_keeps_the_token_in_a_variable_that_is_named_for_the_audience() -> None:
    assert token_of_other_ci(AUDIENCE, GITLAB) == TOKEN
    assert gitlab_variable("https://mint.example.com") == "HTTPS___MINT_EXAMPLE_COM_ID_TOKEN"


def test_a_gitlab_job_without_the_variable_is_told_what_to_write() -> None:
    error = refused({"GITLAB_CI": "true"})
    assert (error.code, error.nothing_was_sent) == ("oidc_gitlab_variable", True)
    assert "FULLSEND_MINT_ID_TOKEN" in error.message
    assert "id_tokens:\n        FULLSEND_MINT_ID_TOKEN:\n          aud: fullsend-mint" in error.remedy


@pytest.mark.parametrize("audience", ["https://vault.example.com", ["other"], [], None, 7, "fullsend-mint-2"])
def test_a_token_for_another_audience_is_never_sent(audience: object, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(jwt_for(audience))
    for environ in ({**GITLAB, "FULLSEND_MINT_ID_TOKEN": jwt_for(audience)}, {"FULLSEND_ID_TOKEN_FILE": str(file)}):
        error = refused(environ)
        assert (error.code, error.nothing_was_sent) == ("oidc_wrong_audience", True)
        assert jwt_for(audience) not in str(error)


@pytest.mark.parametrize(
    "text", ["x", "a.b", "a.b.c", "a.W10.c", "$FULLSEND_MINT_ID_TOKEN", "a.é.c", ". .", "a.e30.c\n"]
)
def test_text_that_is_not_a_token_is_not_sent(text: str) -> None:
    assert refused({**GITLAB, "FULLSEND_MINT_ID_TOKEN": text}).code == "oidc_gitlab_variable"


@given(st.text(max_size=300))
def test_any_text_has_audiences_or_is_not_a_jwt(text: str) -> None:
    try:
        found = audiences(text)
    except ValueError:
        return
    assert all(isinstance(one, str) for one in found)


def test_buildkites_agent_hands_the_token_out_with_the_ids(agents: Path) -> None:
    assert token_of_other_ci(AUDIENCE, buildkite(agents)) == TOKEN
    call = ci_agents.calls(agents)[0]
    assert call["arguments"] == ["oidc", "request-token", "--audience", AUDIENCE]
    assert call["claims"] == "organization_id,pipeline_id"


def test_claims_that_the_pipeline_asks_for_stay(agents: Path) -> None:
    token_of_other_ci(AUDIENCE, buildkite(agents, BUILDKITE_OIDC_TOKEN_CLAIMS="cluster_id,pipeline_id"))
    assert ci_agents.calls(agents)[0]["claims"] == "cluster_id,pipeline_id,organization_id"


def test_circlecis_agent_hands_out_a_token_of_the_organizations_issuer(agents: Path) -> None:
    environ = {"CIRCLECI": "true", "PATH": str(agents), "AGENT_TOKEN": TOKEN}
    assert token_of_other_ci(AUDIENCE, environ) == TOKEN
    arguments = ci_agents.calls(agents)[0]["arguments"]
    assert arguments == ["run", "oidc", "get", "--claims", json.dumps({"aud": AUDIENCE})]


def test_an_agent_that_fails_is_quoted_without_tokens(agents: Path) -> None:
    error = refused(buildkite(agents, AGENT_FAILS=f"\x1b[31m401 {TOKEN * 2} Invalid access token\x1b[0m"))
    assert error.code == "oidc_agent_failed"
    assert "status 1: fatal: 401 Invalid access token" in error.message
    assert TOKEN not in error.message


def test_an_agent_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refused({"BUILDKITE": "true", "PATH": str(tmp_path)})
    assert (error.code, error.nothing_was_sent) == ("oidc_not_available", True)
    assert "buildkite-agent was not found on PATH" in error.message


@pytest.mark.parametrize("said", ["", "two words", "Usage:\n  buildkite-agent"])
def test_an_agent_that_prints_something_else_gives_no_token(agents: Path, said: str) -> None:
    assert refused(buildkite(agents, AGENT_TOKEN=said)).code == "oidc_agent_failed"


def test_a_pod_finds_its_token_where_the_documents_mount_it(tmp_path: Path) -> None:
    assert Path("/var/run/secrets/fullsend-mint/token") == PROJECTED_TOKEN
    kept = tmp_path / "..2026_11_26"
    kept.mkdir()
    (kept / "token").write_text(jwt_for([AUDIENCE]) + "\n")
    (tmp_path / "token").symlink_to(kept / "token")  # as the kubelet does
    assert token_of_other_ci(AUDIENCE, POD, projected=tmp_path / "token") == jwt_for([AUDIENCE])
    other = tmp_path / "other"
    other.write_text(TOKEN)
    environ = {**POD, "FULLSEND_ID_TOKEN_FILE": str(other)}
    assert token_of_other_ci(AUDIENCE, environ, projected=tmp_path / "token") == TOKEN


def test_a_pod_without_the_file_is_told_what_to_mount() -> None:
    error = refused(POD)
    assert (error.code, error.nothing_was_sent) == ("oidc_projected_token", True)
    assert str(PROJECTED_TOKEN) in error.message
    assert "serviceAccountToken:" in error.remedy


@pytest.mark.parametrize("folder", ["/var/run", "/run", "/var/run/secrets/.."])
def test_the_pods_credential_for_the_cluster_is_never_sent(folder: str) -> None:
    error = refused({"FULLSEND_ID_TOKEN_FILE": f"{folder}/secrets/kubernetes.io/serviceaccount/token"})
    assert "so it was not sent" in error.message


def test_a_link_to_the_pods_credential_is_followed_before_it_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "token"
    link.symlink_to("/var/run/secrets/kubernetes.io/serviceaccount/token")
    assert "so it was not sent" in refused({"FULLSEND_ID_TOKEN_FILE": str(link)}).message


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 70_000, b"two words"])
def test_a_file_without_a_token_gives_none(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert refused({"FULLSEND_ID_TOKEN_FILE": str(file)}).code == "oidc_projected_token"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_only_a_file_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert "it is not a regular file" in refused({"FULLSEND_ID_TOKEN_FILE": str(path)}).message


def test_a_loop_of_links_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert refused({"FULLSEND_ID_TOKEN_FILE": str(tmp_path / "a")}).code == "oidc_projected_token"


def test_without_a_ci_system_there_is_no_token() -> None:
    assert refused({}).code == "oidc_not_available"


def test_a_command_gets_no_variable_that_leads_to_a_token_of_these_systems() -> None:
    assert variables_of_identity(AUDIENCE) >= {
        "FULLSEND_MINT_ID_TOKEN",
        "BUILDKITE_AGENT_ACCESS_TOKEN",
        "CIRCLE_OIDC_TOKEN",
        "CIRCLE_OIDC_TOKEN_V2",
        "FULLSEND_ID_TOKEN_FILE",
    }


def test_actions_is_told_to_mask_and_nothing_else_is(agents: Path) -> None:
    lines: list[str] = []
    assert mask_in_log(SECRET, {"GITHUB_ACTIONS": "true"}, lines.append) is None
    assert lines == [f"::add-mask::{SECRET}"]
    for environ in (GITLAB, buildkite(agents), {"CIRCLECI": "true"}, POD, {"GITHUB_ACTIONS": "false"}, {}):
        mask_in_log(SECRET, environ, lines.append)
    assert len(lines) == 1


def test_buildkites_redactor_gets_the_token_on_stdin(agents: Path) -> None:
    assert mask_in_log(SECRET, buildkite(agents), print) is None
    call = ci_agents.calls(agents)[0]
    assert (call["arguments"], call["stdin"]) == (["redactor", "add"], SECRET)


def test_a_redactor_that_fails_is_reported_without_the_token(agents: Path) -> None:
    problem = mask_in_log(SECRET, buildkite(agents, AGENT_FAILS="failed to create Job API client"), print)
    assert problem is not None
    assert problem.failed
    assert "failed to create Job API client" in problem.sentence
    assert SECRET not in problem.sentence


@pytest.mark.parametrize("environ", [GITLAB, {"CIRCLECI": "true"}, POD])
def test_a_system_that_cannot_mask_is_named(environ: dict[str, str]) -> None:
    problem = mask_in_log(SECRET, environ, print)
    assert problem is not None
    assert not problem.failed
    assert "cannot hide the token" in problem.sentence


def test_outside_ci_there_is_no_log_to_hide_it_in() -> None:
    assert mask_in_log(SECRET, {}, print) is None
