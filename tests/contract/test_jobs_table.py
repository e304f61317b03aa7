"""Every row of jobs of other CI systems against both modes as real processes, with what they may call."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.signing import new_ec_key
from tests.audited_mint import events
from tests.contract.exchange import Got, send
from tests.contract.modes import MODES, new_mint
from tests.contract.rows_jobs import CALLERS, CLUSTER, KINDS, ROWS, JobRow, of
from tests.contract.table import Sent, as_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

CASES = [pytest.param(row, mode, id=f"{mode}: {row.id}") for row in ROWS for mode in MODES]
TRIAGE = names.app_permissions()["triage"]


@pytest.fixture(scope="module")
def mints(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MintProcess]]:
    shared_world.reset()
    for kind in KINDS[:4]:
        shared_world.ci.add(kind)
    shared_world.ci.add("kubernetes", "far", issuer=CLUSTER, make_key=new_ec_key)
    file = tmp_path_factory.mktemp("jwks") / "jwks.json"
    file.write_text(shared_world.ci["far"].jwks_text(), encoding="utf-8")
    issuers: dict[str, dict[str, str]] = {
        name: {"kind": shared_world.ci[name].kind, "url": shared_world.ci[name].issuer} for name in KINDS
    }
    issuers["far"]["jwks_file"] = str(file)
    changes = {"ISSUERS": json.dumps(issuers), "CALLERS": json.dumps(CALLERS)}
    with ExitStack() as running:
        yield {
            mode: running.enter_context(new_mint(mode, shared_world, tmp_path_factory.mktemp("pems"), **changes))
            for mode in MODES
        }
    shared_world.ci.stop()


def ask(mint: MintProcess, world: World, token: str, **sent: Any) -> Got:
    for service in (world.sts, world.github):
        service.traffic.clear()
    return send(mint.url, Sent(token, **sent))


def last_event(mint: MintProcess, request_id: str) -> dict[str, Any]:
    mint.wait_for_log(lambda line: request_id in line)
    return next(event for event in events(mint.logs()) if event["request_id"] == request_id)


@pytest.mark.parametrize(("row", "mode"), CASES)
def test_the_table_of_jobs(row: JobRow, mode: str, mints: dict[str, MintProcess], shared_world: World) -> None:
    got = ask(mints[mode], shared_world, row.token(shared_world), body=row.body)
    assert (got.status, got.json.get("code", "")) == (row.status, row.code), got.text
    if row.status == 200:
        assert_granted(row, got, shared_world)
        return
    for words in row.says:
        assert words in got.json["error"]
    calls = shared_world.outside_calls()
    assert (calls["sts"], calls["github"]) == (0, 0)


def assert_granted(row: JobRow, got: Got, world: World) -> None:
    assert sorted(got.json["granted_repos"]) == sorted(row.repos)
    expected = names.app_permissions()[row.body["role"]] if row.permissions is None else row.permissions
    assert got.json["granted_permissions"] == {"metadata": "read"} | dict(expected)
    hashed = base64.b64encode(hashlib.sha256(got.json["token"].encode()).digest()).decode()
    (made,) = [one for one in world.github.live_tokens() if one.hashed == hashed]
    assert dict(made.permissions) == got.json["granted_permissions"]
    assert made.repository_ids is not None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", [row for row in ROWS if ": a job of" in row.id], ids=lambda row: row.id)
def test_the_audit_event_names_the_job_and_its_entry(
    row: JobRow, mode: str, mints: dict[str, MintProcess], shared_world: World
) -> None:
    request_id = f"audit-{mode}-{row.entry}"
    ask(mints[mode], shared_world, row.token(shared_world), body=row.body, headers={"X-Request-Id": request_id})
    event = last_event(mints[mode], request_id)
    name = row.id.partition(":")[0]
    caller = event["caller"]
    assert (caller["issuer"], caller["entry"], caller["repository"]) == (name, row.entry, "octo-org/app")
    assert caller["project"]
    assert event["verified_by"] == ("jwks+sts" if mode == "hosted" else "jwks")
    assert [rule["rule"] for rule in event["rules"]][:2] == ["callers", "org"]


@pytest.mark.parametrize("mode", MODES)
def test_the_audit_event_of_a_denied_job_has_no_repository(
    mode: str, mints: dict[str, MintProcess], shared_world: World
) -> None:
    token = shared_world.ci["gitlab"].token(project_id="4712")
    request_id = f"denied-{mode}"
    ask(mints[mode], shared_world, token, headers={"X-Request-Id": request_id})
    event = last_event(mints[mode], request_id)
    assert {"repository", "entry"}.isdisjoint(event["caller"])
    assert (event["caller"]["project_id"], event["code"]) == ("4712", "claims_not_allowed")
    assert "project_id is '4712'" in event["rules"][0]["found"]


@pytest.mark.parametrize("mode", MODES)
def test_status_says_the_same_as_a_mint(mode: str, mints: dict[str, MintProcess], shared_world: World) -> None:
    def status(token: str, query: str = "") -> Got:
        return ask(mints[mode], shared_world, token, body=b"", method="GET", path=f"/v1/status{query}")

    token = shared_world.ci["gitlab"].token()
    own = status(token).json
    assert (own["org"], own["roles"], own["workflow_allowed"]) == ("octo-org", ["coder", "triage"], True)
    allowed = status(token, "?role=triage&repos=app").json
    assert (allowed["allowed"], allowed["rules"][0]["rule"]) == (True, "callers")
    denied = status(token, "?role=review").json
    assert [rule["code"] for rule in denied["rules"] if not rule["passed"]] == ["role_not_allowed"]
    stranger = status(shared_world.ci["gitlab"].token(project_id="4712"))
    assert (stranger.status, stranger.json["code"]) == (403, "claims_not_allowed")
    assert shared_world.outside_calls()["sts"] == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_workflow_of_github_is_served_beside_them(
    mode: str, mints: dict[str, MintProcess], shared_world: World
) -> None:
    sent = as_job({"role": "triage", "repos": ["app"]})(shared_world)
    assert send(mints[mode].url, sent).status == 200


@pytest.mark.parametrize("mode", MODES)
def test_warm_mints_of_a_job_cost_one_call_to_github_and_one_to_sts(
    mode: str, mints: dict[str, MintProcess], shared_world: World
) -> None:
    token = of("gitlab")
    for _ in range(2):
        got = ask(mints[mode], shared_world, token(shared_world), body=ROWS[0].body)
    assert got.status == 200
    calls = shared_world.outside_calls()
    assert (calls["sts"], calls["github"]) == (1 if mode == "hosted" else 0, 1)


def test_google_has_the_last_word(mints: dict[str, MintProcess], shared_world: World) -> None:
    token = shared_world.ci["circleci"].token()
    shared_world.ci.put_provider("circleci", attribute_condition="false")
    got = ask(mints["hosted"], shared_world, token, body=ROWS[0].body)
    assert (got.status, got.json["code"]) == (401, "invalid_token")
    shared_world.ci.put_provider("circleci")
    assert ask(mints["hosted"], shared_world, token, body=ROWS[0].body).status == 200


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ids", ['{"Octo-Org": 1}', '{"octo-org/App": 1}'])
def test_another_account_or_repository_of_the_name_mints_nothing_for_a_job(
    mode: str, ids: str, mints: object, shared_world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A job's token has no id of GitHub's, so GitHub's answers are compared with ENROLLED_IDS."""
    assert mints
    own = {"kind": "gitlab", "url": shared_world.ci["gitlab"].issuer}
    changes = {
        "ISSUERS": json.dumps({"gitlab": own}),
        "CALLERS": json.dumps([CALLERS[0]]),
        "ENROLLED_IDS": ids,
        "MINTS_PER_TOKEN": "5",
    }
    with new_mint(mode, shared_world, tmp_path_factory.mktemp("pems"), **changes) as mint:
        token, live = shared_world.ci["gitlab"].token(), shared_world.github.live_tokens()
        got = ask(mint, shared_world, token, body=ROWS[0].body, headers={"X-Request-Id": "ids"})
        assert (got.status, got.json["code"]) == (403, "org_not_allowed")
        assert "now belongs to a different account" in got.json["error"]
        event = last_event(mint, "ids")
        assert (event["outcome"], event["cause"].partition(":")[0]) == ("denied", "rule ids")
        assert shared_world.github.live_tokens() == live
        told = ask(mint, shared_world, token, body=b"", method="GET", path="/v1/status?role=triage").json
        assert [rule["rule"] for rule in told["rules"] if not rule["passed"]] == ["ids"]
        assert not told["allowed"]
        uncounted = ask(mint, shared_world, shared_world.ci["gitlab"].token(jti=None), body=ROWS[0].body)
        assert (uncounted.status, uncounted.json["code"]) == (403, "token_spent")


def test_hosted_uploaded_keys_are_enough_where_the_mint_cannot_fetch_any(
    mints: object, shared_world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert mints
    shared_world.ci.add("kubernetes", "uploaded", issuer="http://127.0.0.1:9")
    changes = {
        "ISSUERS": json.dumps({"uploaded": {"kind": "kubernetes", "url": "http://127.0.0.1:9"}}),
        "CALLERS": json.dumps([{**CALLERS[4], "issuer": "uploaded"}]),
    }
    with new_mint("hosted", shared_world, tmp_path_factory.mktemp("pems"), **changes) as mint:
        own, body = shared_world.ci["uploaded"], ROWS[0].body
        headers = {"X-Request-Id": "uploaded"}
        assert ask(mint, shared_world, own.token(), body=body, headers=headers).status == 200
        assert last_event(mint, "uploaded")["verified_by"] == "sts"
        # Google refuses a forged token, and its sender learns no policy.
        denied = ask(mint, shared_world, own.forged_token(), body=body)
        assert (denied.status, denied.json["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("mode", MODES)
def test_an_issuer_that_is_down_stops_only_its_own_jobs(
    mode: str, shared_world: World, tmp_path_factory: pytest.TempPathFactory, mints: object
) -> None:
    assert mints
    url = "http://127.0.0.1:9"
    issuers = {
        "down": {"kind": "gitlab", "url": url},
        "kubernetes": {"kind": "kubernetes", "url": shared_world.ci["kubernetes"].issuer},
    }
    callers = [CALLERS[4], {**CALLERS[0], "issuer": "down"}]
    changes = {"ISSUERS": json.dumps(issuers), "CALLERS": json.dumps(callers)}
    with new_mint(mode, shared_world, tmp_path_factory.mktemp("pems"), **changes) as mint:
        assert ask(mint, shared_world, shared_world.ci["kubernetes"].token(), body=ROWS[0].body).status == 200
        got = ask(mint, shared_world, shared_world.ci["gitlab"].token(iss=url), body=ROWS[0].body)
        expected = (401, "invalid_token") if mode == "hosted" else (502, "issuer_unavailable")
        assert (got.status, got.json["code"]) == expected
