"""What the doctor finds about issuers and their entries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fullsend.operate.doctor import issuer_checks
from fullsend.operate.doctor.finding import Kind, Snapshot
from fullsend.operate.model import environment
from fullsend.operate.model.federation import Provider
from fullsend.operate.model.issuer_federation import issuer_provider
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.issuer_changes import (
    IssuerSpec,
    add_issuer,
)
from fullsend.operate.plan.steps.issuer_steps import KeySet, PutIssuerProvider
from mintcore.settings.issuers import parse_issuer
from tests.unit.operate.issuer_values import FIELDS, LISTED, MATCH, URL, entry, with_issuer
from tests.unit.operate.plan_values import ENVIRONMENT, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState


def codes(state: MintState, **changes: Any) -> dict[str, Kind]:
    snapshot = Snapshot(state, **changes)
    checks = (
        issuer_checks.providers,
        issuer_checks.unlisted_issuers,
        issuer_checks.entries,
        issuer_checks.published,
    )
    return {one.code: one.kind for check in checks for one in check(snapshot)}


def test_the_doctor_has_nothing_to_say_of_an_issuer_as_it_was_added() -> None:
    assert codes(with_issuer()) == codes(running()) == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"condition": "true"}, "issuer_condition_differs"),
        ({"issuer": "https://evil.example"}, "issuer_url_differs"),
        ({"audiences": ("other",)}, "issuer_audience_differs"),
        ({"mapping": {"google.subject": "assertion.sub"}}, "issuer_mapping_differs"),
    ],
)
def test_the_doctor_finds_what_differs_on_an_issuers_provider(changes: Mapping[str, Any], code: str) -> None:
    assert codes(with_issuer(**changes)) == {code: Kind.PROBLEM}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CALLERS": ""}, {"issuer_condition_differs", "issuer_without_entries"}),
        ({"ISSUERS": "", "CALLERS": ""}, {"issuer_not_in_environment"}),
        ({"CALLERS": json.dumps([FIELDS, {**FIELDS, "issuer": "other"}])}, {"caller_of_unknown_issuer"}),
        ({"CALLERS": json.dumps([{**FIELDS, "as": "other/app"}])}, {"caller_not_enrolled"}),
        ({"CALLERS": json.dumps([{**FIELDS, "roles": ["triage", "coder"]}])}, {"caller_role_not_served"}),
        (
            {"CALLERS": json.dumps([{**FIELDS, "match": {"project_id": "4711"}}])},
            {"issuer_condition_differs", "caller_open"},
        ),
        ({"CALLERS": json.dumps([FIELDS, {**FIELDS, "as": "my-org/lib"}])}, {"caller_hidden"}),
        ({"REQUIRED_CLAIMS": '{"event_name": ["push"]}'}, {"caller_needs_claims"}),
        ({"ISSUERS": "{"}, set()),
    ],
)
def test_the_doctor_finds_entries_that_grant_nothing_or_too_much(
    variables: Mapping[str, str], expected: set[str]
) -> None:
    providers = with_issuer().providers
    state = replace(running({**ENVIRONMENT, **LISTED, **variables}), providers=providers)
    found = codes(state)
    assert found.keys() == expected
    kinds = {"caller_open": Kind.PROTECTION_OFF, "caller_needs_claims": Kind.UNCHECKED}
    assert all(kind is kinds.get(code, Kind.PROBLEM) for code, kind in found.items())


@pytest.mark.parametrize(
    ("acts_as", "fix"),
    [
        (
            "my-org/lib",
            "fullsend mint issuer remove gitlab --match=project_id=4711 --match=ref_protected=true --as my-org/lib",
        ),
        ("my-org/app", "Remove it from CALLERS on the Cloud Run service's page."),
    ],
)
def test_the_doctor_removes_a_hidden_entry_and_no_other(acts_as: str, fix: str) -> None:
    # Removing by match also removes entries that match more, so the second one counts.
    narrower = {**FIELDS, "match": {**MATCH, "ref_path": "refs/heads/main"}}
    entries = [FIELDS, {**FIELDS, "as": acts_as}, narrower]
    variables = {**ENVIRONMENT, **LISTED, "CALLERS": json.dumps(entries)}
    [found] = [one for one in issuer_checks.entries(Snapshot(running(variables))) if one.code == "caller_hidden"]
    assert found.fix.startswith(fix)


def test_the_doctor_and_the_start_of_the_mint_say_the_same() -> None:
    entries = [{**FIELDS, "as": "other/app"}, {**FIELDS, "match": {"project_id": "4711"}, "roles": ["triage"]}]
    issuers = {
        "gitlab": {"kind": "gitlab", "url": URL},
        "hub": {"kind": "github", "url": "https://ghes.test/_services/token"},
        "star": {"kind": "buildkite", "url": "https://x.test/*", "audience": "a*"},
    }
    variables = {**ENVIRONMENT, "ISSUERS": json.dumps(issuers), "CALLERS": json.dumps(entries)}
    found = list(issuer_checks.entries(Snapshot(running(variables))))
    said = "\n".join(environment.check(variables))
    assert {one.code for one in found} == {
        "caller_not_enrolled", "caller_open", "issuer_audience_unusable", "issuer_has_own_provider",
        "issuer_instead_of_github", "issuer_url_unusable", "issuer_without_entries",
    }  # fmt: skip
    assert [one.code for one in found if one.what[1:].rstrip(".") not in said] == []


IN_CLUSTER = "https://kubernetes.default.svc"


def test_an_issuer_that_google_cannot_reach_needs_its_keys() -> None:
    match = {"kubernetes.io/namespace": "ci", "kubernetes.io/serviceaccount/name": "mint"}
    wanted = IssuerSpec(
        "cluster", "kubernetes", IN_CLUSTER, callers=({**FIELDS, "issuer": "cluster", "match": match},)
    )
    with pytest.raises(BadInput, match="Google cannot reach") as refused:
        add_issuer(running(), wanted)
    assert refused.value.remedy.startswith("Add --jwks-file FILE.")
    put = add_issuer(running(), replace(wanted, keys=KeySet("k", "/a/jwks.json")))[0]
    assert isinstance(put, PutIssuerProvider)


@pytest.mark.parametrize(("keys", "expected"), [("", {"issuer_without_keys": Kind.PROBLEM}), ("k", {})])
def test_the_doctor_finds_an_issuer_that_google_cannot_reach(keys: str, expected: dict[str, Kind]) -> None:
    cluster = parse_issuer("cluster", {"kind": "kubernetes", "url": IN_CLUSTER}, "fullsend-mint")
    match = {"kubernetes.io/namespace": "ci", "kubernetes.io/serviceaccount/name": "mint"}
    fields = {**FIELDS, "issuer": "cluster", "match": match}
    environment = ENVIRONMENT | {
        "ISSUERS": json.dumps({"cluster": {"kind": "kubernetes", "url": IN_CLUSTER}}),
        "CALLERS": json.dumps([fields]),
    }
    found = Provider(replace(issuer_provider("42", cluster, [entry(cluster, match)]), keys=keys))
    state = running(environment)
    state = replace(state, providers={**state.providers, "ci-cluster": found})
    assert codes(state, issuers=issuer_checks.read_published(state)) == expected


def test_the_doctor_finds_a_provider_that_is_not_there() -> None:
    gone = {name: one for name, one in with_issuer().providers.items() if name != "ci-gitlab"}
    assert codes(replace(with_issuer(), providers=gone)) == {"issuer_provider_unusable": Kind.PROBLEM}
