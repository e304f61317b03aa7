"""Issuers and entries that the mint accepts with a warning."""

from __future__ import annotations

from typing import Any

import pytest

from mintcore.policy.kinds.table import KINDS
from mintcore.settings.issuer_examples import caller_example, issuer_example
from tests.unit.settings.issuer_environments import ENTRY, GITLAB, ISSUERS, MATCH, MODES, UUID, settings


@pytest.mark.parametrize(
    ("callers", "changes", "said"),
    [
        ([ENTRY], {}, "no entry of CALLERS names the issuer bk: its jobs are denied. Fix: add one"),
        ([ENTRY | {"match": {"project_id": "1"}}], {}, 'CALLERS[0] does not match ref_protected "true"'),
        ([ENTRY | {"match": {"project_id": "1", "ref_protected": "true", "ref": "main"}}], {}, "a tag can have"),
        (
            [ENTRY | {"issuer": "bk", "match": {"pipeline_id": "1", "build_branch": "main"}}],
            {},
            "CALLERS[0] matches only build_branch",
        ),
        (
            [
                ENTRY
                | {"issuer": "bk", "match": {"pipeline_id": "1", "sub": "organization:o:pipeline:p:ref:main:*"}}
            ],
            {},
            "CALLERS[0] does not match build_branch",
        ),
        (
            [ENTRY | {"issuer": "circle", "match": {"oidc.circleci.com/project-id": "1"}}],
            {},
            "CALLERS[0] does not match oidc.circleci.com/vcs-origin",
        ),
        ([ENTRY | {"match": MATCH | {"ref_path": "main"}}], {}, 'write "ref_path": "refs/heads/main"'),
        ([ENTRY | {"match": MATCH | {"project_id": " 4711"}}], {}, "can never match: project_id is a number"),
        ([ENTRY | {"match": MATCH | {"project_id": "acme/app"}}], {}, "can never match: project_id is a number"),
        ([ENTRY | {"as": "other/app"}], {}, "CALLERS[0] acts as other/app, whose owner is not enrolled"),
        ([ENTRY | {"roles": ["review"]}], {}, "CALLERS[0] has the role review, which this mint does not serve"),
        ([ENTRY], {"REQUIRED_CLAIMS": '{"event_name": ["push"]}'}, "REQUIRED_CLAIMS also holds for the jobs"),
        (
            [ENTRY | {"issuer": "bk", "match": {"pipeline_id": "1"}}],
            {"MINTS_PER_TOKEN": "1"},
            "tokens of buildkite have no jti to count",
        ),
    ],
)
def test_what_an_entry_leaves_open_is_a_warning(callers: Any, changes: dict[str, str], said: str) -> None:
    warnings = settings("hosted", ISSUERS, callers, **changes).warnings
    assert any(said in warning for warning in warnings), warnings


def test_several_issuers_of_github_are_a_warning() -> None:
    hubs = {name: {"kind": "github", "url": f"https://{name}.test"} for name in ("one", "two")}
    assert [
        warning for warning in settings(issuers=hubs).warnings if "several issuers of the kind github" in warning
    ]


@pytest.mark.parametrize("mode", MODES)
def test_an_issuer_of_github_in_place_of_github_com_is_a_warning(mode: str) -> None:
    only = {"ghes": {"kind": "github", "url": "https://ghes.test/_services/token"}}
    warnings = "\n".join(settings(mode, only).warnings)
    assert "jobs on github.com get 401" in warnings
    assert ("the provider ci-ghes, and WIF_PROVIDER_NAME has no effect" in warnings) == (mode == "hosted")
    hub = {"hub": {"kind": "github", "url": "https://token.actions.githubusercontent.com"}}
    assert "get 401" not in "\n".join(settings(mode, hub).warnings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "https://gitlab.com/*"}, "which no token has"),
        ({"url": "https://gitlab.com/.well-known/openid-configuration"}, "which no token has"),
        ({"audience": "*"}, "audiences are compared whole"),
    ],
)
def test_an_issuer_that_no_token_can_have_is_a_warning(changes: dict[str, str], said: str) -> None:
    assert said in "\n".join(settings("hosted", {"gitlab": GITLAB | changes}, [ENTRY]).warnings)
    assert said not in "\n".join(settings("hosted", {"gitlab": GITLAB}, [ENTRY]).warnings)


@pytest.mark.parametrize("url", ["https://gitlab.example.com/", "https://GitLab.example.com"])
def test_a_url_with_a_slash_or_capitals_causes_no_warning(url: str) -> None:
    warnings = settings("hosted", {"gitlab": GITLAB | {"url": url}}, [ENTRY]).warnings
    assert not [warning for warning in warnings if "ISSUERS" in warning]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "github"])
def test_the_example_of_a_kind_is_accepted_without_a_warning(kind: str) -> None:
    issuers = issuer_example("mine", kind).strip("'")
    callers = caller_example("mine", kind).strip("'")
    found = settings("hosted", issuers, callers, ALLOWED_ORGS="my-org")
    assert [entry.issuer for entry in found.policy.callers] == ["mine"]
    assert not [warning for warning in found.warnings if "CALLERS" in warning or "ISSUERS" in warning]


def test_an_entry_that_an_earlier_one_hides_is_a_warning() -> None:
    warnings = settings("hosted", {"gitlab": GITLAB}, [ENTRY, ENTRY | {"as": "acme/lib"}]).warnings
    assert any(
        "CALLERS[1] has no effect: CALLERS[0] has its issuer, match and roles" in warning for warning in warnings
    )
    other = ENTRY | {"roles": ["triage"]}
    assert not any("has no effect" in w for w in settings("hosted", {"gitlab": GITLAB}, [ENTRY, other]).warnings)


@pytest.mark.parametrize(
    "changes", [{}, {"ALLOWED_ORGS": "*"}, {"ALLOWED_ORGS": "x", "PER_REPO_WIF_REPOS": "acme/app"}]
)
def test_a_whole_configuration_has_no_warning_about_callers(changes: dict[str, str]) -> None:
    warnings = settings("hosted", {"gitlab": GITLAB}, [ENTRY], **changes).warnings
    assert not [warning for warning in warnings if "CALLERS" in warning]


CIRCLE = "oidc.circleci.com/"
CIRCLE_WHOLE = {
    f"{CIRCLE}project-id": UUID,
    f"{CIRCLE}vcs-origin": "github.com/acme/app",
    f"{CIRCLE}vcs-ref": "refs/heads/main",
    f"{CIRCLE}ssh-rerun": "false",
}
CIRCLE_SUBJECT = f"org/{UUID}/project/{UUID}/user/{UUID}/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main"
BUILDKITE_WHOLE = {
    "pipeline_id": UUID,
    "build_branch": "main",
    "sub": "organization:acme:pipeline:app:ref:refs/heads/main:*",
}


@pytest.mark.parametrize(
    ("kind", "match", "said"),
    [
        ("buildkite", BUILDKITE_WHOLE, ""),
        ("buildkite", BUILDKITE_WHOLE | {"build_branch": "main*"}, "does not match build_branch exactly"),
        ("buildkite", BUILDKITE_WHOLE | {"sub": "organization:acme:pipeline:app:*"}, "matches only build_branch"),
        (
            "buildkite",
            {"pipeline_id": UUID, "sub": "organization:acme:pipeline:app:ref:refs/heads/main*"},
            "does not match build_branch exactly",
        ),
        ("circleci", CIRCLE_WHOLE, ""),
        ("circleci", {"sub": CIRCLE_SUBJECT, f"{CIRCLE}ssh-rerun": "false"}, ""),
        ("circleci", CIRCLE_WHOLE | {f"{CIRCLE}vcs-origin": "github.com/*"}, "vcs-origin exactly"),
        ("circleci", CIRCLE_WHOLE | {f"{CIRCLE}vcs-ref": "refs/heads/*"}, "vcs-ref exactly"),
        ("circleci", CIRCLE_WHOLE | {f"{CIRCLE}ssh-rerun": "true"}, "ssh-rerun"),
        ("circleci", {name: CIRCLE_WHOLE[name] for name in list(CIRCLE_WHOLE)[:2]}, "vcs-ref exactly"),
        ("circleci", {name: CIRCLE_WHOLE[name] for name in list(CIRCLE_WHOLE)[:3]}, "ssh-rerun"),
        ("circleci", {"sub": f"org/{UUID}/project/{UUID}/user/{UUID}/vcs-origin/*"}, "vcs-origin exactly"),
        ("circleci", {"sub": CIRCLE_SUBJECT[:-4] + "*"}, "vcs-origin exactly"),
        ("gitlab", MATCH, ""),
        ("gitlab", MATCH | {"ref_path": "refs/heads/release/*"}, ""),
        ("gitlab", MATCH | {"ref_path": "ref*"}, ""),
        ("gitlab", MATCH | {"ref_path": "main*"}, "can never match"),
        ("gitlab", MATCH | {"namespace_id": "acme"}, "can never match"),
    ],
)
def test_only_exact_values_keep_forks_and_other_branches_out(kind: str, match: dict[str, str], said: str) -> None:
    advice = KINDS[kind].advice
    assert advice is not None
    found = advice(match)
    assert (said in found) if said else found == ""
    assert not found or " Fix: " in found
