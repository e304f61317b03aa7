from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintcore.answer import Answer, Unusable
from mintcore.clock import WorldClock
from mintcore.errors import BadRequest, GitHubUnavailable, Incident, InvalidToken, IssuerUnavailable
from mintcore.github.failures import rate_limit, refusal
from mintcore.github.grants import parse_installation, parse_token
from mintcore.policy.claims import REQUIRED_CLAIMS, check_claims
from mintcore.policy.names import Org, RepoName, Role, parse_repo, parse_repo_name, parse_role, repo_provider_id
from mintcore.policy.roles import BUILT_IN
from mintcore.policy.token_request import parse_token_request
from mintcore.policy.workflow_ref import parse_workflow_ref
from mintcore.ports import Scope
from mintcore.settings import ConfigurationError, read_hosted, read_standalone
from mintcore.verify.jwks import parse_key_set
from mintcore.verify.unverified import take_apart
from tests.mint_doubles import AUDIENCE, ISSUER, NOW, claims

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}", fullmatch=True)
REPO = st.from_regex(r"[A-Za-z0-9._-]{1,60}", fullmatch=True).filter(lambda name: name not in {".", ".."})
PIECES = [
    "/",
    "@",
    ".github",
    "workflows",
    ".yml",
    "refs/heads/",
    "refs/pull/1/",
    "a",
    "..",
    "\u200b",
    "A" * 40,
    " ",
    "\u212a",
]
ORG, SCOPE = Org("octo-org"), Scope(BUILT_IN[Role("triage")], (RepoName("app"),))


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_workflow_reference_is_parsed_back_to_itself_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert str(parse_workflow_ref(text)) == text


@given(NAME, REPO, st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), st.sampled_from(["yml", "yaml"]))
def test_every_wellformed_workflow_reference_is_parsed(owner: str, repo: str, file: str, ending: str) -> None:
    parsed = parse_workflow_ref(f"{owner}/{repo}/.github/workflows/{file}.{ending}@refs/heads/main")
    assert parsed.repo == parse_repo(f"{owner.upper()}/{repo.lower()}")
    assert parsed.file == f"{file}.{ending}"


@given(st.text())
def test_names_are_kept_as_they_are_or_refused(text: str) -> None:
    for parse in (parse_role, parse_repo_name, parse_repo, Org):
        with contextlib.suppress(ValueError):
            assert str(parse(text)) == text
            assert text.isascii()


@given(NAME, REPO)
def test_a_provider_id_is_one_that_google_takes(owner: str, repo: str) -> None:
    identifier = repo_provider_id(parse_repo(f"{owner}/{repo}"))
    assert len(identifier) <= 32
    assert set(identifier) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not identifier.endswith("-")
    assert identifier == repo_provider_id(parse_repo(f"{owner.upper()}/{repo.upper()}"))


@given(st.dictionaries(st.sampled_from([*REQUIRED_CLAIMS, "actor", "run_id", "sub"]), JSON))
def test_claims_make_a_caller_or_an_invalid_token(changes: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidToken):
        caller = check_claims(claims() | changes, issuer=ISSUER, audience=AUDIENCE, now=NOW)
        assert str(caller.repository).lower().startswith(f"{str(caller.org).lower()}/")


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_body_is_a_request_or_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        parse_token_request(body)


@given(
    st.fixed_dictionaries({}, optional={"role": JSON | st.just("coder"), "repos": JSON | st.lists(REPO), "x": JSON})
)
def test_fields_are_a_request_or_a_bad_request(fields: dict[str, Any]) -> None:
    with contextlib.suppress(BadRequest):
        request = parse_token_request(json.dumps(fields).encode())
        assert parse_token_request(json.dumps({"role": request.role, "repos": request.repos}).encode()) == request


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


HEADER = st.fixed_dictionaries(
    {}, optional={"alg": st.just("RS256") | JSON, "kid": JSON, "crit": JSON, "b64": JSON, "typ": JSON}
)


@given(st.text() | st.tuples(HEADER | JSON, JSON).map(lambda parts: f"{b64(parts[0])}.{b64(parts[1])}.AAAA"))
def test_a_bearer_is_taken_apart_or_an_invalid_token(text: str) -> None:
    with contextlib.suppress(InvalidToken):
        assert take_apart(text).key_id


KEY = st.fixed_dictionaries(
    {"kty": st.just("RSA") | JSON, "kid": st.text(min_size=1)},
    optional={"n": st.text() | JSON, "e": st.just("AQAB") | JSON, "d": JSON, "oth": JSON, "use": JSON, "alg": JSON},
)


@given(JSON | st.lists(KEY | JSON))
def test_a_key_set_has_usable_keys_or_is_no_answer(keys: Any) -> None:
    with pytest.raises(IssuerUnavailable):
        parse_key_set({"keys": keys})


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_an_answer_is_an_object_or_unusable(body: bytes) -> None:
    with contextlib.suppress(Unusable):
        assert isinstance(Answer(200, {}, body).json_object(), dict)


@given(st.fixed_dictionaries({}, optional={"id": JSON, "account": JSON | st.fixed_dictionaries({"login": JSON}),
                                           "permissions": JSON, "suspended_at": JSON}))  # fmt: skip
def test_an_installation_is_understood_or_unusable(fields: dict[str, Any]) -> None:
    given_fields = {"id": 7, "account": {"login": "octo-org"}, "permissions": {}} | fields
    with contextlib.suppress(GitHubUnavailable, Incident):
        assert isinstance(parse_installation(Answer(200, {}, json.dumps(given_fields).encode()), ORG).id, int)


TOKEN_FIELDS = ("token", "expires_at", "permissions", "repositories", "repository_selection")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(TOKEN_FIELDS, JSON)))
def test_a_token_is_understood_or_unusable(fields: dict[str, Any]) -> None:
    given_fields = {"token": "ghs_x", "expires_at": "x", "permissions": {}} | fields
    with contextlib.suppress(GitHubUnavailable, Incident):
        assert parse_token(Answer(201, {}, json.dumps(given_fields).encode()), ORG, SCOPE, 7).token.reveal()


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
                    st.sampled_from(["0", "1", "9" * 400, "-1", "x", ""]) | st.text()),
    JSON,
)  # fmt: skip
def test_a_refusal_always_means_something(status: int, headers: dict[str, str], body: Any) -> None:
    answer = Answer(status, headers, json.dumps({"message": body}).encode())
    limited = rate_limit(answer, NOW)
    assert limited is None or 1 <= (limited.retry_after or 0) <= 3600
    assert refusal(answer, doing="asking", org=ORG, now=NOW).code


DATE = st.from_regex(
    r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{1,9} (GMT|[+-][0-9]{4})", fullmatch=True
)


@given(
    st.text() | DATE | st.dates().map(lambda day: f"{day:%a, %d %b %Y} 00:00:00 -0000"), st.text() | st.just("5")
)
def test_a_date_corrects_the_clock_within_bounds_or_not_at_all(date: str, age: str) -> None:
    clock = WorldClock(wall=lambda: NOW)
    clock.observe(date, age)
    assert abs(clock.offset) <= 900


VARIABLES = [
    "ALLOWED_ORGS", "ROLE_APP_IDS", "ALLOWED_ROLES", "ALLOWED_WORKFLOW_FILES", "WORKFLOW_HOST_REPOS", "STS_URL",
    "PER_REPO_WIF_REPOS", "CUSTOM_ROLE_PERMISSIONS", "GCP_PROJECT_NUMBER", "WIF_POOL_NAME", "GITHUB_API_URL",
    "PORT", "REQUEST_DEADLINE_SECONDS", "RATE_LIMIT", "RATE_LIMIT_STORAGE", "FALLBACK_MINT_URL", "PEM_DIR",
]  # fmt: skip
VALUE = (
    st.text()
    | JSON.map(json.dumps)
    | st.sampled_from(["*", "a/b", "https://x", "http://[", "{}", '{"a": {}}', "1"])
)


@given(st.dictionaries(st.sampled_from(VARIABLES), VALUE))
def test_an_environment_is_settings_or_a_list_of_lines(environment: dict[str, str]) -> None:
    for read in (read_hosted, read_standalone):
        try:
            read(environment)
        except ConfigurationError as error:
            for problem in error.problems:
                assert len(problem.splitlines()) == 1
                assert problem.partition(" ")[0].isupper()
