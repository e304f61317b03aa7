from __future__ import annotations

import json
from typing import Any

import pytest

from mintcore.policy.names import Org, Role, parse_repo
from mintcore.settings.environment import (
    ConfigurationError,
    HostedSettings,
    Settings,
    StandaloneSettings,
    read_hosted,
    read_standalone,
)

COMMON = {
    "ALLOWED_ORGS": "octo-org",
    "ROLE_APP_IDS": '{"triage": "1", "coder": 2}',
    "ALLOWED_WORKFLOW_FILES": "*",
    "REPO_SCOPE": "caller",
}
HOSTED = COMMON | {"GCP_PROJECT_NUMBER": "123", "WIF_POOL_NAME": "pool", "WIF_PROVIDER_NAME": "github-oidc"}
STANDALONE = COMMON | {"PEM_DIR": "./pems"}
SERVICE_URLS = ["OIDC_ISSUER_URL", "GITHUB_API_URL", "STS_URL", "SECRET_MANAGER_URL"]


def hosted(**changes: str | None) -> HostedSettings:
    return read_hosted({name: value for name, value in (HOSTED | changes).items() if value is not None})


def standalone(**changes: str | None) -> StandaloneSettings:
    return read_standalone({name: value for name, value in (STANDALONE | changes).items() if value is not None})


def common(**changes: str | None) -> Settings:
    return hosted(**changes).common


def problems(**changes: str | None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        hosted(**changes)
    return refused.value.problems


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


def test_the_collision_of_a_custom_role_reads_as_the_contract_says() -> None:
    (problem,) = problems(CUSTOM_ROLE_PERMISSIONS='{"triage": {"contents": "read"}}')
    assert 'registering custom role permissions: custom role "triage" collides with built-in role' in problem


def test_a_custom_role_is_served_once_it_has_an_app() -> None:
    settings = common(CUSTOM_ROLE_PERMISSIONS='{"scanner": {"contents": "read"}}', ROLE_APP_IDS='{"scanner": "9"}')
    assert settings.custom_roles == ("scanner",)
    assert settings.policy.roles.names == ["scanner"]


def test_legacy_keys_are_ignored_with_a_warning() -> None:
    settings = common(ROLE_APP_IDS='{"octo-org/triage": "1", "triage": "2"}')
    assert settings.policy.roles.serves[Role("triage")].app.app_id == "2"
    assert settings.unhealthy == ""
    assert any("octo-org/triage" in warning for warning in settings.warnings)


def test_only_legacy_keys_make_the_mint_unhealthy_and_do_not_stop_it() -> None:
    settings = common(ROLE_APP_IDS='{"octo-org/triage": "1"}')
    assert "ROLE_APP_IDS" in settings.unhealthy
    assert settings.policy.roles.names == []


def test_fix_comes_with_coder() -> None:
    assert common().policy.roles.names == ["coder", "fix", "triage"]


def test_an_app_of_fix_is_ignored_with_a_warning() -> None:
    settings = common(ROLE_APP_IDS='{"coder": "1", "fix": "2"}')
    assert settings.policy.roles.serves[Role("fix")].app.app_id == "1"
    assert any("fix" in warning for warning in settings.warnings)


def test_a_role_without_permissions_is_not_served_with_a_warning() -> None:
    settings = common(ROLE_APP_IDS='{"mystery": "1", "triage": "2"}')
    assert settings.policy.roles.names == ["triage"]
    assert any("mystery" in warning for warning in settings.warnings)


def test_allowed_roles_are_the_only_ones_served() -> None:
    assert common(ALLOWED_ROLES=" triage , fix,").policy.roles.names == ["fix", "triage"]


@pytest.mark.parametrize("value", ["*", "octo-org,*", " * "])
def test_a_star_among_the_organizations_is_public_mode(value: str) -> None:
    assert common(ALLOWED_ORGS=value).policy.public


def test_organizations_are_compared_without_case() -> None:
    assert Org("OCTO-ORG") in (common(ALLOWED_ORGS=" Octo-Org ,, x ").policy.orgs or ())


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_organization_starts_with_a_warning_and_denies_all(value: str | None) -> None:
    settings = common(ALLOWED_ORGS=value)
    assert settings.policy.orgs == frozenset()
    assert any(warning.startswith("ALLOWED_ORGS") for warning in settings.warnings)


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_workflow_file_starts_with_a_warning_and_denies_all(value: str | None) -> None:
    settings = common(ALLOWED_WORKFLOW_FILES=value)
    assert settings.policy.workflow_files == frozenset()
    assert any(warning.startswith("ALLOWED_WORKFLOW_FILES") for warning in settings.warnings)


def test_a_missing_workflow_file_causes_no_warning_in_public_mode() -> None:
    assert common(ALLOWED_ORGS="*", ALLOWED_WORKFLOW_FILES=None, WORKFLOW_REFS="refs/heads/main").warnings == ()


def test_workflow_files_are_compared_without_case() -> None:
    assert common(ALLOWED_WORKFLOW_FILES="Triage.YML.yml").policy.workflow_files == frozenset({"triage.yml.yml"})


def test_a_star_among_the_enrolled_repositories_matches_nothing_and_warns() -> None:
    settings = common(PER_REPO_WIF_REPOS="*,octo-org/app")
    assert settings.policy.per_repo_repos == {parse_repo("octo-org/app")}
    assert any(warning.startswith("PER_REPO_WIF_REPOS") for warning in settings.warnings)


def test_host_repositories_replace_the_default() -> None:
    assert common(WORKFLOW_HOST_REPOS="A/B").policy.host_repos == {parse_repo("a/b")}


GOOD_URLS = [
    ("https://example.com", "https://example.com"),
    ("https://example.com/", "https://example.com"),
    ("https://ghes.example.com/api/v3/", "https://ghes.example.com/api/v3"),
    ("https://example.com:8443", "https://example.com:8443"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("http://127.8.9.10", "http://127.8.9.10"),
    ("http://localhost:1", "http://localhost:1"),
    ("http://LOCALHOST:1", "http://LOCALHOST:1"),
    ("http://[::1]:8080", "http://[::1]:8080"),
]
BAD_URLS = [
    "example.com", "ftp://example.com", "http://example.com", "//example.com", "https://", "https:///path",
    "http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://localhost@evil.com", "http://localhost:1@evil",
    "http://127.0.0.1@evil.com", "http://evil.com#@127.0.0.1", "http://evil.com?127.0.0.1",
    "http://localhost\\@evil.com", "http://127.1", "http://2130706433", "http://0x7f.1", "http://0.0.0.0",
    "http://10.0.0.1", "http://169.254.169.254", "http://[::2]", "http://[::1", "http://localhost.", "http://localhos\u0442",
    "https://user@example.com", "https://user:pass@example.com", "https://@example.com", "https://:@example.com",
    "https://example.com?x=1", "https://example.com#x", "https://example.com?", "https://example.com/#",
    "https://example.com:99999", "https://example.com:x", "https://exa mple.com", "https://example.com/a b",
    "https://exam\nple.com", "https://example.com/\u200b", "https://ex\u00e4mple.com", "https://a..example.com",
    f"https://{'a' * 64}.example.com",
    "javascript://x", "file:///etc/passwd", "https//example.com",
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), GOOD_URLS)
def test_a_service_is_https_or_on_loopback(value: str, expected: str) -> None:
    assert hosted(STS_URL=value).sts_url == expected


@pytest.mark.parametrize("value", BAD_URLS)
def test_any_other_url_is_a_problem(value: str) -> None:
    (problem,) = problems(STS_URL=value)
    assert problem.startswith("STS_URL must be an https URL")


@pytest.mark.parametrize("name", SERVICE_URLS)
def test_the_rule_for_urls_holds_for_every_service(name: str) -> None:
    (problem,) = problems(**{name: "http://example.com"})
    assert problem.startswith(f"{name} must be an https URL")


def test_the_rule_for_urls_holds_for_the_fallback() -> None:
    with pytest.raises(ConfigurationError, match="FALLBACK_MINT_URL must be an https URL"):
        standalone(FALLBACK_MINT_URL="http://example.com")


def test_an_ambient_proxy_is_not_read_unless_asked_for() -> None:
    assert common(HTTPS_PROXY="http://proxy.example.com:3128").proxy_url is None
    proxy = common(HTTPS_PROXY="http://me:secret@proxy.example.com:3128", HTTPS_PROXY_FROM_ENV="1").proxy_url
    assert proxy is not None
    assert proxy.reveal() == "http://me:secret@proxy.example.com:3128"
    assert "secret@" not in repr(proxy)


@pytest.mark.parametrize(
    "url", ["proxy:3128", "https://proxy:3128", "http://proxy", "http://proxy:x", "http://:3128"]
)
def test_a_proxy_of_another_form_is_a_problem_that_does_not_show_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        common(HTTPS_PROXY=url, HTTPS_PROXY_FROM_ENV="1")
    assert [problem.split(" ")[0] for problem in refused.value.problems] == ["HTTPS_PROXY"]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://octo.ghe.com/", "https://api.octo.ghe.com"),
        ("https://ghes.example.com:8443", "https://ghes.example.com:8443/api/v3"),
    ],
)
def test_a_url_that_is_not_githubs_api_is_a_problem_whose_example_is_the_right_one(given: str, right: str) -> None:
    (problem,) = problems(GITHUB_API_URL=given)
    assert problem == (
        f"GITHUB_API_URL has {given.rstrip('/')!r}, which is not the address of GitHub's API; "
        f"for example GITHUB_API_URL={right}"
    )
    assert common(GITHUB_API_URL=right).github_api_url == right


@pytest.mark.parametrize("name", ["octo", "octo-corp", "OCTO"])
def test_the_api_of_ghe_com_is_accepted(name: str) -> None:
    for slash in ("", "/"):
        url = f"https://api.{name}.ghe.com{slash}"
        assert common(GITHUB_API_URL=url).github_api_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("ALLOWED_ROLE", "ALLOWED_ROLES"), ("ALOWED_ORGS", "ALLOWED_ORGS"), ("REPO_SCOPES", "REPO_SCOPE"),
     ("PORT_", "PORT"), ("BINDS", "BIND"),
     ("HTTP_PROXY", ""), ("https_prox", ""), ("PATH", ""), ("RATE_LIMTI", "RATE_LIMIT")],
)  # fmt: skip
def test_a_name_one_letter_from_a_known_one_warns(given: str, meant: str) -> None:
    warnings = [warning for warning in common(**{given: "x"}).warnings if warning.startswith(f"{given} ")]
    assert [meant in warning for warning in warnings] == ([True] if meant else [])


def test_an_environment_from_before_the_protections_starts_with_warnings_and_the_old_reach() -> None:
    settings = common(ALLOWED_ORGS="*", REPO_SCOPE=None)
    assert settings.policy.scope_of(Role("coder")) == "organization"
    assert settings.policy.workflow_refs is None
    assert (settings.policy.default_level, settings.policy.grants, settings.mints_per_token) == ("write", False, 0)
    assert sorted(warning.split()[0] for warning in settings.warnings) == ["REPO_SCOPE", "WORKFLOW_REFS"]


OLD_DEPLOYMENT = {
    "ALLOWED_ORGS": "octo-org,solo-org",
    "ALLOWED_WORKFLOW_FILES": "triage.yml,coder.yml",
    "FULLSEND_REPO_ONLY_ORGS": "solo-org",
    "PER_REPO_WIF_REPOS": "solo-org/app",
    "ROLE_APP_IDS": '{"triage": "1", "coder": "2", "octo-org/coder": "3"}',
    "GCP_PROJECT_NUMBER": "123", "WIF_POOL_NAME": "fullsend-pool", "WIF_PROVIDER_NAME": "github-oidc",
    "MALLOC_ARENA_MAX": "2", "THREADS": "80", "FULLSEND_SOURCE_HASH": "abc",
}  # fmt: skip


def test_a_deployment_from_before_starts_and_serves_whom_it_served() -> None:
    settings = read_hosted(OLD_DEPLOYMENT).common
    assert settings.policy.orgs == frozenset({Org("octo-org"), Org("solo-org")})
    assert not settings.policy.is_enrolled_alone(parse_repo("solo-org/app"))
    assert settings.policy.default_scope == "organization"
    assert [warning.split()[0] for warning in settings.warnings] == ["ROLE_APP_IDS", "REPO_SCOPE"]


def test_a_scope_can_differ_per_role() -> None:
    policy = common(REPO_SCOPE='{"coder": "organization", "*": "caller"}').policy
    assert [policy.scope_of(Role(role)) for role in ("coder", "triage")] == ["organization", "caller"]


def test_roles_that_a_scope_per_role_leaves_out_keep_the_organization_and_warn() -> None:
    settings = common(REPO_SCOPE='{"coder": "caller", "codr": "caller"}')
    assert settings.policy.scope_of(Role("triage")) == "organization"
    assert [warning for warning in settings.warnings if '"*"' in warning]
    assert [warning for warning in settings.warnings if "codr" in warning]


def test_two_roles_that_would_share_a_grants_variable_are_a_problem() -> None:
    custom = '{"a-b": {"contents": "read"}, "a_b": {"contents": "read"}}'
    (problem,) = problems(GRANTS="1", CUSTOM_ROLE_PERMISSIONS=custom, ROLE_APP_IDS='{"a-b": 1, "a_b": 2}')
    assert problem.startswith("GRANTS is 1, and the roles a-b, a_b would share one variable")


def test_a_custom_role_can_have_levels_of_its_own() -> None:
    levels = {"read": {"contents": "read"}, "triage": {"contents": "read", "issues": "write"}}
    settings = common(
        CUSTOM_ROLE_PERMISSIONS=json.dumps({"scanner": {"levels": levels}}),
        ROLE_APP_IDS='{"scanner": "9"}',
        DEFAULT_LEVEL="read",
    )
    assert {
        name: dict(level) for name, level in settings.policy.roles.serves[Role("scanner")].levels.items()
    } == levels


def test_every_served_role_needs_the_default_level() -> None:
    (problem,) = problems(
        CUSTOM_ROLE_PERMISSIONS='{"scanner": {"levels": {"low": {"contents": "read"}}}}',
        ROLE_APP_IDS='{"scanner": "9"}',
    )
    assert problem.startswith("DEFAULT_LEVEL is 'write', which is not a level of scanner (scanner has low)")
    assert problem.endswith("DEFAULT_LEVEL=low")


def test_without_a_common_level_the_problem_says_where_to_define_one() -> None:
    (problem,) = problems(
        CUSTOM_ROLE_PERMISSIONS='{"scanner": {"levels": {"low": {"contents": "read"}}}}',
        ROLE_APP_IDS='{"scanner": "9", "coder": "10"}',
    )
    assert "Give the roles a common level in CUSTOM_ROLE_PERMISSIONS" in problem


@pytest.mark.parametrize(
    ("claim", "meant"),
    [("event_nam", "event_name"), ("event_name", ""), ("project_path", "")],
)
def test_a_required_claim_that_is_misspelled_warns(claim: str, meant: str) -> None:
    warnings = [warning for warning in common(REQUIRED_CLAIMS=f'{{"{claim}": ["x"]}}').warnings if claim in warning]
    assert [meant in warning for warning in warnings] == ([True] if meant else [])


def test_rules_that_only_report_warn_at_start() -> None:
    settings = common(REPORT_ONLY="ids,repo_scope")
    assert settings.policy.report_only == {"ids", "repo_scope"}
    assert [warning for warning in settings.warnings if warning.startswith("REPORT_ONLY")]


def test_settings_cannot_be_written_to() -> None:
    settings: Any = hosted()
    with pytest.raises(AttributeError):
        settings.sts_url = "https://evil.example.com"
