"""Issuers and entries in the environment: how they are read, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintcore.policy.kinds.table import KINDS
from mintcore.policy.names import Role, parse_repo
from mintcore.settings.environment import ConfigurationError
from tests.unit.settings.issuer_environments import ENTRY, GITLAB, ISSUERS, MATCH, MODES, UUID, settings


def problems(issuers: Any = None, callers: Any = None, **changes: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        settings("hosted", issuers, callers, **changes)
    return "\n".join(refused.value.problems)


def entry_problem(**changes: Any) -> str:
    given = {name: value for name, value in (ENTRY | changes).items() if value is not None}
    return problems(ISSUERS, [ENTRY, given])


def test_a_mint_without_issuers_has_githubs_and_no_entry() -> None:
    (only,) = settings().issuers
    assert (only.name, only.kind, only.url) == ("", KINDS["github"], "https://token.actions.githubusercontent.com")
    assert only.audience == "fullsend-mint"
    assert settings().policy.callers == ()


@pytest.mark.parametrize("mode", MODES)
def test_every_issuer_is_there_githubs_first(mode: str) -> None:
    found = settings(mode, ISSUERS, [ENTRY], OIDC_AUDIENCE="ours").issuers
    assert [issuer.name for issuer in found] == ["", "gitlab", "bk", "circle", "cluster"]
    assert [issuer.audience for issuer in found] == ["ours", "ours", "mint", "ours", "ours"]
    assert found[4].jwks_file == "/etc/jwks.json"
    assert [issuer.provider_id for issuer in found[:3]] == ["", "ci-gitlab", "ci-bk"]


def test_an_issuer_of_github_in_issuers_takes_the_place_of_the_default() -> None:
    found = settings(
        issuers={"gitlab": GITLAB, "ghes": {"kind": "github", "url": "https://ghes.test/_services/token"}}
    )
    assert [issuer.name for issuer in found.issuers] == ["ghes", "gitlab"]
    assert found.issuers[0].url == "https://ghes.test/_services/token"
    assert "remove OIDC_ISSUER_URL" in problems(
        {"ghes": {"kind": "github", "url": "https://ghes.test"}}, OIDC_ISSUER_URL="https://other.test"
    )


@pytest.mark.parametrize("mode", MODES)
def test_an_entry_is_read_as_it_is_written(mode: str) -> None:
    given = [ENTRY, ENTRY | {"as": "Acme/Lib", "roles": ["coder", "triage", "coder"], "level": "read"}]
    first, second = settings(mode, ISSUERS, given).policy.callers
    assert (first.index, first.issuer, dict(first.match), first.level) == (0, "gitlab", MATCH, "")
    assert (first.acts_as, first.roles) == (parse_repo("acme/app"), (Role("coder"),))
    assert (second.name, second.roles, second.level) == ("CALLERS[1]", ("coder", "triage"), "read")
    assert [first.fields(), second.fields()] == [given[0], given[1] | {"roles": ["coder", "triage"]}]


def test_a_whole_ref_of_gitlab_is_compared_with_ref_path() -> None:
    given = ENTRY | {"match": {"project_id": "4711", "ref_protected": "true", "ref": "refs/heads/main"}}
    (entry,) = settings("hosted", ISSUERS, [given]).policy.callers
    assert dict(entry.match) == MATCH
    assert "keep ref_path" in entry_problem(match=MATCH | {"ref": "refs/heads/main"})


@pytest.mark.parametrize(
    ("issuers", "said"),
    [
        ({"GitLab": GITLAB}, "an issuer's name"),
        ({"a": GITLAB}, "an issuer's name"),
        ({"x" * 29: GITLAB}, "an issuer's name"),
        ({"a--b": GITLAB}, "an issuer's name"),
        ({"ab-": GITLAB}, "an issuer's name"),
        ({"1a": GITLAB}, "an issuer's name"),
        ({"gitlab": "https://gitlab.com"}, "must be a JSON object"),
        ({"gitlab": {"kind": "gitlab"}}, "url is missing. Fix: add url"),
        ({"gitlab": {"url": "https://gitlab.com"}}, "kind is missing. Fix: add kind"),
        ({"gitlab": GITLAB | {"kind": "jenkins"}}, "kind must be one of"),
        ({"gitlab": GITLAB | {"kind": ["gitlab"]}}, "kind must be a string"),
        ({"gitlab": GITLAB | {"issuer": "x"}}, "it has 'issuer'; it can have kind, url, audience, jwks_file"),
        ({"gitlab": GITLAB | {"url": "http://gitlab.com"}}, "url must be the issuer's https URL"),
        ({"gitlab": GITLAB | {"url": "https://gitlab.com?x"}}, "url must be the issuer's https URL"),
        ({"gitlab": GITLAB | {"audience": ""}}, "audience must be a string"),
        ({"gitlab": GITLAB | {"audience": ["a"]}}, "audience must be a string"),
        ({"gitlab": GITLAB | {"jwks_file": 1}}, "jwks_file must be a string"),
        ({"gitlab": GITLAB, "again": GITLAB}, 'gives "again" the same url as "gitlab"'),
        (
            {"gitlab": GITLAB | {"url": "https://token.actions.githubusercontent.com"}},
            "the same url as OIDC_ISSUER_URL",
        ),
        ('{"gitlab": {"kind": "gitlab", "kind": "github", "url": "https://x.test"}}', "names a key twice"),
        ("[]", "is not a JSON object"),
        ("{}", "is an empty JSON object"),
        ("null", "is not a JSON object"),
    ],
)
def test_an_issuer_that_cannot_be_is_a_problem(issuers: Any, said: str) -> None:
    assert said in problems(issuers)
    assert problems(issuers).startswith("ISSUERS ")


@pytest.mark.parametrize("url", ["https://gitlab.com/", "http://127.0.0.1:8085", "https://gl.test:8443/gitlab"])
def test_the_url_is_kept_as_the_token_has_it(url: str) -> None:
    assert settings(issuers={"gitlab": GITLAB | {"url": url}}).issuers[1].url == url


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "nobody"}, "issuer must be one of ISSUERS (bk, circle, cluster, gitlab)"),
        ({"issuer": ""}, "issuer must be one of"),
        ({"issuer": ["gitlab"]}, "issuer must be one of"),
        ({"issuer": None}, "issuer must be one of"),
        ({"match": None}, "match must be a JSON object"),
        ({"match": {}}, "match must be a JSON object with at least one claim"),
        ({"match": [["project_id", "4711"]]}, "match must be a JSON object"),
        ({"match": {"project_id": 4711}}, 'value of "project_id" in match is not a string'),
        ({"match": {"project_id": ""}}, 'value of "project_id" in match is not a string'),
        ({"match": {"project_id": "4711", "ref": "*"}}, "only a *, which matches every value"),
        ({"match": {"project_id": "4711", "ref": "re*se"}}, "in match has a * before its end"),
        ({"match": {"project_id": "4711", "ref": "rel**"}}, "in match has a * before its end"),
        ({"match": {"project_id": "4711", "ref": "a\nb"}}, "too long or not printable"),
        ({"match": {"project_id": "4711", "sub": "x"}}, 'match cannot have "sub"; gitlab has'),
        ({"match": {"project_id": "4711", "user_email": "x"}}, 'match cannot have "user_email"; gitlab has'),
        ({"match": {"project_id": "4711", "p\u0000": "x"}}, "match cannot have 'p\\x00'"),
        ({"match": {"project_path": "acme/app"}}, "Fix: add project_id, or namespace_id"),
        ({"match": {"project_id": "47*"}}, "must pin the project exactly"),
        ({"match": {"job_project_id": "4711"}}, "must pin the project exactly"),
        ({"as": "app"}, "as: a repository is written owner/name"),
        ({"as": "acme/app/x"}, "as: "),
        ({"as": None}, "as: "),
        ({"roles": []}, "roles must be a JSON list with at least one role"),
        ({"roles": "coder"}, "roles must be a JSON list"),
        ({"roles": ["Coder"]}, "roles: a role starts with"),
        ({"level": "full"}, "level 'full' is not a level of coder. Fix: use read or write"),
        ({"level": ""}, "level must be the name of a level"),
        ({"level": 1}, "level must be the name of a level"),
        ({"repos": ["x"]}, "it has 'repos'; it can have issuer, match, as, roles, level"),
    ],
)
def test_an_entry_that_cannot_be_is_a_problem_with_its_index(changes: dict[str, Any], said: str) -> None:
    assert said in entry_problem(**changes)
    assert entry_problem(**changes).startswith("CALLERS [1]: ")


@pytest.mark.parametrize("text", ["{}", "[]", '"x"', "[1]", "null", "[", '[{"a": 1, "a": 2}]'])
def test_callers_other_than_a_list_of_entries_are_a_problem(text: str) -> None:
    assert problems(ISSUERS, text).startswith("CALLERS ")


def test_an_entry_cannot_name_an_issuer_of_github() -> None:
    issuers = ISSUERS | {"ghes": {"kind": "github", "url": "https://ghes.test"}}
    assert "is of the kind github" in problems(issuers, [ENTRY | {"issuer": "ghes"}])


@pytest.mark.parametrize(
    ("issuer", "match", "pins"),
    [
        ("gitlab", {"namespace_id": "7", "project_path": "acme/*"}, True),
        ("bk", {"pipeline_id": UUID}, True),
        ("bk", {"organization_slug": "acme", "pipeline_slug": "app"}, True),
        ("bk", {"organization_slug": "acme"}, False),
        ("bk", {"pipeline_slug": "app", "build_branch": "main"}, False),
        ("bk", {"organization_slug": "acme", "pipeline_slug": "a*"}, False),
        ("bk", {"sub": "organization:acme:pipeline:app:*"}, False),
        ("circle", {"oidc.circleci.com/project-id": UUID}, True),
        ("circle", {"oidc.circleci.com/vcs-origin": "github.com/acme/app"}, False),
        ("circle", {"sub": f"org/{UUID}/project/{UUID}/*"}, True),
        ("circle", {"sub": f"org/{UUID}/project/{UUID}/user/{UUID}"}, True),
        ("circle", {"sub": f"org/{UUID}/project/{UUID}*"}, False),
        ("circle", {"sub": f"org/{UUID}/*"}, False),
        ("circle", {"sub": f"org/{UUID}/project/{UUID[:-1]}*"}, False),
        ("cluster", {"kubernetes.io/namespace": "ci", "kubernetes.io/serviceaccount/name": "deployer"}, True),
        ("cluster", {"kubernetes.io/namespace": "ci", "kubernetes.io/serviceaccount/uid": UUID}, True),
        ("cluster", {"kubernetes.io/namespace": "ci"}, False),
        ("cluster", {"kubernetes.io/serviceaccount/name": "deployer"}, False),
        ("cluster", {"kubernetes.io/namespace": "c*", "kubernetes.io/serviceaccount/name": "deployer"}, False),
    ],
)
def test_each_kind_has_claims_that_must_pin_the_project(issuer: str, match: dict[str, str], pins: bool) -> None:
    given = [ENTRY | {"issuer": issuer, "match": match}]
    if pins:
        assert len(settings("hosted", ISSUERS, given).policy.callers) == 1
    else:
        assert "must pin the project exactly, without *. Fix: add " in problems(ISSUERS, given)


def test_every_problem_is_listed_at_once() -> None:
    said = problems(
        ISSUERS | {"x": GITLAB, "bad": {"kind": "?"}},
        [ENTRY | {"as": "x"}, ENTRY | {"roles": []}],
        ALLOWED_ORGS="a b",
    )
    assert len(said.splitlines()) == 5


def test_a_problem_of_an_issuer_is_not_also_one_of_its_entries() -> None:
    assert problems({"gitlab": GITLAB | {"kind": "jenkins"}}, [ENTRY]).splitlines()[1:] == []


def test_a_problem_shows_an_example_of_its_own_kind() -> None:
    for kind in KINDS:
        said = problems({"mine": {"kind": kind}})
        assert f'; for example ISSUERS=\'{{"mine": {{"kind": "{kind}", "url": "https://' in said
    assert '{"gitlab": {"kind": "gitlab"' in problems({"mine": {"kind": "jenkins"}})
    assert '{"buildkite": {"kind": "buildkite"' in problems({"Mine": {"kind": "buildkite"}})
    for name in ISSUERS:
        said = problems(ISSUERS, [ENTRY | {"issuer": name, "match": {}}])
        assert f'; for example CALLERS=\'[{{"issuer": "{name}", "match": {{' in said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=10,
)


def nearly(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw ``good`` with a few of its values, or names, replaced by anything."""
    changes = st.dictionaries(st.sampled_from(sorted(good)) | st.text(max_size=8), JSON, max_size=2)
    return changes.map(lambda changed: good | changed)


@given(
    issuers=JSON | st.dictionaries(st.sampled_from(["gitlab", "bk", "x--", "hub"]), nearly(GITLAB), max_size=2),
    callers=JSON | st.lists(nearly(ENTRY) | nearly(MATCH).map(lambda match: ENTRY | {"match": match}), max_size=2),
)
def test_whatever_the_variables_hold_is_settings_or_a_list_of_lines(issuers: Any, callers: Any) -> None:
    try:
        found = settings("hosted", issuers, callers)
    except ConfigurationError as error:
        unprintable = [line for line in error.problems if not line.isprintable()]
        assert not unprintable
        return
    for entry in found.policy.callers:
        kind = next(issuer.kind for issuer in found.issuers if issuer.name == entry.issuer)
        assert kind.pins(entry.match)
        assert not kind.is_github


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("", "caller"),
        ("organization", "organization"),
        ("caller", "caller"),
        ('{"triage": "organization"}', "caller"),
        ('{"coder": "organization"}', "organization"),
        ('{"triage": "caller", "*": "organization"}', "organization"),
    ],
)
def test_a_job_reaches_its_own_repository_unless_repo_scope_says_more(scope: str, expected: str) -> None:
    policy = settings("hosted", ISSUERS, [ENTRY], REPO_SCOPE=scope).policy
    assert policy.scope_of(Role("coder"), listed=True) == expected
