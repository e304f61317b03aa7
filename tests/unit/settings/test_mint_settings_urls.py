"""URLs of services and proxies in the environment."""

from __future__ import annotations

import pytest

from mintcore.settings.environment import ConfigurationError
from tests.unit.settings.environments import common, hosted, problems, standalone

SERVICE_URLS = ["OIDC_ISSUER_URL", "GITHUB_API_URL", "STS_URL", "SECRET_MANAGER_URL"]


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
