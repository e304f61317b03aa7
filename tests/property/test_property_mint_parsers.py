from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import example, given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from fullsend_sandbox.keys import new_key
from mintcore.clock import CorrectedClock
from mintcore.errors import ClientError, GitHubUnavailable, Incident, InvalidToken, IssuerUnavailable
from mintcore.github.answers import parse_installation, parse_token
from mintcore.github.refusals import rate_limit, refusal
from mintcore.outbound.answer import Answer, Unusable
from mintcore.policy.claims import REQUIRED_CLAIMS, check_claims
from mintcore.policy.decision import Target
from mintcore.policy.names import Org, RepoName, Role, parse_repo, parse_repo_name, parse_role, repo_provider_id
from mintcore.policy.roles import BUILT_IN
from mintcore.policy.token_request import parse_token_request
from mintcore.policy.workflow_ref import parse_workflow_ref
from mintcore.request import Scope
from mintcore.settings.environment import (
    ConfigurationError,
    read_hosted,
    read_standalone,
)
from mintcore.verify.key_sets import parse_key_set
from mintcore.verify.unverified import split_token
from tests.mint_doubles import AUDIENCE, ISSUER, NOW, claims

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}", fullmatch=True)
REPO = st.from_regex(r"[A-Za-z0-9._-]{1,60}", fullmatch=True).filter(lambda name: name not in {".", ".."})
PIECES = ["", "/", "@", "..", " ", "\u200b", "\u212a"]
ORG, SCOPE = Org("octo-org"), Scope(BUILT_IN[Role("triage")], (RepoName("app"),))


FILE = st.from_regex(r"[A-Za-z0-9_-]{1,20}\.ya?ml", fullmatch=True)
REF = st.sampled_from(["refs/heads/Main", "refs/heads/a@b", "refs/tags/v1", "refs/pull/1/merge", "a" * 40])
WORKFLOW = st.builds("{}/{}/.github/workflows/{}@{}".format, NAME, REPO, FILE, REF)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[str]) -> str:
    """Texts that lack a few characters somewhere, have others there, or both, or are as they were."""
    text = draw(whole)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, start + 3))
    return text[:start] + draw(st.sampled_from(PIECES)) + text[end:]


@given(damaged(WORKFLOW) | st.text())
@example("octo-org/app/.github/workflows/a\u200b.yml@refs/heads/main")
def test_a_workflow_reference_is_parsed_back_to_itself_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        parsed = parse_workflow_ref(text)
        assert str(parsed) == text
        assert not {"/", "@"} & set(parsed.file)
        assert text.isprintable()


@given(NAME, REPO, FILE, REF)
def test_every_wellformed_workflow_reference_is_parsed(owner: str, repo: str, file: str, ref: str) -> None:
    parsed = parse_workflow_ref(f"{owner}/{repo}/.github/workflows/{file}@{ref}")
    assert parsed.repo == parse_repo(f"{owner.upper()}/{repo.lower()}")
    assert (parsed.file, parsed.ref) == (file, ref)


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


FIELDS = st.fixed_dictionaries(
    {"role": st.just("coder") | JSON}, optional={"repos": st.lists(REPO, max_size=4) | JSON, "x": JSON}
)


@given(FIELDS.map(lambda fields: json.dumps(fields).encode()) | st.binary())
def test_a_body_is_a_request_or_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(ClientError):
        request = parse_token_request(body)
        assert parse_token_request(json.dumps({"role": request.role, "repos": request.repos}).encode()) == request
        assert {name.lower() for name in request.repos} == {name.lower() for name in asked(body)}


def asked(body: bytes) -> list[str]:
    repos = json.loads(body).get("repos") or []
    return [] if repos == ["*"] else repos


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bearer(header: object, payload: object, signature: str) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}.{signature}"


PAYLOAD = st.dictionaries(st.text(max_size=8), JSON, max_size=4)
SIGNATURE = st.binary(min_size=1, max_size=8)
LOOSE = st.text("AQgwZz09_-", min_size=2, max_size=8)  # mostly, in bits that belong to no byte
BEARER = st.builds(bearer, st.just({"alg": "RS256", "kid": "1"}), PAYLOAD, SIGNATURE.map(b64) | LOOSE)


@given(st.text(min_size=1), PAYLOAD, SIGNATURE)
def test_a_wellformed_bearer_is_taken_apart_into_what_went_in(
    key_id: str, payload: dict[str, Any], signature: bytes
) -> None:
    parts = split_token(bearer({"alg": "RS256", "kid": key_id}, payload, b64(signature)))
    assert (parts.key_id, parts.signature) == (key_id, signature)
    assert json.dumps(parts.unverified_claims) == json.dumps(payload)  # as texts: no NaN equals another


@given(BEARER | damaged(BEARER) | st.text())
def test_a_bearer_is_put_together_again_from_its_parts_or_an_invalid_token(text: str) -> None:
    with contextlib.suppress(InvalidToken):
        parts = split_token(text)
        assert f"{parts.signing_input.decode()}.{b64(parts.signature)}" == text


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ"]), st.text() | JSON, max_size=1),
    PAYLOAD | JSON,
)
def test_a_bearer_with_another_header_is_one_of_rs256_and_a_key_or_an_invalid_token(
    changes: dict[str, Any], payload: Any
) -> None:
    header = {"alg": "RS256", "kid": "1"} | changes
    with contextlib.suppress(InvalidToken):
        key_id = split_token(bearer(header, payload, "eA")).key_id
        assert (header["alg"], header["kid"]) == ("RS256", key_id)
        assert isinstance(key_id, str)
        assert key_id
        assert not {"crit", "b64"} & set(header)
        assert isinstance(payload, dict)


PUBLISHED = {**RSAAlgorithm.to_jwk(new_key().public_key(), as_dict=True), "kid": "published"}
SHORT_KEY = RSAAlgorithm.to_jwk(generate_private_key(65537, 1024).public_key(), as_dict=True)  # noqa: S505 - refused
KEY = st.fixed_dictionaries(
    {"kty": st.just("RSA") | JSON, "kid": st.text(min_size=1)},
    optional={"n": st.text() | JSON, "e": st.just("AQAB") | JSON, "d": JSON, "oth": JSON, "use": JSON, "alg": JSON},
)
SPOILT_KEY = st.builds(
    lambda name, value: PUBLISHED | {"kid": "spoilt", name: value},
    st.sampled_from(["kty", "n", "d", "use", "alg"]),
    JSON.filter(lambda value: value not in ["RSA", "sig", "RS256"]),
)
UNUSABLE = st.lists(st.just({**SHORT_KEY, "kid": "short"}) | SPOILT_KEY | KEY | JSON, max_size=4)


@given(UNUSABLE | JSON)
def test_a_key_set_without_a_usable_key_is_not_an_answer(keys: Any) -> None:
    with pytest.raises(IssuerUnavailable):
        parse_key_set({"keys": keys})


@given(UNUSABLE, UNUSABLE)
def test_of_a_key_set_the_usable_key_is_taken_and_no_other(before: list[Any], after: list[Any]) -> None:
    assert list(parse_key_set({"keys": [*before, PUBLISHED, *after]})) == ["published"]


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_an_answer_is_an_object_or_unusable(body: bytes) -> None:
    with contextlib.suppress(Unusable):
        assert isinstance(Answer(200, {}, body).json_object(), dict)


@given(st.fixed_dictionaries({}, optional={"id": JSON, "account": JSON | st.fixed_dictionaries({"login": JSON}),
                                           "permissions": JSON, "suspended_at": JSON}))  # fmt: skip
def test_an_installation_is_understood_or_unusable(fields: dict[str, Any]) -> None:
    given_fields = {"id": 7, "account": {"login": "octo-org"}, "permissions": {}} | fields
    with contextlib.suppress(GitHubUnavailable, Incident):
        assert isinstance(
            parse_installation(Answer(200, {}, json.dumps(given_fields).encode()), Target(ORG)).id, int
        )


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
    clock = CorrectedClock(wall=lambda: NOW)
    clock.observe(date, age)
    assert abs(clock.offset) <= 900


VARIABLES = [
    "ALLOWED_ORGS", "ROLE_APP_IDS", "ALLOWED_ROLES", "ALLOWED_WORKFLOW_FILES", "WORKFLOW_HOST_REPOS", "STS_URL",
    "PER_REPO_WIF_REPOS", "CUSTOM_ROLE_PERMISSIONS", "GCP_PROJECT_NUMBER", "WIF_POOL_NAME", "GITHUB_API_URL",
    "REPO_SCOPE", "DEFAULT_LEVEL", "WORKFLOW_REFS", "REQUIRED_CLAIMS", "ENROLLED_IDS", "GRANTS", "MINTS_PER_TOKEN",
    "REPORT_ONLY", "PORT", "REQUEST_DEADLINE_SECONDS", "RATE_LIMIT", "RATE_LIMIT_STORAGE", "FALLBACK_MINT_URL",
    "PEM_DIR",
]  # fmt: skip
VALUE = (
    st.text()
    | JSON.map(json.dumps)
    | st.sampled_from(
        ["*", "a/b", "https://x", "http://[", "{}", '{"a": {}}', "1", "30", "1/minute", "https://x/y"]
    )
)
COMPLETE = {
    "ROLE_APP_IDS": '{"triage": "1"}', "GCP_PROJECT_NUMBER": "1", "WIF_POOL_NAME": "pool",
    "WIF_PROVIDER_NAME": "provider", "PEM_DIR": "./pems",
}  # fmt: skip


@given(st.dictionaries(st.sampled_from(VARIABLES), VALUE, max_size=2))
def test_an_environment_is_settings_or_lines_each_about_a_variable_that_is_at_fault(
    changes: dict[str, str],
) -> None:
    for read in (read_hosted, read_standalone):
        try:
            settings = read(COMPLETE | changes).common
        except ConfigurationError as error:
            for problem in error.problems:
                assert len(problem.splitlines()) == 1
                assert problem.partition(" ")[0] in changes
        else:
            seconds, url = (
                changes.get(name, "").strip() for name in ("REQUEST_DEADLINE_SECONDS", "GITHUB_API_URL")
            )
            assert settings.deadline_seconds == float(seconds or 25)
            assert settings.github_api_url == (url or "https://api.github.com")
