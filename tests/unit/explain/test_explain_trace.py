"""The trace: every check in the mint's order, and never another verdict than the mint's own."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.cli.mint.explain import explain as command
from fullsend.explain.checks import Check, Explanation, Outcome
from fullsend.explain.claims_file import GivenClaims
from fullsend.explain.configuration import configured
from fullsend.explain.trace import explain
from mintcore.errors import InvalidToken
from mintcore.policy.claims import REQUIRED_CLAIMS, check_claims
from tests.mint_doubles import AUDIENCE, ISSUER, NOW, claims

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {
    "ALLOWED_ORGS": "octo-org,second-org",
    "ROLE_APP_IDS": '{"coder": "12", "triage": 13}',
    "ALLOWED_WORKFLOW_FILES": "triage.yml",
    "OIDC_ISSUER_URL": ISSUER,
    "GCP_PROJECT_NUMBER": "123456789012",
    "WIF_POOL_NAME": "fullsend-pool",
    "WIF_PROVIDER_NAME": "github-oidc",
}
MINT = configured(ENVIRONMENT, "F")


def checks(role: str = "coder", repos: tuple[str, ...] = (), **changes: Any) -> dict[str, Check]:
    result = explain(GivenClaims(claims(**changes)), role, repos, MINT, now=NOW)
    return {check.name: check for check in result.checks}


PROTECTED = ENVIRONMENT | {
    "ALLOWED_ORGS": "octo-org",
    "PER_REPO_WIF_REPOS": "third/app",
    "REPO_SCOPE": "caller",
    "WORKFLOW_REFS": "refs/heads/main,commits",
    "REQUIRED_CLAIMS": '{"event_name": ["push"]}',
    "ENROLLED_IDS": '{"octo-org": "1"}',
    "WORKFLOW_HOST_REPOS": "hosts/flows",
}
FLOW = "hosts/flows/.github/workflows/triage.yml"


def protected(
    repos: tuple[str, ...] = (), place: str = "", variables: Any = None, **changes: Any
) -> dict[str, Check]:
    further: dict[str, Any] = {
        name: changes.pop(name) for name in ("level", "permissions", "target_org") if name in changes
    }
    given = {"job_workflow_ref": f"{FLOW}@refs/heads/main", "event_name": "push", "repository_owner_id": "1"}
    mint = configured(PROTECTED | (variables or {}), "F", place=place)
    result = explain(GivenClaims(claims(**given | changes)), "coder", repos, mint, now=NOW, further=further)
    return {check.name: check for check in result.checks}


@pytest.mark.parametrize(
    ("changes", "rule", "code", "says"),
    [
        ({"event_name": "schedule"}, "claims", "claims_not_allowed", "REQUIRED_CLAIMS"),
        ({"repository_owner_id": "2"}, "ids", "org_not_allowed", "Find out who owns the name now"),
        ({"job_workflow_ref": f"{FLOW}@refs/heads/x"}, "workflow_refs", "workflow_not_allowed",
         "Set WORKFLOW_REFS=refs/heads/main,commits,refs/heads/x."),
        ({"job_workflow_ref": f"{FLOW}@refs/pull/1/merge"}, "workflow_refs", "workflow_not_allowed", "call the"),
        ({"repos": ("docs",)}, "repo_scope", "scope_not_allowed", "Set GRANTS=1."),
        ({"repos": ("docs",), "repository": "third/app", "repository_owner": "third"}, "repo_scope",
         "scope_not_allowed", "Add third to ALLOWED_ORGS."),
        ({"repos": ("docs",), "target_org": "third"}, "target_org", "grants_not_enabled", "Set GRANTS=1."),
        ({"level": "full"}, "level", "invalid_level", "read, write"),
        ({"permissions": {"secrets": "read"}}, "permissions", "permissions_not_allowed", "secrets:read"),
        ({"permissions": {}}, "request", "invalid_permissions", "empty"),
        ({"target_org": "third"}, "request", "invalid_repos", "target_org"),
    ],
)  # fmt: skip
def test_each_protection_is_a_check_with_its_remedy_for_the_operator(
    changes: dict[str, Any], rule: str, code: str, says: str
) -> None:
    found = protected(**changes)
    assert [name for name, check in found.items() if check.outcome is Outcome.FAILED][:1] == [rule]
    assert found[rule].code == code
    assert says in found[rule].change


def test_a_remedy_for_a_deployed_mint_is_a_command() -> None:
    found = protected(("docs",), "--project p")
    assert "fullsend mint deploy --env GRANTS=1 --project p" in found["repo_scope"].change


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"job_workflow_ref": f"{FLOW}@{'a' * 40}"}, "workflow_refs"),
     ({"repos": ("docs",), "variables": {"GRANTS": "1"}}, "repo_scope"),
     ({"repos": ("x",), "target_org": "third", "variables": {"GRANTS": "1"}}, "target_org")],
)  # fmt: skip
def test_what_only_github_can_answer_is_not_checked(changes: dict[str, Any], rule: str) -> None:
    found = protected(**changes)
    assert found[rule].outcome is Outcome.NOT_CHECKED
    assert not [check for check in found.values() if check.outcome is Outcome.FAILED]


def test_a_rule_that_only_reports_would_deny() -> None:
    found = protected(("docs",), variables={"REPORT_ONLY": "repo_scope"})
    assert found["repo_scope"].outcome is Outcome.WOULD_DENY
    assert found["repo_scope"].fields()["code"] == "scope_not_allowed"


def with_fullsend(**further: Any) -> Explanation:
    mint = configured(ENVIRONMENT | {"ROLE_APP_IDS": '{"fullsend": "1"}'}, "F")
    return explain(GivenClaims(claims()), "fullsend", (), mint, now=NOW, further=further)


def test_a_permission_that_github_does_not_have_is_named_and_not_promised() -> None:
    result = with_fullsend(level="read")
    (named,) = [check for check in result.checks if check.name == "github access"]
    assert (result.refusal, "workflows:read" in named.found) == (None, True)
    assert result.grant is not None
    assert set(result.grant.permissions) - set(result.permissions) == {"workflows"}


def test_a_request_for_nothing_else_would_be_refused_as_the_mint_refuses_it() -> None:
    result = with_fullsend(permissions={"workflows": "read"})
    assert result.refusal is not None
    assert (result.refusal.status, result.refusal.code) == (422, "permissions_not_granted")
    assert "request workflows:write" in result.refusal.change
    assert result.permissions == {}


def test_every_check_is_listed_in_the_mints_order() -> None:
    assert list(checks()) == [
        "request", "token", "issuer", "audience", "times", "caller", "signature",
        "org", "workflow_repo", "workflow_file", "role", "level", "permissions", "claims", "ids", "workflow_refs",
        "repo_scope", "sts", "key and installation",
    ]  # fmt: skip


def test_nothing_offline_counts_as_checked_that_needs_the_network() -> None:
    named = {name for name, check in checks().items() if check.outcome is Outcome.NOT_CHECKED}
    assert named == {"token", "signature", "sts", "key and installation"}


@pytest.mark.parametrize(
    ("changes", "name", "code"),
    [
        ({"iss": "https://other.test"}, "issuer", "invalid_token"),
        ({"aud": "other"}, "audience", "invalid_token"),
        ({"exp": NOW - 100}, "times", "invalid_token"),
        ({"iat": NOW + 100}, "times", "invalid_token"),
        ({"repository": "other/app"}, "caller", "invalid_token"),
        ({"repository": "third/app", "repository_owner": "third"}, "org", "org_not_allowed"),
        ({"job_workflow_ref": "x"}, "workflow_ref", "workflow_not_allowed"),
        ({"job_workflow_ref": "evil/x/.github/workflows/triage.yml@refs/heads/a"}, "workflow_repo",
         "workflow_not_allowed"),
        ({"role": "nobody"}, "role", "role_not_allowed"),
        ({"role": "No"}, "request", "invalid_role"),
        ({"repos": ("a/b",)}, "request", "invalid_repos"),
    ],
)  # fmt: skip
def test_a_check_that_fails_has_the_servers_code_and_what_to_change(
    changes: dict[str, Any], name: str, code: str
) -> None:
    check = checks(**changes)[name]
    assert (check.outcome, check.code) == (Outcome.FAILED, code)
    assert check.change.endswith(".")


def test_a_caller_whose_times_are_past_is_told_so_and_policy_is_still_shown() -> None:
    found = checks(exp=NOW - 3000, job_workflow_ref="octo-org/app/.github/workflows/x.yml@refs/heads/main")
    assert "expired 3000 s ago" in found["times"].found
    assert found["workflow_repo"].outcome is Outcome.FAILED
    assert found["org"].outcome is Outcome.PASSED


def test_a_reader_of_the_configuration_sees_what_it_lists() -> None:
    assert "octo-org, second-org" in checks()["org"].expected
    assert "triage.yml" in checks()["workflow_file"].expected


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(REQUIRED_CLAIMS), ODD, max_size=3))
def test_the_claims_pass_here_exactly_when_the_mint_lets_them_pass(changes: dict[str, Any]) -> None:
    given_claims = claims() | changes
    result = explain(GivenClaims(given_claims), "coder", (), MINT, now=NOW)
    failed = any(
        check.outcome is Outcome.FAILED
        for check in result.checks
        if check.name in {"issuer", "audience", "times", "caller"}
    )
    try:
        check_claims(given_claims, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    except InvalidToken:
        assert failed
    else:
        assert not failed


@pytest.fixture
def run(tmp_path: Path) -> Any:
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items()))
    (tmp_path / "claims").write_text(json.dumps(claims(exp=time.time() + 300, iat=time.time(), nbf=time.time())))

    def invoke(*arguments: str, claims_text: str = "") -> Any:
        if claims_text:
            (tmp_path / "claims").write_text(claims_text)
        files = ["--claims", str(tmp_path / "claims"), "--env-file", str(tmp_path / "env")]
        return CliRunner().invoke(command, [*files, *arguments])

    return invoke


def test_the_command_says_what_would_be_granted(run: Any) -> None:
    result = run("--role", "triage")
    assert result.exit_code == 0
    assert "would grant contents:read, issues:write, metadata:read" in result.stdout


def test_the_command_ends_with_3_where_the_mint_would_refuse(run: Any) -> None:
    result = run("--role", "nobody", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (answer["allowed"], answer["status"], answer["code"]) == (False, 403, "role_not_allowed")


def test_a_role_that_a_fallback_holds_is_the_other_mints_to_decide(run: Any, tmp_path: Path) -> None:
    standalone = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(("GCP", "WIF"))}
    standalone |= {
        "PEM_DIR": "pems",
        "FALLBACK_MINT_URL": "https://mint.example.com",
        "ROLE_APP_IDS": '{"triage": 1}',
    }
    (tmp_path / "fallback.env").write_text("".join(f"{name}={value}\n" for name, value in standalone.items()))
    path = str(tmp_path / "fallback.env")
    forwarded = run("--role", "coder", "--env-file", path)
    assert forwarded.exit_code == 0
    assert "would send the request on to https://mint.example.com; that mint decides." in forwarded.stdout
    fields = json.loads(run("--role", "coder", "--env-file", path, "--json").stdout)
    assert (fields["allowed"], fields["status"], fields["forwarded_to"]) == (None, None, "https://mint.example.com")
    assert run("--role", "triage", "--env-file", path, "--json").exit_code == 0


def test_a_token_is_never_printed_back(run: Any) -> None:
    token = jwt.encode(claims(), "k" * 32, algorithm="HS256")
    for more in ((), ("--json",)):
        output = run("--role", "coder", *more, claims_text=token).output
        assert not [part for part in token.split(".") if part in output]


def test_a_file_that_cannot_be_used_is_one_sentence_and_no_traceback(run: Any) -> None:
    result = run("--role", "coder", claims_text="rubbish")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "rubbish" not in result.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--env-file", "/no/such"), 2),
        (("--claims", "/no/such"), 2),
        (("--claims", "/"), 2),
        (("--role", ""), 2),
        (("--role", "Bad Role"), 3),
    ],
)
def test_what_was_not_given_rightly_is_wrong_usage_and_what_a_mint_refuses_is_not(
    run: Any, words: tuple[str, ...], status: int
) -> None:
    done = run("--role", "coder", *words)
    assert done.exit_code == status
    assert "body" not in done.stderr


def test_a_file_of_variables_is_fixed_in_the_file() -> None:
    assert (
        checks(repository="new-org/app", repository_owner="new-org")["org"].change == "Add new-org to ALLOWED_ORGS."
    )
    assert checks(role="retro")["role"].change.endswith("To serve retro: Give retro an App in ROLE_APP_IDS.")


@pytest.mark.parametrize("claim", ["iss", "aud", "job_workflow_ref"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_half_a_character_in_a_claim_is_shown_by_its_escape_sequence(
    tmp_path: Path, claim: str, options: tuple[str, ...]
) -> None:
    file, environment = tmp_path / "claims.json", tmp_path / "env"
    given = claims(exp=2**33)
    file.write_text(json.dumps(given | {claim: f"{given[claim]}\ud800"}))
    environment.write_text("".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items()))
    done = CliRunner().invoke(
        command,
        ["--claims", str(file), "--role", "coder", "--env-file", str(environment), *options],
        env={"COLUMNS": "200"},
    )
    assert done.exit_code == 3, done.output
    assert "ud800" in done.stdout
