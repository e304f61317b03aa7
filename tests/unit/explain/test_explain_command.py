"""`fullsend mint explain`: what it prints, its exit statuses, and the files it refuses."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from click.testing import CliRunner

from fullsend.cli.mint.explain import explain as command
from tests.mint_doubles import claims
from tests.unit.explain.explained_mint import ENVIRONMENT, checks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Any:
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items()))
    (tmp_path / "claims").write_text(json.dumps(claims(exp=time.time() + 300, iat=time.time(), nbf=time.time())))

    def invoke(*arguments: str, claims_text: str = "") -> Any:
        if claims_text:
            (tmp_path / "claims").write_text(claims_text)
        files = ["--claims", str(tmp_path / "claims"), "--env-file", str(tmp_path / "env")]
        return CliRunner().invoke(command, [*files, *arguments])

    return invoke


def test_the_command_says_what_would_be_granted(run: Any) -> None:
    result = run("--role", "triage")
    assert result.exit_code == 0
    assert "would grant contents:read, issues:write, metadata:read" in result.stdout


def test_the_command_ends_with_3_where_the_mint_would_refuse(run: Any) -> None:
    result = run("--role", "nobody", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (answer["allowed"], answer["status"], answer["code"]) == (False, 403, "role_not_allowed")


def test_a_role_that_a_fallback_holds_is_the_other_mints_to_decide(run: Any, tmp_path: Path) -> None:
    standalone = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(("GCP", "WIF"))}
    standalone |= {
        "PEM_DIR": "pems",
        "FALLBACK_MINT_URL": "https://mint.example.com",
        "ROLE_APP_IDS": '{"triage": 1}',
    }
    (tmp_path / "fallback.env").write_text("".join(f"{name}={value}\n" for name, value in standalone.items()))
    path = str(tmp_path / "fallback.env")
    forwarded = run("--role", "coder", "--env-file", path)
    assert forwarded.exit_code == 0
    assert "would send the request on to https://mint.example.com; that mint decides." in forwarded.stdout
    fields = json.loads(run("--role", "coder", "--env-file", path, "--json").stdout)
    assert (fields["allowed"], fields["status"], fields["forwarded_to"]) == (None, None, "https://mint.example.com")
    assert run("--role", "triage", "--env-file", path, "--json").exit_code == 0


def test_a_token_is_never_printed_back(run: Any) -> None:
    token = jwt.encode(claims(), "k" * 32, algorithm="HS256")
    for more in ((), ("--json",)):
        output = run("--role", "coder", *more, claims_text=token).output
        assert not [part for part in token.split(".") if part in output]


def test_a_file_that_cannot_be_used_is_one_sentence_and_no_traceback(run: Any) -> None:
    result = run("--role", "coder", claims_text="rubbish")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "rubbish" not in result.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--env-file", "/no/such"), 2),
        (("--claims", "/no/such"), 2),
        (("--claims", "/"), 2),
        (("--role", ""), 2),
        (("--role", "Bad Role"), 3),
    ],
)
def test_what_was_not_given_rightly_is_wrong_usage_and_what_a_mint_refuses_is_not(
    run: Any, words: tuple[str, ...], status: int
) -> None:
    done = run("--role", "coder", *words)
    assert done.exit_code == status
    assert "body" not in done.stderr


def test_a_file_of_variables_is_fixed_in_the_file() -> None:
    assert (
        checks(repository="new-org/app", repository_owner="new-org")["org"].change == "Add new-org to ALLOWED_ORGS."
    )
    assert checks(role="retro")["role"].change.endswith("To serve retro: Give retro an App in ROLE_APP_IDS.")


@pytest.mark.parametrize("claim", ["iss", "aud", "job_workflow_ref"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_half_a_character_in_a_claim_is_shown_by_its_escape_sequence(
    tmp_path: Path, claim: str, options: tuple[str, ...]
) -> None:
    file, environment = tmp_path / "claims.json", tmp_path / "env"
    given = claims(exp=2**33)
    file.write_text(json.dumps(given | {claim: f"{given[claim]}\ud800"}))
    environment.write_text("".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items()))
    done = CliRunner().invoke(
        command,
        ["--claims", str(file), "--role", "coder", "--env-file", str(environment), *options],
        env={"COLUMNS": "200"},
    )
    assert done.exit_code == 3, done.output
    assert "ud800" in done.stdout
