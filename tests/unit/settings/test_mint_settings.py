"""Variables the mint needs, and the line that each bad value becomes."""

from __future__ import annotations

import pytest

from mintcore.policy.names import parse_repo
from mintcore.settings.environment import ConfigurationError
from tests.unit.settings.environments import hosted, problems, standalone


def test_the_least_environment_has_the_defaults_of_the_contract() -> None:
    settings = hosted()
    shared = settings.common
    assert (settings.sts_url, settings.secret_manager_url) == ("https://sts.googleapis.com", "")
    assert [issuer.url for issuer in shared.issuers] == ["https://token.actions.githubusercontent.com"]
    assert shared.github_api_url == "https://api.github.com"
    assert (shared.audience, shared.deadline_seconds, shared.rate_limit) == ("fullsend-mint", 25.0, "")
    assert shared.policy.host_repos == {parse_repo("fullsend-ai/fullsend")}
    assert shared.policy.per_repo_repos == frozenset()
    assert (shared.unhealthy, shared.warnings, shared.custom_roles, shared.proxy_url) == ("", (), (), None)
    assert (standalone().port, standalone().fallback_url) == (8080, "")


@pytest.mark.parametrize("value", [None, "", "  ", "\t"])
@pytest.mark.parametrize("name", ["ROLE_APP_IDS", "GCP_PROJECT_NUMBER", "WIF_POOL_NAME", "WIF_PROVIDER_NAME"])
def test_a_required_variable_that_is_missing_or_blank_is_named_with_an_example(
    name: str, value: str | None
) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} is not set; for example {name}=")


@pytest.mark.parametrize("value", [None, "", " "])
def test_the_standalone_mint_needs_a_folder_of_keys(value: str | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        standalone(PEM_DIR=value)
    assert refused.value.problems == ("PEM_DIR is not set; for example PEM_DIR=./pems",)


def test_the_standalone_mint_needs_nothing_of_google() -> None:
    assert standalone().pem_dir == "./pems"


def test_the_hosted_mint_needs_no_folder_of_keys() -> None:
    assert hosted(PEM_DIR=None, FALLBACK_MINT_URL="nonsense").pool == "pool"


BAD = [
    ("GCP_PROJECT_NUMBER", "my-project"),
    ("GCP_PROJECT_NUMBER", "12 3"),
    ("GCP_PROJECT_NUMBER", "\u0661\u0662"),
    ("WIF_POOL_NAME", "projects/1/pool"),
    ("WIF_POOL_NAME", "abc"),
    ("WIF_PROVIDER_NAME", "GitHub"),
    ("WIF_PROVIDER_NAME", "a" * 33),
    ("ALLOWED_ORGS", "octo.org"),
    ("ALLOWED_ORGS", "octo-org/app"),
    ("ALLOWED_ORGS", "\u212araken"),
    ("ROLE_APP_IDS", "triage=1"),
    ("ROLE_APP_IDS", "[]"),
    ("ROLE_APP_IDS", '"x"'),
    ("ROLE_APP_IDS", '{"triage": ""}'),
    ("ROLE_APP_IDS", '{"triage": null}'),
    ("ROLE_APP_IDS", '{"triage": true}'),
    ("ROLE_APP_IDS", '{"triage": 1.5}'),
    ("ROLE_APP_IDS", '{"triage": 0}'),
    ("ROLE_APP_IDS", '{"triage": -1}'),
    ("ROLE_APP_IDS", '{"triage": "Iv1.abc"}'),
    ("ROLE_APP_IDS", '{"triage": ["1"]}'),
    ("ROLE_APP_IDS", '{"Triage": "1"}'),
    ("ROLE_APP_IDS", '{"a--b": "1"}'),
    ("ROLE_APP_IDS", '{"triage": "1", "triage": "2"}'),
    ("ROLE_APP_IDS", "[" * 100_000),
    ("ALLOWED_ROLES", "Triage"),
    ("ALLOWED_ROLES", "triage,review"),
    ("ALLOWED_ROLES", "mystery"),
    ("ALLOWED_ROLES", " , "),
    ("ALLOWED_WORKFLOW_FILES", "triage"),
    ("ALLOWED_WORKFLOW_FILES", ".github/workflows/triage.yml"),
    ("WORKFLOW_HOST_REPOS", "fullsend-ai"),
    ("WORKFLOW_HOST_REPOS", "*"),
    ("WORKFLOW_HOST_REPOS", "a/b/c"),
    ("PER_REPO_WIF_REPOS", "app"),
    ("PER_REPO_WIF_REPOS", "octo-org/*"),
    ("CUSTOM_ROLE_PERMISSIONS", "x"),
    ("CUSTOM_ROLE_PERMISSIONS", "[]"),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": "read"}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"contents": "none"}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"Contents": "read"}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"Scanner": {"contents": "read"}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"triage": {"contents": "admin"}}'),
    ("REQUEST_DEADLINE_SECONDS", "0"),
    ("REQUEST_DEADLINE_SECONDS", "-1"),
    ("REQUEST_DEADLINE_SECONDS", "2.5"),
    ("REQUEST_DEADLINE_SECONDS", "25s"),
    ("REQUEST_DEADLINE_SECONDS", "9" * 5000),
    ("THREADS", "none"),
    ("THREADS", "0"),
    ("ROLE_APP_IDS", "{}"),
    ("ALLOWED_ORGS", ","),
    ("ALLOWED_ORGS", "*,!x"),
    ("ALLOWED_WORKFLOW_FILES", ","),
    ("ALLOWED_WORKFLOW_FILES", "*.yml"),
    ("ALLOWED_WORKFLOW_FILES", "*,triage"),
    ("WORKFLOW_HOST_REPOS", ","),
    ("PER_REPO_WIF_REPOS", " , ,"),
    ("PER_REPO_WIF_REPOS", "*,x"),
    ("CUSTOM_ROLE_PERMISSIONS", "{}"),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"levels": "read"}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"levels": {}}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"levels": {"read": {"contents": "read"}}, "issues": "read"}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"levels": {"Read": {"contents": "read"}}}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"levels": {"read": {}}}}'),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scanner": {"levels": {"read": ["contents"]}}}'),
    (
        "CUSTOM_ROLE_PERMISSIONS",
        '{"scanner": {"levels": {"a": {"issues": "read"}, "b": {"contents": "write"}}}}',
    ),
    (
        "CUSTOM_ROLE_PERMISSIONS",
        '{"scanner": {"levels": {"a": {"issues": "write"}, "b": {"issues": "read"}}}}',
    ),
    ("CUSTOM_ROLE_PERMISSIONS", '{"scribe": {"contents": "read"}}'),
    ("REPO_SCOPE", "own"),
    ("REPO_SCOPE", "Caller"),
    ("REPO_SCOPE", "{}"),
    ("REPO_SCOPE", '{"coder": "all"}'),
    ("REPO_SCOPE", '{"coder": 1}'),
    ("REPO_SCOPE", '{"Coder": "caller"}'),
    ("REPO_SCOPE", '{"*": "*"}'),
    ("DEFAULT_LEVEL", "admin"),
    ("DEFAULT_LEVEL", "Read"),
    ("WORKFLOW_REFS", ","),
    ("WORKFLOW_REFS", "*"),
    ("WORKFLOW_REFS", "main"),
    ("WORKFLOW_REFS", "refs/heads/"),
    ("WORKFLOW_REFS", "refs/heads"),
    ("WORKFLOW_REFS", "refs/*"),
    ("WORKFLOW_REFS", "refs/heads/a*b"),
    ("WORKFLOW_REFS", "refs/heads/a**"),
    ("WORKFLOW_REFS", "refs/heads/a..b"),
    ("WORKFLOW_REFS", "refs/pull/1/merge"),
    ("WORKFLOW_REFS", "refs/pull/*"),
    ("WORKFLOW_REFS", "commits"),
    ("WORKFLOW_REFS", "refs/tags/*,commits"),
    ("WORKFLOW_REFS", "refs/heads/main,Commits"),
    ("WORKFLOW_REFS", "a" * 40),
    ("REQUIRED_CLAIMS", "{}"),
    ("REQUIRED_CLAIMS", '{"event_name": "push"}'),
    ("REQUIRED_CLAIMS", '{"event_name": []}'),
    ("REQUIRED_CLAIMS", '{"event_name": [""]}'),
    ("REQUIRED_CLAIMS", '{"event_name": [1]}'),
    ("REQUIRED_CLAIMS", '{"ref": ["refs/*/main"]}'),
    ("REQUIRED_CLAIMS", '{"": ["x"]}'),
    ("REQUIRED_CLAIMS", '{"ref": ["a"], "ref": ["b"]}'),
    ("ENROLLED_IDS", "{}"),
    ("ENROLLED_IDS", '{"octo-org": ""}'),
    ("ENROLLED_IDS", '{"octo-org": "x1"}'),
    ("ENROLLED_IDS", '{"octo-org": true}'),
    ("ENROLLED_IDS", '{"octo-org": -1}'),
    ("ENROLLED_IDS", '{"octo org": "1"}'),
    ("ENROLLED_IDS", '{"octo-org/a/b": "1"}'),
    ("ENROLLED_IDS", '{"octo-org": "1", "Octo-Org": "2"}'),
    ("GRANTS", "yes"),
    ("MINTS_PER_TOKEN", "0"),
    ("MINTS_PER_TOKEN", "-1"),
    ("MINTS_PER_TOKEN", "many"),
    ("REPORT_ONLY", ","),
    ("REPORT_ONLY", "org"),
    ("REPORT_ONLY", "repo_scope,workflow_ref"),
    ("GITHUB_API_URL", "https://github.com"),
    ("GITHUB_API_URL", "https://www.github.com/api/v3"),
    ("GITHUB_API_URL", "https://api.github.com/v3"),
    ("GITHUB_API_URL", "https://octo.ghe.com"),
    ("GITHUB_API_URL", "https://octo.ghe.com/api/v3"),
    ("GITHUB_API_URL", "https://ghes.example.com"),
    ("GITHUB_API_URL", "https://ghes.example.com/api"),
    ("RATE_LIMIT", "often"),
    ("RATE_LIMIT", "60"),
    ("RATE_LIMIT", "60/fortnight"),
    ("RATE_LIMIT", "0/minute"),
    ("RATE_LIMIT", "60/minute;600/hour"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_one_line_that_names_the_variable_and_an_example(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} ")
    assert f"; for example {name}=" in problem
    assert len(problem.splitlines()) == 1
    assert len(problem) < 500


@pytest.mark.parametrize("name", ["ROLE_APP_IDS", "CUSTOM_ROLE_PERMISSIONS"])
def test_a_key_with_a_line_break_in_it_does_not_break_the_line(name: str) -> None:
    for problem in problems(**{name: '{"a\\nb": "x"}'}):
        assert len(problem.splitlines()) == 1


def test_a_limit_counted_in_an_unknown_place_is_a_problem() -> None:
    (problem,) = problems(RATE_LIMIT="60/minute", RATE_LIMIT_STORAGE="memcached://x")
    assert problem.startswith("RATE_LIMIT_STORAGE ")


def test_the_password_of_a_storage_is_never_shown() -> None:
    for problem in problems(RATE_LIMIT="often", RATE_LIMIT_STORAGE="redis://:canary-password@host:bad"):
        assert "canary" not in problem


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "80 80"])
def test_an_invalid_port_is_a_problem(value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        standalone(PORT=value)
    assert refused.value.problems[0].startswith("PORT is not a whole number from 1 to 65535; for example PORT=8080")


def test_every_problem_is_reported_at_once() -> None:
    found = problems(
        ALLOWED_ORGS="a b", ROLE_APP_IDS='{"triage": "x", "B": "1"}', GCP_PROJECT_NUMBER=None,
        WIF_POOL_NAME="x", STS_URL="ftp://x", WORKFLOW_HOST_REPOS="x", CUSTOM_ROLE_PERMISSIONS="x",
    )  # fmt: skip
    assert sorted(line.partition(" ")[0] for line in found) == [
        "ALLOWED_ORGS", "CUSTOM_ROLE_PERMISSIONS", "GCP_PROJECT_NUMBER", "ROLE_APP_IDS", "ROLE_APP_IDS",
        "STS_URL", "WIF_POOL_NAME", "WORKFLOW_HOST_REPOS",
    ]  # fmt: skip
