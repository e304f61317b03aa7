"""Statuses, limits and pages that are not a token, and the failure each one becomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.keys import new_key
from mintcore.errors import (
    GitHubRateLimited,
    GitHubRefused,
    GitHubUnavailable,
    InstallationSuspended,
    InvalidRoleKey,
    MintError,
    NotGitHub,
    UpstreamTimeout,
)
from mintcore.github.refusals import no_answer, rate_limit, refusal
from mintcore.keys.rsa import RsaSigner
from mintcore.outbound.answer import Answer, DeadlineExceeded, Unreachable
from tests.unit.github.octo_world import NOT_FOUND, ORG, TOKEN, Octo, found, scripted
from tests.unit.outbound.loopback_peer import answer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def test_a_key_that_github_keeps_refusing_is_the_operators_to_replace(octo: Octo) -> None:
    octo.install()
    octo.store.one = RsaSigner(new_key())
    with pytest.raises(InvalidRoleKey):
        octo.issue()
    assert octo.github.traffic.count() == 2


def test_limits_say_how_long_to_wait(octo: Octo) -> None:
    octo.install()
    octo.github.limit_primary(120)
    with pytest.raises(GitHubRateLimited) as limited:
        octo.issue()
    assert 119 <= (limited.value.retry_after or 0) <= 121
    octo.github.clear_limits()
    octo.github.limit_secondary()
    with pytest.raises(GitHubRateLimited) as limited:
        octo.issue()
    assert limited.value.retry_after == 60


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"[" * 90_000])
def test_a_body_other_than_a_json_object_is_an_unusable_answer(key: RSAPrivateKey, body: bytes) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, answer(200, body))
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), answer(201, body))


@pytest.mark.parametrize("status", [200, 202, 500, 503])
def test_any_other_status_is_not_a_token(key: RSAPrivateKey, status: int) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), answer(status, json.dumps(TOKEN).encode()))


@pytest.mark.parametrize("status", [301, 302, 400, 403, 405, 406, 409, 410, 418, 451])
def test_a_refusal_that_lasts_is_not_reported_as_an_outage(key: RSAPrivateKey, status: int) -> None:
    said = answer(status, b'{"message": "Although you appear to be allowed, your IP address is not permitted"}')
    for answers in ((said,), (found(), said)):
        with pytest.raises(GitHubRefused) as refused:
            scripted(key, *answers)
        assert 'says: "Although you appear to be allowed, your IP address is not permitted"' in refused.value.public
        assert "octo-org" in refused.value.public


NOT_GITHUBS = [b"<html>Not Found</html>", b"{}", b"[]", b"", b'{"message": 5}', b'{"error": "not found"}']


@pytest.mark.parametrize("body", NOT_GITHUBS)
@pytest.mark.parametrize("status", [404, 401])
def test_an_answer_that_is_not_githubs_is_not_taken_for_one(key: RSAPrivateKey, status: int, body: bytes) -> None:
    strange = answer(status, body)
    for answers in ((strange,), (NOT_FOUND, strange), (found(), strange)):
        with pytest.raises(GitHubUnavailable, match="GITHUB_API_URL does not look like GitHub's API") as refused:
            scripted(key, *answers)
        assert "GITHUB_API_URL" in refused.value.public


def test_a_web_page_instead_of_an_installation_points_to_the_url(key: RSAPrivateKey) -> None:
    for answers in ((answer(200, b"<html>Sign in</html>"),), (found(), answer(201, b"<html>Sign in</html>"))):
        with pytest.raises(GitHubUnavailable, match="GITHUB_API_URL does not look like GitHub's API"):
            scripted(key, *answers)


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait"),
    [
        (403, {"retry-after": "7"}, b"{}", 7),
        (429, {"retry-after": "0"}, b"{}", 1),
        (429, {}, b"<html>", 60),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit. Please wait"}', 60),
        (403, {"x-ratelimit-remaining": "0"}, b"", 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, b"", 30),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, b"", 1),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400}, b"", 3600),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, b"", 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "\u00b2"}, b"", 60),
        (403, {}, b'{"message": "API Rate Limit exceeded"}', 60),
        (403, {"x-ratelimit-remaining": "1"}, b'{"message": "Resource not accessible by integration"}', None),
        (401, {"retry-after": "7"}, b"{}", None),
        (404, {"x-ratelimit-remaining": "0"}, b"{}", None),
    ],
)
def test_a_limit_is_told_from_a_refusal(
    status: int, headers: dict[str, str], body: bytes, wait: int | None
) -> None:
    limited = rate_limit(Answer(status, headers, body), now=1000.0)
    assert (limited.retry_after if limited else None) == wait


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, "This installation has been suspended", InstallationSuspended),
        (403, "Suspended", InstallationSuspended),
        (409, "This installation has been suspended", GitHubRefused),
        (403, "no", GitHubRefused),
        (403, "Resource not accessible by integration", GitHubRefused),
        (403, "Resource protected by organization SAML enforcement.", GitHubRefused),
        (451, "Repository access blocked", GitHubRefused),
        (406, "Must accept 'application/json'", GitHubRefused),
        (422, "Validation Failed", GitHubRefused),
        (301, "Moved Permanently", GitHubRefused),
        (404, "Integration not found", InvalidRoleKey),
        (404, "Not Found", GitHubRefused),
        (404, "", NotGitHub),
        (403, "Integration not found", GitHubRefused),
        (401, "A JSON web token could not be decoded", InvalidRoleKey),
        (401, "", NotGitHub),
        (418, "", GitHubRefused),
        (500, "Server Error", GitHubUnavailable),
        (502, "", GitHubUnavailable),
        (204, "", GitHubUnavailable),
    ],
)
def test_a_refusal_means_what_github_means_by_it(status: int, message: str, kind: type[MintError]) -> None:
    given = Answer(status, {}, json.dumps({"message": message}).encode())
    assert type(refusal(given, doing="asking", org=ORG, now=0.0)) is kind


@pytest.mark.parametrize("status", [400, 403, 405, 407, 409, 410, 422])
def test_a_page_that_refuses_lasts_and_points_to_the_address(key: RSAPrivateKey, status: int) -> None:
    page = answer(status, b"<html>blocked by the proxy</html>")
    for answers in ((page,), (found(), page, found())):
        with pytest.raises(GitHubRefused, match="GITHUB_API_URL does not look like GitHub's API") as refused:
            scripted(key, *answers)
        assert f"answered {status} without GitHub's JSON" in refused.value.public
        assert "the mint's operator checks GITHUB_API_URL" in refused.value.public


@pytest.mark.parametrize("status", [401, 404])
def test_a_page_that_is_not_githubs_json_is_not_githubs_refusal(status: int) -> None:
    given = Answer(status, {"content-type": "text/html"}, b"<html>blocked by the proxy</html>")
    failure = refusal(given, doing="asking", org=ORG, now=0.0)
    assert (type(failure), failure.headers()) == (NotGitHub, {"X-Should-Retry": "false"})
    assert "GITHUB_API_URL does not look like GitHub's API" in failure.public
    assert "GITHUB_API_URL does not look like GitHub's API: asking: status" in failure.detail


@pytest.mark.parametrize("status", [301, 302, 406, 451])
def test_a_status_that_says_enough_is_a_refusal_without_json(status: int) -> None:
    given = Answer(status, {}, b"Unavailable For Legal Reasons")
    assert isinstance(refusal(given, doing="asking", org=ORG, now=0.0), GitHubRefused)


def test_no_answer_is_a_timeout_only_if_it_was_one() -> None:
    assert isinstance(no_answer(DeadlineExceeded("x")), UpstreamTimeout)
    assert isinstance(no_answer(Unreachable("x")), GitHubUnavailable)


def quoted(api_host: str = "", **fields: object) -> str:
    given = Answer(403, {}, json.dumps(fields).encode())
    return refusal(given, doing="asking", org=ORG, now=0.0, api_host=api_host).public


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain", '"plain"'),
        ("two\nlines\r\n\ttab", '"two lines tab"'),
        ("a \x1b[31mred\x1b[0m bell\x07", '"a [31mred [0m bell"'),
        ("go to https://evil.example/x now", '"go to now"'),
        ("[click](https://evil.example) www.evil.example/a end", '"[click] end"'),
        ("HTTP://EVIL.example javascript://x", "gives no reason"),
        ('say "hi"', "\"say 'hi'\""),
        ("line\u2028separator\u202eflipped", '"line separator flipped"'),
        (f"the token ghs_{'a' * 36} is bad", '"the token <redacted> is bad"'),
        ("x" * 5000, f'"{"x" * 299}…"'),
    ],
)
def test_githubs_sentence_is_quoted_on_one_line_without_links_or_secrets(message: str, shown: str) -> None:
    assert shown in quoted(message=message)


@pytest.mark.parametrize(
    ("url", "host", "kept"),
    [
        ("https://docs.github.com/rest/apps#x", "api.github.com", True),
        ("https://github.com/contact", "", True),
        ("https://ghes.example/docs", "ghes.example", True),
        ("https://ghes.example:8443/docs", "ghes.example:8443", True),
        ("https://ghes.example/docs", "api.github.com", False),
        ("https://docs.github.com.evil.example/", "", False),
        ("https://evil.example/docs.github.com", "", False),
        ("https://docs.github.com@evil.example/", "", False),
        ("http://docs.github.com/", "", False),
        ("javascript:alert(1)", "", False),
        ("https://docs.github.com/a b", "", False),
        ("https://docs.github.com/\n::warning::", "", False),
        (f"https://docs.github.com/{'a' * 201}", "", False),
        (5, "", False),
    ],
)
def test_only_documentation_of_github_or_the_apis_own_host_is_linked(url: object, host: str, kept: bool) -> None:
    shown = quoted(host, message="no", documentation_url=url)
    assert (f"(documentation: {url})" in shown) is kept
    assert ("documentation:" in shown) is kept
