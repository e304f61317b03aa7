"""Issuers of other CI systems as values: conditions, edits, key sets and plans, without any network."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.doctor import issuer_checks
from fullsend.operate.doctor.finding import Kind, Snapshot
from fullsend.operate.model import environment, issuer_list
from fullsend.operate.model.caller_changes import entry_changes
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.federation import DELETED, Provider
from fullsend.operate.model.issuer_edits import DropEntries, DropIssuer, PutIssuer
from fullsend.operate.model.issuer_federation import NOBODY, condition, issuer_provider
from fullsend.operate.model.key_sets import canonical, read_key_set
from fullsend.operate.model.replay import Replay
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.deployment import deploy, edit_steps
from fullsend.operate.plan.deployment_spec import DeploymentSpec
from fullsend.operate.plan.issuer_changes import (
    IssuerSpec,
    add_issuer,
    edit_for,
    entries_to_drop,
    remove_entries,
    remove_issuer,
)
from fullsend.operate.plan.steps.federation_steps import CREATE, UNDELETE, UPDATE, DeleteProvider
from fullsend.operate.plan.steps.issuer_steps import CheckIssuerProviders, KeySet, PutIssuerProvider
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from mintcore.policy.kinds.table import KINDS
from mintcore.settings.callers import parse_entry
from mintcore.settings.issuers import parse_issuer
from tests.unit.operate.test_operate_plans import BUNDLE, ENVIRONMENT, PLACE, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer

URL = "https://gitlab.com"
GITLAB = parse_issuer("gitlab", {"kind": "gitlab", "url": URL}, "fullsend-mint")
MATCH = {"project_id": "4711", "ref_protected": "true"}
FIELDS = {"issuer": "gitlab", "match": MATCH, "as": "my-org/app", "roles": ["triage"]}
LISTED = {"ISSUERS": json.dumps({"gitlab": {"kind": "gitlab", "url": URL}}), "CALLERS": json.dumps([FIELDS])}
WANTED = IssuerSpec("gitlab", "gitlab", URL, callers=(FIELDS,))
UUID = "3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5c"


def entry(issuer: Issuer = GITLAB, match: Mapping[str, str] = MATCH, **fields: Any) -> CallerEntry:
    return parse_entry(0, {**FIELDS, "issuer": issuer.name, "match": match, **fields}, {issuer.name: issuer})


def of_kind(kind: str) -> Issuer:
    return parse_issuer(kind, {"kind": kind, "url": "https://issuer.example"}, "fullsend-mint")


def with_issuer(**changes: Any) -> MintState:
    """Return a mint with GitLab's issuer, its provider as the commands make it."""
    environment = ENVIRONMENT | LISTED
    found = Provider(replace(issuer_provider("42", GITLAB, [entry()]), **changes))
    state = running(environment)
    return replace(state, providers={**state.providers, "ci-gitlab": found})


@pytest.mark.parametrize(
    ("kind", "match", "cel"),
    [
        ("gitlab", MATCH, "assertion.project_id == '4711' && assertion.ref_protected == 'true'"),
        (
            "gitlab",
            {"namespace_id": "9", "ref": "refs/tags/v*"},
            "assertion.namespace_id == '9' && assertion.ref_path.startsWith('refs/tags/v')",
        ),
        ("gitlab", {"project_id": "1", "runner_id": "12270831"}, "assertion.project_id == '1'"),
        (
            "gitlab",
            {"project_id": "1", "environment": r"it's \ here"},
            r"assertion.environment == 'it\'s \\ here' && assertion.project_id == '1'",
        ),
        (
            "buildkite",
            {"organization_slug": "acme", "pipeline_slug": "app", "build_tag": "v*"},
            (
                "assertion.build_tag.startsWith('v') && assertion.organization_slug == 'acme' && "
                "assertion.pipeline_slug == 'app'"
            ),
        ),
        (
            "circleci",
            {"oidc.circleci.com/project-id": UUID, "oidc.circleci.com/ssh-rerun": "false"},
            (
                f"assertion['oidc.circleci.com/project-id'] == '{UUID}' && "
                "assertion['oidc.circleci.com/ssh-rerun'] == false"
            ),
        ),
        (
            "kubernetes",
            {"kubernetes.io/namespace": "ci", "kubernetes.io/serviceaccount/name": "mint"},
            (
                "assertion['kubernetes.io']['namespace'] == 'ci' && "
                "assertion['kubernetes.io']['serviceaccount']['name'] == 'mint'"
            ),
        ),
    ],
)
def test_an_entry_is_a_condition_on_the_claims_of_its_kind(kind: str, match: Mapping[str, str], cel: str) -> None:
    issuer = of_kind(kind)
    assert condition(kind, [entry(issuer, match)]) == cel


def test_several_entries_are_alternatives_in_an_order_of_their_own() -> None:
    one, other = entry(match={"project_id": "1"}), entry(match={"namespace_id": "2"}, roles=["coder"])
    assert condition("gitlab", [other, one, replace(one, acts_as=one.acts_as)]) == (
        "(assertion.namespace_id == '2') || (assertion.project_id == '1')"
    )
    assert condition("gitlab", [one, other]) == condition("gitlab", [other, one])


def test_entries_that_differ_in_their_project_alone_are_one_list() -> None:
    matches = [MATCH | {"project_id": "12"}, MATCH, MATCH | {"project_id": "7", "ref_path": "refs/tags/v*"}]
    entries = [entry(match=match) for match in matches]
    assert condition("gitlab", entries) == (
        "(assertion.project_id == '7' && assertion.ref_path.startsWith('refs/tags/v') && "
        "assertion.ref_protected == 'true') || "
        "(assertion.project_id in ['12', '4711'] && assertion.ref_protected == 'true')"
    )
    hundreds = [entry(match=MATCH | {"project_id": str(number)}) for number in range(10**7, 10**7 + 300)]
    assert len(condition("gitlab", hundreds)) < 4096


def test_an_issuer_without_entries_admits_nothing() -> None:
    assert condition("gitlab", []) == NOBODY


def test_a_condition_that_google_would_refuse_is_not_written() -> None:
    many = [entry(match={"project_id": str(number)}) for number in range(10**6, 10**6 + 400)]
    with pytest.raises(BadInput, match="Google's limit is 4096"):
        condition("gitlab", many)
    for audience in ("a,b", "a" * 257):
        with pytest.raises(BadInput, match="audience"):
            issuer_provider("42", GITLAB._replace(audience=audience), [])


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"github"}))
def test_every_kind_of_issuer_has_a_mapping_that_gcloud_can_take(kind: str) -> None:
    spec = issuer_provider("42", of_kind(kind), [])
    assert "google.subject" in spec.mapping
    assert not any("," in text for text in spec.mapping.values()), "gcloud splits a mapping at commas"


RAW = st.fixed_dictionaries(
    {
        "issuer": st.sampled_from(["gitlab", "other", ""]),
        "match": st.dictionaries(st.sampled_from(["project_id", "ref"]), st.text(max_size=3), max_size=2),
        "as": st.sampled_from(["a/b", "A/B", "c/d"]),
    }
)
CALLERS = st.lists(st.one_of(RAW, st.just(FIELDS), st.integers(), st.text(max_size=2)), max_size=5)


@given(callers=CALLERS, replaced=st.booleans())
def test_putting_an_issuer_holds_and_leaves_the_entries_of_others(callers: list[Any], replaced: bool) -> None:
    other = entry(match={"project_id": "12"})
    edit = PutIssuer(GITLAB, (entry(), other), replaced)
    after = edit.apply({"CALLERS": json.dumps(callers), "ISSUERS": '{"other": {"x": 1}}'})
    assert edit.is_applied(after)
    left = [one for one in json.loads(after["CALLERS"]) if issuer_list.named_by(one) != "gitlab"]
    assert left == [one for one in callers if issuer_list.named_by(one) != "gitlab"]
    own = issuer_list.entries_of(after, "gitlab")
    assert {one.match["project_id"] for one in own} >= {"4711", "12"}
    assert len(own) == 2 or not replaced
    assert json.loads(after["ISSUERS"])["other"] == {"x": 1}


@given(callers=CALLERS)
def test_dropping_an_issuer_leaves_nothing_of_it_and_all_of_others(callers: list[Any]) -> None:
    edit = DropIssuer("gitlab")
    after = edit.apply({**LISTED, "CALLERS": json.dumps(callers)})
    assert edit.is_applied(after)
    assert "ISSUERS" not in after
    left = [one for one in callers if issuer_list.named_by(one) != "gitlab"]
    assert json.loads(after.get("CALLERS", "[]")) == left


AGAIN = {name: value for name, value in FIELDS.items() if name != "roles"}


@pytest.mark.parametrize(
    ("asked", "replaced", "no_level", "roles", "level"),
    [
        (FIELDS, False, False, ["triage"], "read"),
        ({**FIELDS, "roles": ["coder"]}, False, False, ["coder"], "read"),
        (AGAIN, False, False, ["triage"], "read"),
        ({**AGAIN, "level": "write"}, False, False, ["triage"], "write"),
        (FIELDS, False, True, ["triage"], None),
        (AGAIN, False, True, ["triage"], None),
        (FIELDS, True, False, ["triage"], None),
    ],
)
def test_an_entry_keeps_the_roles_and_the_level_that_are_left_out(
    asked: dict[str, Any], replaced: bool, no_level: bool, roles: list[str], level: str | None
) -> None:
    limited = {**LISTED, "CALLERS": json.dumps([{**FIELDS, "level": "read"}])}
    spec = replace(WANTED, callers=(asked,), replace=replaced, no_level=no_level)
    edit = edit_for(limited, spec)
    after = edit.apply(limited)
    [now] = json.loads(after["CALLERS"])
    assert (now["roles"], now.get("level")) == (roles, level)
    assert edit.is_applied(after)


def test_a_level_that_others_set_after_the_plan_stays() -> None:
    edit = edit_for(LISTED, WANTED)
    [now] = json.loads(edit.apply({**LISTED, "CALLERS": json.dumps([{**FIELDS, "level": "read"}])})["CALLERS"])
    assert now["level"] == "read"


def test_a_new_entry_needs_a_role() -> None:
    for variables, spec in ((LISTED, {**AGAIN, "as": "my-org/web"}), ({}, AGAIN)):
        with pytest.raises(BadInput, match="a new entry needs a role") as refused:
            edit_for(variables, replace(WANTED, callers=(spec,)))
        assert refused.value.remedy.startswith("Add --role ROLE.")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"level": "read"}, {}, "change {}: triage at most read -> triage at any level (more access)"),
        ({}, {"level": "read"}, "change {}: triage at any level -> triage at most read"),
        (
            {"level": "read"},
            {"level": "write"},
            "change {}: triage at most read -> triage at most write (more access)",
        ),
        (
            {},
            {"roles": ["triage", "coder"]},
            "change {}: triage at any level -> triage, coder at any level (more access)",
        ),
        ({"roles": ["triage", "coder"]}, {}, "change {}: triage, coder at any level -> triage at any level"),
        (None, {}, "add {}: triage at any level"),
        ({}, None, "remove {}: triage at any level"),
    ],
)
def test_a_plan_shows_how_each_entry_changes(before: Any, after: Any, said: str) -> None:
    other = {**FIELDS, "match": {"project_id": "12"}}
    old, new = ([other] if one is None else [other, {**FIELDS, **one}] for one in (before, after))
    state = running(ENVIRONMENT | {**LISTED, "CALLERS": json.dumps(old)})
    [step] = edit_steps(state, Edit(set_variables=(("CALLERS", json.dumps(new)),)))
    sentence = said.format("gitlab project_id=4711, ref_protected=true as my-org/app")
    assert step.title().endswith(f" ready: CALLERS: {sentence}")


def _sorted(entries: list[Any]) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in entries)


@given(before=CALLERS, after=CALLERS)
def test_a_changed_list_is_shown_as_printable_text(before: list[Any], after: list[Any]) -> None:
    sentences = entry_changes({"CALLERS": json.dumps(before)}, {"CALLERS": json.dumps(after)})
    assert all(sentence.isprintable() for sentence in sentences)
    assert bool(sentences) == (_sorted(before) != _sorted(after))


def test_dropped_entries_are_those_that_have_all_that_is_named() -> None:
    callers = [FIELDS, {**FIELDS, "match": {"project_id": "12"}}, {**FIELDS, "as": "my-org/web"}]
    environment = {**LISTED, "CALLERS": json.dumps(callers)}
    after = DropEntries("gitlab", (("project_id", "4711"),), "My-Org/App").apply(environment)
    assert json.loads(after["CALLERS"]) == callers[1:]


def test_the_default_audience_is_not_written_so_that_it_can_change() -> None:
    own = GITLAB._replace(audience="own")
    assert json.loads(PutIssuer(GITLAB).apply({})["ISSUERS"])["gitlab"] == {"kind": "gitlab", "url": URL}
    assert json.loads(PutIssuer(own).apply({})["ISSUERS"])["gitlab"]["audience"] == "own"


@pytest.mark.parametrize(
    ("before", "theirs", "now", "merged"),
    [
        ("", "[1]", "", "[1]"),
        ("[1]", "[1, 2]", "[1, 3]", "[1, 3, 2]"),
        ("[1, 2]", "[2]", "[1, 2, 3]", "[2, 3]"),
        ("[1]", "", "[1]", ""),
        ("[1]", "[2]", "not json", "not json"),
        ("[1]", "{}", "[1]", "[1]"),
    ],
)
def test_a_deployment_keeps_the_entries_that_others_changed_meanwhile(
    before: str, theirs: str, now: str, merged: str
) -> None:
    changed = Replay({"CALLERS": before}, {"CALLERS": theirs} if theirs else {}, Edit())
    assert changed.apply({"CALLERS": now}).get("CALLERS", "") == merged


def test_a_deployment_keeps_an_issuer_that_was_removed_meanwhile_removed() -> None:
    changed = Replay(LISTED, {}, Edit())
    assert changed.apply(LISTED) == {}


KEY = {"kty": "RSA", "kid": "1", "n": "AQ", "e": "AQAB", "use": "sig", "alg": "RS256"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("nothing", "is not a JSON Web Key Set"),
        ([KEY], "is not a JSON Web Key Set"),
        ({"keys": []}, "is not a JSON Web Key Set"),
        ({"keys": [KEY | {"d": "c2VjcmV0"}]}, "is a private key"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}, "is a private key"),
        ({"keys": [{"kty": "OKP", "kid": "1"}]}, "not a key of kty RSA or EC"),
        ({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]}, "has no kid"),
        ({"keys": [KEY | {"x5c": "a"}]}, "which Google refuses"),
        ({"keys": [KEY | {"kid": 1}]}, "not a text"),
    ],
)
def test_a_key_set_that_google_would_refuse_is_named_before_the_upload(keys: object, message: str) -> None:
    text = keys if isinstance(keys, str) else json.dumps(keys)
    with pytest.raises(BadInput, match=message) as refused:
        read_key_set(text, "jwks.json")
    assert "c2VjcmV0" not in f"{refused.value.message}{refused.value.remedy}"


@given(st.text(max_size=200))
def test_a_key_set_is_refused_or_read_whatever_it_is(text: str) -> None:
    try:
        read_key_set(text, "f")
    except BadInput:
        assert canonical(canonical(text)) == canonical(text)


def test_a_key_set_has_one_spelling() -> None:
    assert read_key_set(json.dumps({"keys": [KEY]}, indent=4), "f") == canonical(json.dumps({"keys": [KEY]}))


def test_a_new_issuer_is_its_provider_first_then_the_environment_then_a_check() -> None:
    provider, environment, check = add_issuer(running(), WANTED)
    assert isinstance(provider, PutIssuerProvider)
    assert isinstance(environment, EditEnvironment)
    assert (provider.how, check) == (CREATE, CheckIssuerProviders(("gitlab",)))
    assert add_issuer(with_issuer(), WANTED) == []
    assert add_issuer(with_issuer(), IssuerSpec("gitlab")) == []


def test_what_others_changed_on_a_provider_is_set_right_by_name_alone() -> None:
    deleted = Provider(with_issuer().providers["ci-gitlab"].spec, DELETED)
    for state, how in (
        (with_issuer(condition="true"), UPDATE),
        (with_issuer(issuer="https://evil.example"), UPDATE),
        (replace(with_issuer(), providers={"ci-gitlab": deleted}), UNDELETE),
    ):
        step = add_issuer(state, IssuerSpec("gitlab"))[0]
        assert isinstance(step, PutIssuerProvider)
        assert step.how == how


def test_an_undeleted_provider_does_not_keep_the_key_set_it_had() -> None:
    spec = replace(issuer_provider("42", GITLAB, [entry()]), keys='{"keys":[]}')
    state = running()
    state = replace(state, providers={**state.providers, "ci-gitlab": Provider(spec, DELETED)})
    step = add_issuer(state, WANTED)[0]
    assert isinstance(step, PutIssuerProvider)
    assert step.spec.keys == ""
    assert any("--jwk-json-path /dev/null" in line for line in step.gcloud(PLACE))
    kept = add_issuer(with_issuer(keys="k", condition="x"), IssuerSpec("gitlab"))[0]
    assert isinstance(kept, PutIssuerProvider)
    assert (kept.spec.keys, "--jwk-json-path" in " ".join(kept.gcloud(PLACE))) == ("k", False)
    uploaded = add_issuer(with_issuer(), IssuerSpec("gitlab", keys=KeySet("k", "/a/jwks.json")))[0]
    assert "--jwk-json-path /a/jwks.json" in uploaded.gcloud(PLACE)[0]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (IssuerSpec("gitlab"), "The mint has no issuer 'gitlab' yet"),
        (IssuerSpec("gitlab", "gitlab", "http://gitlab.com"), "url must be the issuer's https URL"),
        (IssuerSpec("gh", "github", "https://ghes.example/_services/token"), "serves one GitHub"),
        (replace(WANTED, callers=({**FIELDS, "match": {"ref": "main"}},)), "must pin the project exactly"),
        (replace(WANTED, callers=({**FIELDS, "match": {"project_id": "47*"}},)), "without \\*"),
        (replace(WANTED, callers=({**FIELDS, "issuer": "other"},)), "names the issuer 'other'"),
        (replace(WANTED, callers=({**FIELDS, "as": "app"},)), "as: "),
        (replace(WANTED, callers=({**FIELDS, "level": "admin"},)), "is not a level of triage"),
    ],
)
def test_an_issuer_that_the_mint_or_google_would_refuse_is_not_planned(wanted: IssuerSpec, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        add_issuer(running(), wanted)


def test_what_an_entry_lacks_is_the_fix() -> None:
    with pytest.raises(BadInput) as refused:
        add_issuer(running(), replace(WANTED, callers=({**FIELDS, "match": {"ref": "main"}},)))
    assert refused.value.remedy == "add project_id, or namespace_id"


@pytest.mark.parametrize(
    "changed", [IssuerSpec("gitlab", url="https://gitlab.example"), IssuerSpec("gitlab", kind="buildkite")]
)
def test_an_issuers_name_does_not_pass_to_another_issuer(changed: IssuerSpec) -> None:
    """Its entries trust the jobs of the one that they were written for."""
    with pytest.raises(BadInput, match="its entries trust that one"):
        add_issuer(with_issuer(), changed)


def test_a_provider_that_others_made_for_another_issuer_is_not_taken_over() -> None:
    spec = replace(issuer_provider("42", GITLAB, []), issuer="https://other.example")
    with pytest.raises(BadInput, match=r"exists for the issuer https://other\.example"):
        add_issuer(replace(running(), providers={"ci-gitlab": Provider(spec)}), WANTED)
    assert add_issuer(replace(running(), providers={"ci-gitlab": Provider(spec, DELETED)}), WANTED)


def test_a_mint_without_a_pool_is_deployed_first() -> None:
    with pytest.raises(NotThere, match="pool fullsend-pool is missing"):
        add_issuer(replace(running(), pool=None), WANTED)


def test_the_mints_own_warnings_about_an_entry_are_shown_once() -> None:
    open_to_all = replace(WANTED, callers=({**FIELDS, "match": {"project_id": "1"}, "as": "other/app"},))
    before = running().environment
    [protected, owner] = environment.new_warnings(before, edit_for(before, open_to_all).apply(before))
    assert 'does not match ref_protected "true"' in protected
    assert "whose owner is not enrolled" in owner
    present = with_issuer().environment
    assert environment.new_warnings(present, edit_for(present, WANTED).apply(present)) == []


def test_an_issuer_goes_from_the_environment_first_and_its_provider_last() -> None:
    environment, provider = remove_issuer(with_issuer(), "gitlab")
    assert isinstance(environment, EditEnvironment)
    assert environment.changes == {"ISSUERS": "", "CALLERS": ""}
    assert provider == DeleteProvider("fullsend-pool", "ci-gitlab")
    assert remove_issuer(running(), "gitlab") == []


def test_entries_use_the_name_a_claim_was_given_with() -> None:
    fields = {**FIELDS, "match": {**MATCH, "ref": "refs/heads/main"}}
    state = running(ENVIRONMENT | LISTED | {"CALLERS": json.dumps([fields])})
    edit, [found] = entries_to_drop(state, "gitlab", {"ref": "refs/heads/main"}, "")
    assert found.match["ref_path"] == "refs/heads/main"
    environment, provider = remove_entries(state, edit)
    assert isinstance(environment, EditEnvironment)
    assert environment.changes == {"CALLERS": ""}
    assert isinstance(provider, PutIssuerProvider)
    assert provider.spec.condition == NOBODY
    with pytest.raises(NotThere, match="The mint has no issuer other"):
        entries_to_drop(state, "other", {}, "a/b")


def test_a_deployment_puts_the_providers_of_issuers_right_and_leaves_good_ones() -> None:
    assert deploy(with_issuer(), DeploymentSpec(), BUNDLE) == deploy(running(), DeploymentSpec(), BUNDLE)
    steps = deploy(with_issuer(condition="true"), DeploymentSpec(), BUNDLE)
    assert [step.how for step in steps if isinstance(step, PutIssuerProvider)] == [UPDATE]
    other = deploy(with_issuer(), DeploymentSpec(variables=(("OIDC_AUDIENCE", "other"),)), BUNDLE)
    [put] = [step for step in other if isinstance(step, PutIssuerProvider)]
    assert put.spec.audiences[0] == "other"
    assert CheckIssuerProviders() in other


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
