"""`fullsend audit find`: find the job that held a token, in logs of several forms, with broken lines."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.audit.entries import ReadReport, read_events
from fullsend.audit.search import EventFilter, normal_hash
from fullsend.cli.audit.find import find

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = hashlib.sha256(b"ghs_made_up").digest()
HASH = base64.b64encode(DIGEST).decode()
EVENT: dict[str, Any] = {
    "time": "2030-01-01T00:00:00.000+00:00",
    "event": "mint",
    "outcome": "granted",
    "request_id": "request-1",
    "role": "coder",
    "repos": ["docs"],
    "caller": {"repository": "octo-org/app", "owner": "octo-org", "run_id": "17", "actor": "octocat"},
    "issued": {"hashed_token": HASH, "repositories": ["octo-org/docs"]},
}
WHOLE = EVENT | {"repos": [], "issued": {"hashed_token": "x", "repositories": []}}
DENIED = EVENT | {"outcome": "denied", "issued": None, "code": "role_not_allowed"}
LISTED = {"issuer": "gitlab", "kind": "gitlab", "project": "acme/tools/app", "project_id": "4711", "run_id": "574"}
JOB = EVENT | {"caller": {"repository": "octo-org/app", "owner": "octo-org", "entry": 0, **LISTED}}
UNLISTED = DENIED | {"caller": LISTED}
ENTRY = {"severity": "INFO", "message": "m", "audit": EVENT}
EXPORTED = {"jsonPayload": {"message": "m", "audit": EVENT}, "timestamp": "2030-01-01T00:00:01Z"}


def search(tmp_path: Path, content: str, *options: str) -> Any:
    path = tmp_path / "log"
    path.write_text(content)
    return CliRunner().invoke(find, [*options, str(path)])


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ENTRY),
        "2030-01-01T00:00:00Z stdout F " + json.dumps(ENTRY),
        "[2030-01-01] " + json.dumps(ENTRY),
        json.dumps(EXPORTED),
        json.dumps([EXPORTED], indent=2),
    ],
)
def test_a_token_is_found_in_every_shape_of_log(content: str, tmp_path: Path) -> None:
    result = search(tmp_path, content, "--token-hash", HASH, "--json")
    assert result.exit_code == 0
    assert [event["request_id"] for event in json.loads(result.stdout)] == ["request-1"]


@pytest.mark.parametrize(
    "written", [HASH, HASH.rstrip("="), DIGEST.hex(), base64.urlsafe_b64encode(DIGEST).decode(), f" {HASH}\n"]
)
def test_a_hash_is_the_same_however_it_is_written(written: str) -> None:
    assert normal_hash(written) == HASH


@given(st.text())
def test_text_that_is_not_a_hash_is_refused(text: str) -> None:
    try:
        digest = base64.b64decode(normal_hash(text), validate=True)
    except ValueError:
        return
    assert len(digest) == 32


def test_a_job_of_another_system_is_shown_with_its_issuer_project_and_repository(tmp_path: Path) -> None:
    events = [EVENT, JOB | {"request_id": "r2"}, UNLISTED | {"request_id": "r3"}]
    result = search(tmp_path, "\n".join(json.dumps({"audit": one}) for one in events), "--issuer", "gitlab")
    assert "octo-org/app, for gitlab acme/tools/app" in result.stdout
    assert "no repository, for gitlab acme/tools/app" in result.stdout
    assert "request-1" not in result.stdout


def test_a_pod_is_found_by_its_uid(tmp_path: Path) -> None:
    uid = "0f5a3c1e-8b0d-4f3e-9a49-6d2b7c1e5f80"
    event = JOB | {"caller": JOB["caller"] | {"kind": "kubernetes", "run_id": uid}}
    assert search(tmp_path, json.dumps({"audit": event}), "--run", uid).exit_code == 0


def test_a_token_given_for_its_hash_is_not_printed(tmp_path: Path) -> None:
    result = search(tmp_path, "", "--token-hash", "ghs_aSecretToken")
    assert result.exit_code == 2
    assert "aSecretToken" not in result.output


@pytest.mark.parametrize(
    ("question", "event", "fits"),
    [
        (EventFilter(repo="OCTO-org/docs"), EVENT, True),
        (EventFilter(repo="octo-org/app"), EVENT, True),
        (EventFilter(repo="octo-org/other"), EVENT, False),
        (EventFilter(repo="octo-org/other"), WHOLE, True),
        (EventFilter(repo="other-org/other"), WHOLE, False),
        (EventFilter(repo="octo-org/docs"), DENIED, True),
        (EventFilter(run="17"), EVENT, True),
        (EventFilter(run="1"), EVENT, False),
        (EventFilter(issuer="gitlab"), JOB, True),
        (EventFilter(issuer="gitlab", repo="octo-org/app"), JOB, True),
        (EventFilter(issuer="gitlab", repo="octo-org/app"), UNLISTED, False),
        (EventFilter(issuer="git"), JOB, False),
        (EventFilter(issuer="gitlab"), {"issuer": "gitlab", "code": "issuer_unavailable"}, True),
        (EventFilter(issuer="gitlab"), EVENT, False),
        (EventFilter(run="17", repo="octo-org/other"), EVENT, False),
        (EventFilter(request_id="request-1"), EVENT, True),
        (EventFilter(request_id="request"), EVENT, False),
        (EventFilter(request_id="request-1", run="1"), EVENT, False),
        (EventFilter(request_id="request-1"), {"request_id": ["request-1"]}, False),
        (EventFilter(run="17"), {"caller": "odd"}, False),
        (EventFilter(repo="a/b"), {"issued": 7, "repos": "x"}, False),
    ],
)
def test_a_question_fits_what_concerns_it(question: EventFilter, event: dict[str, Any], fits: bool) -> None:
    assert question.matches(event) is fits


def test_the_cause_of_a_request_whose_token_is_not_proven_is_found_by_its_request_id(tmp_path: Path) -> None:
    unproven = {
        "event": "mint",
        "outcome": "denied",
        "request_id": "r9",
        "code": "invalid_token",
        "cause": "expired",
    }
    lines = "\n".join(json.dumps({"audit": event}) for event in (EVENT, unproven))
    found = search(tmp_path, lines, "--request-id", " r9\n", "--json")
    assert [event["cause"] for event in json.loads(found.stdout)] == ["expired"]
    assert search(tmp_path, lines, "--request-id", "r8").exit_code == 1


def test_lines_that_cannot_be_read_are_counted_and_the_rest_is_searched(tmp_path: Path) -> None:
    content = "Traceback\n" + json.dumps(ENTRY) + "\n" + json.dumps(ENTRY)[:-20]
    result = search(tmp_path, content, "--run", "17")
    assert result.exit_code == 0
    assert "2 lines could not be read as JSON" in result.stderr
    assert "log:1" in result.stderr


def test_nothing_found_is_exit_status_1(tmp_path: Path) -> None:
    result = search(tmp_path, json.dumps(ENTRY), "--run", "18")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "0 of 1 audit events" in result.stderr


def test_an_event_that_stands_in_a_file_and_its_copy_is_one_event(tmp_path: Path) -> None:
    later = EVENT | {"request_id": "request-2"}
    lines = [json.dumps(ENTRY), json.dumps(EXPORTED), json.dumps({"audit": later})]
    result = search(tmp_path, "\n".join([*lines, *lines]), "--run", "17", "--json")
    assert [event["request_id"] for event in json.loads(result.stdout)] == ["request-1", "request-2"]
    assert "6 of 6 audit events, 4 of them duplicates" in result.stderr


def test_a_file_other_than_a_log_is_a_mistake_and_an_empty_log_is_not(tmp_path: Path) -> None:
    wrong = search(tmp_path, "root:x:0:0\n", "--run", "17")
    assert wrong.exit_code == 2
    assert "log:1" in wrong.stderr
    assert search(tmp_path, "", "--run", "17").exit_code == 1


@pytest.mark.parametrize("run", ["abc", "17a", "\u0661", "https://github.com/o/r/actions/runs/17"])
def test_a_run_is_a_number(run: str, tmp_path: Path) -> None:
    assert search(tmp_path, json.dumps(ENTRY), "--run", run).exit_code == 2
    assert search(tmp_path, json.dumps(ENTRY), "--run", " 17\n").exit_code == 0


@pytest.mark.parametrize("columns", ["20", "60", "100"])
def test_where_a_table_does_not_fit_each_event_is_lines_with_whole_values(
    columns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = search(tmp_path, "\n".join(json.dumps({"audit": event}) for event in (EVENT, DENIED)), "--run", "17")
    first, second = shown.stdout.split("\n\n")
    assert "request id  request-1" in first.splitlines()
    assert "time        2030-01-01T00:00:00.000+00:00" in second.splitlines()
    assert "outcome     denied role_not_allowed" in second.splitlines()


def test_a_status_request_is_told_from_a_mint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    asked = EVENT | {"event": "status", "request_id": "r2"}
    shown = search(tmp_path, "\n".join(json.dumps({"audit": event}) for event in (EVENT, asked)), "--run", "17")
    roles = [line.split(maxsplit=1)[1] for line in shown.stdout.splitlines() if line.startswith("role ")]
    assert roles == ["coder", "coder (status)"]


def test_a_search_for_nothing_is_a_mistake(tmp_path: Path) -> None:
    assert search(tmp_path, "").exit_code == 2


def test_a_name_in_the_log_cannot_steer_the_terminal(tmp_path: Path) -> None:
    event = EVENT | {"caller": EVENT["caller"] | {"actor": "\x1b[2Jevil"}}
    result = search(tmp_path, json.dumps(ENTRY | {"audit": event}), "--run", "17")
    assert "\x1b" not in result.stdout


def test_half_a_character_in_the_log_is_shown_by_its_escape_sequence(tmp_path: Path) -> None:
    event = EVENT | {"role": "triage\ud800", "request_id": "\udc00"}
    content = json.dumps(ENTRY | {"audit": event})
    found = search(tmp_path, content, "--run", "17", "--json")
    assert json.loads(found.stdout) == [event]
    assert r"triage\ud800" in search(tmp_path, content, "--run", "17").stdout


@given(st.binary() | st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(
    st.sampled_from(["audit", "jsonPayload", "caller", "issued", "repos", "time"]), inner) | st.lists(inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_file_breaks_the_search(content: bytes) -> None:
    question = EventFilter(token_hash=HASH, repo="a/b", run="1")
    for found in read_events("log", io.BytesIO(content), ReadReport()):
        question.matches(found.event)


def test_only_the_events_that_a_reporting_rule_would_deny_are_found_with_the_rules(tmp_path: Path) -> None:
    reported = EVENT | {"would_deny": ["repo_scope", "ids"], "request_id": "request-2"}
    lines = "\n".join(json.dumps({"audit": event}) for event in (EVENT, reported, EVENT | {"would_deny": []}))
    result = search(tmp_path, lines, "--would-deny")
    assert result.exit_code == 0
    assert "repo_scope, ids" in result.stdout
    found = json.loads(search(tmp_path, lines, "--would-deny", "--json").stdout)
    assert [event["request_id"] for event in found] == ["request-2"]
