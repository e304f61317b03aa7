"""The files that `fullsend mint explain` reads: which forms it takes, and how it refuses the rest."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.explain.claims_file import parse_claims
from fullsend.explain.configuration import configured, parse_environment, read_configuration
from fullsend.explain.input_errors import UnusableInputError
from fullsend.explain.text_file import MAX_BYTES, read_text

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = jwt.encode({"iss": "https://issuer.test", "marker": "SECRETISH"}, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize("text", [TOKEN, f"Bearer {TOKEN}\n", json.dumps({"count": 1, "value": TOKEN})])
def test_a_jwt_is_decoded_without_being_believed(text: str) -> None:
    given_claims = parse_claims(text, "F")
    assert given_claims.unverified_claims["iss"] == "https://issuer.test"
    assert given_claims.is_token
    assert given_claims.problem == "the token is not signed with RS256 or ES256"


def test_bare_claims_are_not_a_token() -> None:
    given_claims = parse_claims('{"iss": "x"}', "F")
    assert (given_claims.is_token, dict(given_claims.unverified_claims)) == (False, {"iss": "x"})


@pytest.mark.parametrize("text", ["", "hello", "[1]", '{"iss": ', "{" * 50_000, "a.b.c", TOKEN[:-60] + "!.!"])
def test_what_holds_no_claims_is_refused_in_a_sentence_that_quotes_nothing(text: str) -> None:
    with pytest.raises(UnusableInputError) as refused:
        parse_claims(text, "F")
    assert str(refused.value).startswith("F ")
    assert len(str(refused.value)) < 100


@given(st.text() | st.from_regex(r"[a-zA-Z0-9_-]*\.[a-zA-Z0-9_-]*\.[a-zA-Z0-9_-]*", fullmatch=True))
def test_no_text_breaks_the_reading_of_claims(text: str) -> None:
    try:
        parse_claims(text, "F")
    except UnusableInputError as refused:
        assert len(text) < 20 or text not in str(refused)  # noqa: PT017 - either outcome is right


@given(st.text())
def test_no_text_breaks_the_reading_of_an_environment(text: str) -> None:
    try:
        variables = parse_environment(text, "F")
    except UnusableInputError:
        return
    assert all(isinstance(value, str) for value in variables.values())


@pytest.mark.parametrize(
    "text",
    [
        'ALLOWED_ORGS=a,b\n\n# a comment\nexport ROLE_APP_IDS=\'{"coder": 1}\'\nPORT="80"\nEMPTY=',
        "ALLOWED_ORGS: a,b\nROLE_APP_IDS: '{\"coder\": 1}'\nPORT: 80\nEMPTY:",
        json.dumps({"ALLOWED_ORGS": "a,b", "ROLE_APP_IDS": '{"coder": 1}', "PORT": 80, "EMPTY": None}),
    ],
)
def test_lines_yaml_and_json_say_the_same(text: str) -> None:
    assert parse_environment(text, "F") == {
        "ALLOWED_ORGS": "a,b", "ROLE_APP_IDS": '{"coder": 1}', "PORT": "80", "EMPTY": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "sets no variable"),
        ("A=1\nnonsense", "line 2"),
        ("- a\n- b", "neither KEY=VALUE lines nor a YAML mapping"),
        ("A: [1", "neither KEY=VALUE lines nor YAML"),
        ("A:\n  b: 1", "A is not text"),
        ("A: true", "A is not text"),
    ],
)
def test_an_environment_that_cannot_be_read_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UnusableInputError, match=says):
        parse_environment(text, "F")


def test_every_reason_why_the_mint_would_not_start_is_named() -> None:
    with pytest.raises(UnusableInputError) as refused:
        configured({"ALLOWED_ORGS": "a b"}, "F")
    for variable in ("ALLOWED_ORGS", "ROLE_APP_IDS", "GCP_PROJECT_NUMBER"):
        assert variable in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        (
            {"PEM_DIR": "pems", "BIND": "here"},
            "Set valid values, for example:\nBIND=127.0.0.1\ndocs/configuration.md describes each variable.",
        ),
        ({}, "A hosted mint has GCP_PROJECT_NUMBER, a standalone one has PEM_DIR.\nSet valid values"),
    ],
)
def test_the_remedy_is_about_the_variables_with_problems(changes: dict[str, str], remedy: str) -> None:
    roles = {"ROLE_APP_IDS": '{"triage": "1"}', "ALLOWED_ORGS": "my-org", "ALLOWED_WORKFLOW_FILES": "*"}
    with pytest.raises(UnusableInputError) as refused:
        configured({**roles, **changes}, "F")
    assert refused.value.remedy.startswith(remedy)
    assert "; for example" not in str(refused.value)


def test_a_pem_directory_means_a_standalone_mint(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text('PEM_DIR=/pems\nROLE_APP_IDS={"coder": "1"}\n')
    assert read_configuration(path).mode == "standalone"


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe\x00", "not text in UTF-8"), (b"x" * (MAX_BYTES + 1), "larger than 1 MiB")]
)
def test_a_large_or_binary_file_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "claims"
    path.write_bytes(content)
    with pytest.raises(UnusableInputError, match=says):
        read_text(path)


@pytest.mark.skipif(sys.platform == "win32", reason="directories open differently there")
def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError, match="cannot be read"):
        read_text(tmp_path)
