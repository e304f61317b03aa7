from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from fullsend.client import MintClient, MintClientError
from fullsend.client.errors import AmbientIdentityError
from fullsend.client.identity import ambient_token, no_token_in_actions, variables_of_identity
from fullsend.net.retry import RetryPolicy
from fullsend.net.transport import Transport
from tests.connect_proxy import connect_proxy
from tests.retry_time import RetryTime
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo-org/app", "GITHUB_EVENT_NAME": "pull_request"}


def code_for(tmp_path: Path, event: object, **changes: str) -> str:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    return no_token_in_actions({**ACTIONS, "GITHUB_EVENT_PATH": str(path), **changes}).code


def pull_request(head: object) -> dict[str, object]:
    return {"pull_request": {"head": {"repo": head}}}


def test_a_pull_request_from_a_fork_is_told_apart(tmp_path: Path) -> None:
    assert code_for(tmp_path, pull_request({"full_name": "someone/app"})) == "oidc_fork_pull_request"


def test_a_named_pipe_as_event_does_not_hold_the_job(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "event")
    event = {"GITHUB_EVENT_PATH": str(tmp_path / "event")}
    assert no_token_in_actions(ACTIONS | event).code == "oidc_permission_missing"


def test_a_pull_request_whose_fork_is_gone_is_still_one_from_a_fork(tmp_path: Path) -> None:
    assert code_for(tmp_path, pull_request(None)) == "oidc_fork_pull_request"


def test_a_pull_request_within_the_repository_lacks_the_permission(tmp_path: Path) -> None:
    assert code_for(tmp_path, pull_request({"full_name": "Octo-Org/App"})) == "oidc_permission_missing"


def test_another_event_lacks_the_permission(tmp_path: Path) -> None:
    event = pull_request({"full_name": "someone/app"})
    assert code_for(tmp_path, event, GITHUB_EVENT_NAME="push") == "oidc_permission_missing"


@pytest.mark.parametrize("event", [[], None, {"pull_request": 1}, {"pull_request": {"head": 1}}, pull_request("x")])
def test_an_event_that_makes_no_sense_lacks_the_permission_unless_a_fork_is_certain(
    tmp_path: Path, event: object
) -> None:
    assert code_for(tmp_path, event) in {"oidc_permission_missing", "oidc_fork_pull_request"}


def test_an_event_that_cannot_be_read_lacks_the_permission(tmp_path: Path) -> None:
    environ = {**ACTIONS, "GITHUB_EVENT_PATH": str(tmp_path / "nothing")}
    assert no_token_in_actions(environ).code == "oidc_permission_missing"


def test_authorities_that_cannot_be_read_are_named_and_nothing_was_sent(tmp_path: Path) -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://127.0.0.1:1/",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
        "CURL_CA_BUNDLE": str(tmp_path / "missing.pem"),
    }
    with pytest.raises(AmbientIdentityError, match="CURL_CA_BUNDLE names") as failed:
        ambient_token("fullsend-mint", environ, Transport(environ), RetryPolicy())
    assert (failed.value.code, failed.value.nothing_was_sent) == ("ca_bundle_unreadable", True)


@pytest.mark.parametrize("url", ["http://oidc.example/?x=1", "http://10.0.0.1/", "http://127.0.0.1.example/"])
def test_the_request_token_is_not_sent_over_plain_http(url: str) -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    }
    with pytest.raises(AmbientIdentityError, match="must begin with https://") as failed:
        ambient_token("fullsend-mint", environ, Transport(environ), RetryPolicy())
    assert (failed.value.code, failed.value.nothing_was_sent) == ("oidc_variables_invalid", True)


def test_the_remedy_for_the_missing_permission_is_yaml_to_copy() -> None:
    assert "permissions:\n          id-token: write" in no_token_in_actions({}).remedy


def test_a_child_may_have_no_variable_that_leads_to_an_oidc_token() -> None:
    assert variables_of_identity("fullsend-mint") == {
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "FULLSEND_MINT_ID_TOKEN",
        "FULLSEND_ID_TOKEN_FILE",
        "BUILDKITE_AGENT_ACCESS_TOKEN",
        "CIRCLE_OIDC_TOKEN",
        "CIRCLE_OIDC_TOKEN_V2",
    }


NO_TOKENS = [b'{"value": null}', b"{}", b'{"value": ""}', b'{"value": 7}', b'{"value": ["a"]}', b'{"value": "a b"}',
             b'{"value": "a\\nb"}', b'{"count": 1, "value": {}}']  # fmt: skip
PAGE = b"<html>Please sign in</html>"
ANSWERS = [
    *((200, body, "oidc_token_missing") for body in NO_TOKENS),
    *((200, body, "oidc_answer_invalid") for body in (PAGE, b"", b"[]", b"null", b'"x"', b"\xff")),
    *((status, PAGE, "oidc_answer_invalid") for status in (302, 400, 403, 404, 407)),
    (302, b"", "oidc_answer_invalid"),
    (302, b'{"value": "x"}', "oidc_answer_invalid"),
    (407, b"{}", "oidc_answer_invalid"),
    *((status, b'{"message": "no"}', "oidc_request_failed") for status in (400, 401, 403, 404)),
    *((status, b"", "oidc_request_failed") for status in (204, 401)),
    *((status, body, "oidc_request_failed") for status in (408, 425, 429, 500, 503) for body in (PAGE, b"{}")),
]
"""What the token service, or a proxy in its place, answers; the action's tests have the same list."""


@pytest.mark.parametrize(("status", "body", "code"), ANSWERS)
def test_an_answer_without_a_token_is_told_with_who_has_to_act(status: int, body: bytes, code: str) -> None:
    time = RetryTime()
    job = {"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "not-shown"}
    with Peer(lambda _: [answer(status, body)]) as service, pytest.raises(AmbientIdentityError) as failed:
        ambient_token(
            "a", {**job, "ACTIONS_ID_TOKEN_REQUEST_URL": f"{service.url}/?x=1"}, Transport({}), time.policy()
        )
    assert failed.value.code == code
    assert f"answered {status}" in failed.value.message
    assert ("proxy's sign-in page" in failed.value.remedy) is (code == "oidc_answer_invalid")
    assert ("without a JSON object" in failed.value.message) is (code == "oidc_answer_invalid")
    assert "not-shown" not in f"{failed.value}{failed.value.remedy}"
    assert bool(time.slept) is (status in {408, 425, 429, 500, 503})


@pytest.mark.parametrize(("proxy", "reply"), [("ftp://p:1", b""), ("", b"407 Proxy"), ("", b"403 Forbidden")])
def test_a_proxy_that_cannot_be_used_gets_advice_about_the_proxy(proxy: str, reply: bytes) -> None:
    job = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://oidc.example/",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    }
    with connect_proxy(1, reply) as (url, _):
        transport = Transport({"HTTPS_PROXY": proxy or url})
        with pytest.raises(AmbientIdentityError) as failed:
            ambient_token("a", job, transport, RetryTime().policy())
        client = MintClient("https://mint.example", identity=lambda _: "a.b.c", transport=transport)
        with pytest.raises(MintClientError) as refused:
            client.mint("triage")
    assert (failed.value.code, failed.value.nothing_was_sent) == ("proxy_unusable", True)
    assert refused.value.code == "proxy_unusable"
    assert "http://user:password@host:port" in refused.value.remedy
    assert "p@ss" not in f"{refused.value}{failed.value}"
