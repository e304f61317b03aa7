"""The action refuses bad inputs before it sends anything; node loads its modules without any server."""

from __future__ import annotations

import json
import subprocess

import pytest

from fullsend.client.errors import MintConfigurationError
from fullsend.client.token_api import TokenApi
from fullsend.net.urls import UnsafeUrlError, credential_url
from tests.integration.action.action_job import ACTION, NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")

GOOD = {
    "INPUT_ROLE": "triage",
    "INPUT_REPOS": ".",
    "INPUT_LEVEL": ".",
    "INPUT_PERMISSIONS": "*",
    "INPUT_TARGET-ORG": ".",
    "INPUT_MINT_URL": "http://127.0.0.1:9",
    "INPUT_WAIT-USABLE": "true",
    "GITHUB_REPOSITORY": "octo-org/app",
    "GITHUB_OUTPUT": "/dev/null",
    "GITHUB_STATE": "/dev/null",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/oidc",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
}
API_URLS = [
    "http://github.example.com",
    "https://github.com",
    "https://www.github.com/",
    "https://octo.ghe.com",
    "https://github.example.com",
    "https://github.example.com/api",
    "https://me:pw@github.example.com/api/v3",
    "https://github.example.com/api/v3?x",
    "ftp://api.github.com",
    "https://h:port",
]
SCRIPT = """
const { checkRunner, readInputs } = require('./lib/inputs')
const told = JSON.parse(process.argv[1]).map((env) => {
  try {
    readInputs(env)
    checkRunner(env)
    return ['', '']
  } catch (error) {
    return [error.mintCode ?? error.name, error.message]
  }
})
console.log(JSON.stringify(told))
"""


def checked(*environments: dict[str, str]) -> list[tuple[str, str]]:
    given = json.dumps([GOOD | environment for environment in environments])
    command = [str(NODE), "-e", SCRIPT, given]
    done = subprocess.run(command, cwd=ACTION, capture_output=True, text=True, check=True, timeout=60)
    return [(code, message) for code, message in json.loads(done.stdout)]


def of_command(url: str) -> tuple[str, str]:
    with pytest.raises(MintConfigurationError) as refused:
        TokenApi(url)
    return refused.value.code, refused.value.message.rstrip(".")


def test_a_github_that_no_token_may_be_sent_to_is_refused_with_the_sentence_of_the_command() -> None:
    told = checked(*({"GITHUB_API_URL": url} for url in API_URLS))
    said = [(code, message.partition(" Fix: ")[0].rstrip(".")) for code, message in told]
    assert said == [of_command(url) for url in API_URLS]


@pytest.mark.parametrize(
    "url",
    ["", "https://api.github.com", "https://api.octo.ghe.com", "https://h.example/api/v3/", "http://127.0.0.1:8/x"],
)
def test_the_address_of_an_api_is_accepted(url: str) -> None:
    assert checked({"GITHUB_API_URL": url}) == [("", "")]
    assert not url or TokenApi(url).api_url == url.rstrip("/")


def test_the_step_itself_checks_before_it_asks_for_an_oidc_token() -> None:
    done = subprocess.run(
        [str(NODE), "main.js"],
        cwd=ACTION, env=GOOD | {"GITHUB_API_URL": "http://github.example.com"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith(
        "::error title=Mint token%3A github_url_invalid::GITHUB_API_URL 'http://github.ex"
    )
    assert done.stdout.count("Fix:") == 1


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STATE"])
def test_a_missing_file_of_the_runner_is_named(variable: str) -> None:
    [(code, message)] = checked({variable: ""})
    assert (code, message.startswith(f"{variable} is not set")) == ("runner_variable_missing", True)


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STATE"])
def test_a_file_of_the_runner_that_cannot_be_written_is_named(variable: str) -> None:
    [(code, message)] = checked({variable: "/nonexist/x"})
    said = f"{variable} names a file that cannot be written (ENOENT): /nonexist/x. Fix: Do not set {variable}: "
    assert (code, message.startswith(said)) == ("runner_variable_missing", True), message


def test_several_mints_with_commas_are_refused_at_once() -> None:
    [(code, message)] = checked({"INPUT_MINT_URL": "https://a,https://b"})
    assert (code, message.count("Fix:")) == ("mint_url_invalid", 1)
    assert checked({"INPUT_MINT_URL": "https://a https://b\nhttps://c"}) == [("", "")]


@pytest.mark.parametrize("repos", ["..", "octo-org/", "octo-org/..", "a:b", "é", "app octo-org/", "x" * 101, "/"])
def test_what_is_not_a_repository_is_refused_with_its_value(repos: str) -> None:
    [(code, message)] = checked({"INPUT_REPOS": repos})
    assert code == "invalid_repos"
    assert json.dumps(repos.rsplit(maxsplit=1)[-1], ensure_ascii=False) in message


@pytest.mark.parametrize("url", ["https://h:port", "mint", "http://mint.example.com", "https://me:secret@h:port"])
def test_a_mint_url_is_shown_without_its_password(url: str) -> None:
    [(code, message)] = checked({"INPUT_MINT_URL": url})
    assert (code, "secret" in message, f"'{url}'" in message) == ("mint_url_invalid", False, "@" not in url)
    with pytest.raises(UnsafeUrlError) as refused:
        credential_url(url, what="The mint URL", example="https://mint.example.com")
    assert ("secret" in str(refused.value), f"'{url}'" in str(refused.value)) == (False, "@" not in url)
