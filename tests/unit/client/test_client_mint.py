"""The client against a scripted mint on loopback: what it sends, and how it reads the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fullsend.client import (
    MintAnswerError,
    MintClient,
    MintClientError,
    MintConfigurationError,
    StatusRule,
)
from fullsend_sandbox.faults import Drop, Fail, Garbage, Huge
from tests.unit.client.scripted_mint import IDENTITY, client

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.loopback import LoopbackService
    from tests.retry_time import RetryTime


def test_the_answer_is_typed(mint: LoopbackService, time: RetryTime) -> None:
    minted = client(time, mint).mint("coder", ["app"])
    assert (minted.granted_repos, minted.granted_permissions) == (("octo-org/app",), {"contents": "read"})


def test_role_and_repositories_go_with_the_jobs_identity(mint: LoopbackService, time: RetryTime) -> None:
    client(time, mint).mint("coder", ["app"])
    [sent] = mint.traffic
    assert (sent.method, sent.path, json.loads(sent.body)) == (
        "POST",
        "/v1/token",
        {"role": "coder", "repos": ["app"]},
    )
    assert sent.headers["authorization"] == f"Bearer {IDENTITY}"


STATUS = {"org": "octo-org", "roles": ["coder"], "workflow_allowed": True, "version": "9"}
RULE: dict[str, Any] = {
    "rule": "role",
    "passed": False,
    "found": "f",
    "expected": "e",
    "code": "role_not_allowed",
    "change": "c",
}


def answering(mint: LoopbackService, answer: object) -> None:
    mint.faults.add(Fail(200, json.dumps(answer)))


def test_a_status_without_a_role_asks_for_no_rules(mint: LoopbackService, time: RetryTime) -> None:
    answering(mint, STATUS)
    found = client(time, mint).status()
    assert (found.roles, found.allowed, found.rules) == (("coder",), None, ())
    assert [sent.query for sent in mint.traffic] == [""]


def test_a_status_for_a_role_has_its_rules(mint: LoopbackService, time: RetryTime) -> None:
    answering(mint, STATUS | {"allowed": False, "rules": [RULE]})
    found = client(time, mint).status("coder", ["app", "docs"])
    assert (found.allowed, found.rules) == (False, (StatusRule(**RULE),))
    assert [sent.query for sent in mint.traffic] == ["role=coder&repos=app%2Cdocs"]


def test_a_rule_without_a_result_is_open(mint: LoopbackService, time: RetryTime) -> None:
    undecided = {"rule": "target_org", "passed": False, "found": "x", "expected": "y", "open": True}
    answering(mint, STATUS | {"allowed": False, "rules": [undecided]})
    (rule,) = client(time, mint).status("coder", ["app"]).rules
    assert (rule.open, rule.code, rule.report_only) == (True, "", False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowed": "yes"},
        {"rules": {}},
        {"rules": ["role"]},
        {"rules": [RULE | {"passed": None}]},
        {"rules": [RULE | {"found": "a\nb"}]},
        {"rules": [RULE | {"change": 1}]},
    ],
)
def test_malformed_rules_are_not_a_mints(mint: LoopbackService, time: RetryTime, wrong: dict[str, object]) -> None:
    answering(mint, STATUS | {"allowed": False, "rules": []} | wrong)
    with pytest.raises(MintAnswerError):
        client(time, mint).status("coder")


def test_a_netrc_entry_does_not_replace_the_identity(
    mint: LoopbackService, time: RetryTime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    client(time, mint).mint("coder")
    [sent] = mint.traffic
    assert sent.headers["authorization"] == f"Bearer {IDENTITY}"


@pytest.mark.parametrize(
    "fault",
    [
        Garbage(),
        Fail(404, "<html>Not here"),
        Fail(301, "", {"Location": "https://elsewhere.example/"}),
        Fail(200, "{}"),
    ],
)
def test_what_is_not_a_mint_is_called_so(mint: LoopbackService, time: RetryTime, fault: Garbage | Fail) -> None:
    mint.faults.add(fault)
    with pytest.raises(MintAnswerError) as failed:
        client(time, mint).mint("coder")
    assert (failed.value.code, len(mint.traffic)) == ("not_a_mint", 1)


def test_an_endless_answer_is_cut_off(mint: LoopbackService, time: RetryTime) -> None:
    mint.faults.add(Huge())
    with pytest.raises(MintAnswerError, match=r"is not a mint: it sent more than 8388608 bytes\."):
        client(time, mint).mint("coder")


def test_no_error_shows_the_identity(mint: LoopbackService, time: RetryTime) -> None:
    mint.faults.add(Drop())
    with pytest.raises(MintClientError) as failed:
        client(time, mint).mint("coder")
    assert IDENTITY not in f"{failed.value!r} {failed.value} {failed.value.__cause__!r}"


def test_a_list_of_no_mints_is_refused() -> None:
    with pytest.raises(MintConfigurationError):
        MintClient([])
