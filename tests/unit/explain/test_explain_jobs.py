"""`fullsend mint explain` for jobs of other CI systems: the entry, the claim that failed, and what to change."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from fullsend.explain.checks import Outcome
from fullsend.explain.claims_file import GivenClaims, parse_claims
from fullsend.explain.configuration import configured
from fullsend.explain.trace import explain
from fullsend_sandbox.ci.gitlab import GitLabJob
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer
from fullsend_sandbox.signing import new_ec_key
from tests.mint_doubles import AUDIENCE, NOW
from tests.mint_doubles import claims as workflow_claims

if TYPE_CHECKING:
    from fullsend.explain.checks import Check

GITLAB = "https://gitlab.test"
CLUSTER = "https://cluster.test"
ENVIRONMENT = {
    "ALLOWED_ORGS": "acme",
    "ROLE_APP_IDS": '{"coder": "12", "triage": 13}',
    "ALLOWED_WORKFLOW_FILES": "triage.yml",
    "GCP_PROJECT_NUMBER": "123456789012",
    "WIF_POOL_NAME": "fullsend-pool",
    "WIF_PROVIDER_NAME": "github-oidc",
    "ISSUERS": json.dumps(
        {"gitlab": {"kind": "gitlab", "url": GITLAB}, "k8s": {"kind": "kubernetes", "url": CLUSTER}}
    ),
    "CALLERS": json.dumps(
        [
            {
                "issuer": "gitlab",
                "match": {"project_id": "4711", "ref_protected": "true", "ref_path": "refs/heads/main"},
                "as": "acme/app",
                "roles": ["coder"],
                "level": "read",
            }
        ]
    ),
}
TIMES = {"iat": int(NOW), "nbf": int(NOW), "exp": int(NOW) + 300}


def claims(job: GitLabJob | None = None, **changes: Any) -> dict[str, Any]:
    given = (job or GitLabJob()).claims() | {"iss": GITLAB, "aud": AUDIENCE, "jti": "1"} | TIMES | changes
    return {name: value for name, value in given.items() if value is not None}


def checks(given: dict[str, Any], role: str = "coder", conditions: Any = None, **further: Any) -> dict[str, Check]:
    mint = configured(ENVIRONMENT, "F", conditions)
    result = explain(GivenClaims(given), role, (), mint, now=NOW, further=further)
    return {check.name: check for check in result.checks}


def test_a_job_that_matches_is_explained_rule_by_rule() -> None:
    found = checks(claims())
    assert not [check for check in found.values() if check.outcome is Outcome.FAILED]
    assert "CALLERS[0] lists" in found["callers"].found
    assert "CALLERS[0]: project_id 4711, ref_protected true" in found["callers"].expected
    assert found["caller"].found == "the project is acme/tools/app (4711)"
    assert found["sts"].found == "the provider ci-gitlab checks tokens of the issuer gitlab"
    assert "workflow_repo" not in found


@pytest.mark.parametrize(
    ("given", "asked", "check", "code", "says"),
    [
        (claims(GitLabJob(protected=False)), {}, "callers", "claims_not_allowed",
         "ref_protected is 'false' and must be 'true'"),
        (claims(GitLabJob(project_id="9")), {}, "callers", "claims_not_allowed", "project_id is '9'"),
        (claims(), {"role": "triage"}, "callers_role", "role_not_allowed", "it allows coder"),
        (claims(), {"level": "write"}, "callers_level", "permissions_not_allowed", "up to the level read"),
        (claims(aud="other"), {}, "audience", "invalid_token", "audience fullsend-mint"),
        (claims(iss="https://other.test"), {}, "issuer", "invalid_token", "ISSUERS"),
        (claims(project_id=None), {}, "caller", "invalid_token", "as the gitlab job got it"),
        (claims(exp=int(NOW) - 60), {}, "times", "invalid_token", "they live for minutes"),
    ],
)  # fmt: skip
def test_what_denies_a_job_is_named_with_its_code_and_remedy(
    given: dict[str, Any], asked: dict[str, str], check: str, code: str, says: str
) -> None:
    failed = checks(given, **asked)[check]
    assert (failed.outcome, failed.code) == (Outcome.FAILED, code)
    assert says in failed.change


ENTRY = {"project_id": "4711", "ref_protected": "true", "ref_path": "refs/heads/main"}
PLACE = "--project my-project"


def told(check: str, given: dict[str, Any], place: str = PLACE, role: str = "coder", **further: Any) -> str:
    """Return what the operator is told to change about a failed check."""
    mint = configured(ENVIRONMENT, "F", place=place)
    result = explain(GivenClaims(given), role, (), mint, now=NOW, further=further)
    return next(one.change for one in result.checks if one.name == check)


def test_an_operator_gets_the_command_that_would_let_the_job_in() -> None:
    change = told("callers", claims(GitLabJob(project_id="9", ref="it's")))
    assert change.startswith("No entry of CALLERS matches this job. The closest is CALLERS[0], but ")
    [command] = re.findall("fullsend mint issuer add .*", change)
    words = shlex.split(command)
    assert words[4:] == [
        *(
            "gitlab",
            "--match",
            "project_id=9",
            "--match",
            "ref_path=refs/heads/it's",
            "--match",
            "ref_protected=true",
        ),
        *("--as", "OWNER/REPO", "--role", "coder", "--project", "my-project"),
    ]
    fields = json.loads(told("callers", claims(GitLabJob(project_id="9")), "").partition("in CALLERS: ")[2])
    assert fields == {
        "issuer": "gitlab",
        "match": ENTRY | {"project_id": "9"},
        "as": "OWNER/REPO",
        "roles": ["coder"],
    }


def test_a_job_of_an_unprotected_ref_is_sent_to_a_protected_one() -> None:
    change = told("callers", claims(GitLabJob(protected=False)))
    assert "Fix: run the job on a protected branch or tag." in change


def test_a_job_of_a_project_without_an_entry_is_told_so_first() -> None:
    change = told("callers", claims(GitLabJob(project_id="4712", protected=False)))
    assert "No entry has the job's project. Fix: only if this project must mint: fullsend mint issuer add" in change
    assert change.endswith(" Then run the job on a protected branch or tag.")
    assert change.count("Fix:") == 1


def test_a_job_of_kubernetes_is_let_in_by_its_namespace_and_account() -> None:
    token = KubernetesIssuer(clock=lambda: NOW, make_key=new_ec_key, issuer=CLUSTER).token()
    result = explain(parse_claims(token, "F"), "coder", (), configured(ENVIRONMENT, "F", place=PLACE), now=NOW)
    [check] = [one for one in result.checks if one.name == "callers"]
    assert "CALLERS has no entry for the issuer k8s" in check.change
    assert "--match kubernetes.io/namespace=" in check.change
    assert "--match kubernetes.io/serviceaccount/name=" in check.change


@pytest.mark.parametrize(
    ("check", "asked", "roles", "level"),
    [
        ("callers_role", {"role": "triage"}, ["--role", "coder", "--role", "triage"], "read"),
        ("callers_level", {"level": "write"}, ["--role", "coder"], "write"),
    ],
)
def test_an_operator_gets_the_command_that_widens_the_entry(
    check: str, asked: dict[str, str], roles: list[str], level: str
) -> None:
    words = shlex.split(re.findall("fullsend mint issuer add .*", told(check, claims(), **asked))[0])
    pairs = [word for claim, value in ENTRY.items() for word in ("--match", f"{claim}={value}")]
    assert words[4:] == ["gitlab", *pairs, "--as", "acme/app", *roles, "--level", level, "--project", "my-project"]


def test_a_job_without_an_entry_has_no_rule_about_a_repository() -> None:
    assert {"callers", "org"} & set(checks(claims(GitLabJob(project_id="9")))) == {"callers"}


def test_a_provider_that_is_missing_is_made_for_the_issuer() -> None:
    missing = checks(claims(), conditions={"github-oidc": "true"})["sts"]
    assert missing.change == "Make the provider: fullsend mint issuer add gitlab"


def test_a_missing_provider_of_the_kind_github_is_not_advised_with_a_command_that_refuses_it() -> None:
    variables = {name: value for name, value in ENVIRONMENT.items() if name != "CALLERS"}
    variables["ISSUERS"] = json.dumps({"ghes": {"kind": "github", "url": "https://ghes.test/_services/token"}})
    given = workflow_claims(iss="https://ghes.test/_services/token")
    result = explain(GivenClaims(given), "coder", (), configured(variables, "F", {"github-oidc": "true"}), now=NOW)
    change = next(check.change for check in result.checks if check.name == "sts")
    assert "issuer add" not in change
    assert "fullsend mint deploy --env OIDC_ISSUER_URL=URL" in change


def test_a_token_without_nbf_is_checked_without_it() -> None:
    assert checks(claims(nbf=None))["times"].outcome is Outcome.PASSED


@pytest.mark.parametrize(("url", "outcome"), [(CLUSTER, Outcome.PASSED), (GITLAB, Outcome.FAILED)])
def test_es256_is_a_good_form_for_a_cluster_alone(url: str, outcome: Outcome) -> None:
    token = KubernetesIssuer(clock=lambda: NOW, make_key=new_ec_key, issuer=url).token()
    result = explain(parse_claims(token, "F"), "coder", (), configured(ENVIRONMENT, "F"), now=NOW)
    form = next(check for check in result.checks if check.name == "token")
    assert form.outcome is outcome
    assert "ES256" in form.found
