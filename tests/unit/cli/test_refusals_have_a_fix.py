"""Input that is refused before anything is sent: exit status 2, and one fix."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from pathlib import Path

JOB = "--mint-url http://127.0.0.1:9 --role triage"
PROJECT = "--project some-project"
COMMANDS = [
    f"mint token {JOB} --out /dev/null",
    f"mint token {JOB} --out no/such",
    f"mint token {JOB} --out LINK",
    f"mint token {JOB} --permission contents:big",
    "mint token --mint-url http://x.example --role triage",
    f"mint status {JOB} --repos a/b",
    "mint status 'a b'",
    "mint probe --mint-url http://x.example --expect LINK",
    f"mint enroll '' {PROJECT}",
    f"mint enroll a/b/c {PROJECT}",
    "mint enroll octo-org --project 'A B'",
    f"mint add-role Review --app-id 1 --pem /etc/hostname {PROJECT}",
    f"mint add-role review --app-id x --use-existing-secret {PROJECT}",
    f"mint add-role review --app-id 1 --pem /etc/hostname {PROJECT}",
    f"mint add-role triage --app-id 1 --use-existing-secret --permission contents:read {PROJECT}",
    f"mint add-role mine --app-id 1 --use-existing-secret --permission contents:big {PROJECT}",
    f"mint issuer add GitLab --kind gitlab --url https://x.example {PROJECT}",
    f"mint issuer add gitlab --kind gitlab --url https://x.example --match project_id {PROJECT}",
    "github grants octo-org",
    "github create-app --org 'a b' --role triage",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_refused_input_has_one_fix(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LINK").symlink_to("nowhere")
    environment = {"PATH": str(tmp_path), "GH_TOKEN": "", "GITHUB_TOKEN": "", "GITHUB_API_URL": "", "HOME": "."}
    result = CliRunner().invoke(cli, shlex.split(command), env=environment)
    assert (result.exit_code, result.output.count("Fix: ")) == (2, 1), result.output


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"GH_TOKEN": "a b"}, "GH_TOKEN does not hold a GitHub token"),
        ({}, "The command needs a GitHub token"),
        ({"GH_TOKEN": "x", "GITHUB_API_URL": "http://x"}, "Fix: Set GITHUB_API_URL to the API of the GitHub"),
        (
            {"GH_TOKEN": "x", "GITHUB_API_URL": "https://github.com"},
            "Fix: Set GITHUB_API_URL to https://api.github.com",
        ),
    ],
)
def test_github_is_not_asked_without_a_usable_token_and_address(
    environment: dict[str, str], says: str, tmp_path: Path
) -> None:
    base = {"PATH": str(tmp_path), "GH_TOKEN": "", "GITHUB_TOKEN": "", "GITHUB_API_URL": ""}
    result = CliRunner().invoke(cli, ["github", "grants", "octo-org"], env=base | environment)
    assert (result.exit_code, result.output.count("Fix: "), says in result.output) == (2, 1, True), result.output


def test_the_form_of_an_app_needs_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    no_app, owner = answer(404, b'{"message": "Not Found"}'), answer(200, b'{"id": 1, "type": "Organization"}')
    with Peer(lambda number: [owner if number else no_app]) as peer:
        result = CliRunner().invoke(
            cli,
            ["github", "create-app", "--org", "octo-org", "--role", "triage", "--no-browser"],
            env={"GITHUB_API_URL": peer.url},
        )
    assert (result.exit_code, result.output.count("Fix: ")) == (2, 1), result.output
    assert "standard input is not a terminal" in result.output
    assert list(tmp_path.rglob("*.pem")) == []


@pytest.mark.parametrize("name", ["", "a b", "a/b/c"])
def test_a_name_is_refused_with_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, ["mint", "enroll", name, "--project", "some-project"])
    assert "Fix: Write the name, such as my-org" in result.output
