"""Key sets and plans of issuers, without any network."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.model import environment
from fullsend.operate.model.federation import DELETED, Provider
from fullsend.operate.model.issuer_federation import NOBODY, issuer_provider
from fullsend.operate.model.key_sets import canonical, read_key_set
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.deployment import deploy
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
from tests.unit.operate.issuer_values import FIELDS, GITLAB, LISTED, MATCH, WANTED, entry, with_issuer
from tests.unit.operate.plan_values import BUNDLE, ENVIRONMENT, PLACE, running

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
        ({"keys": [KEY | {"kid": 1}]}, "not a string"),
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
    with pytest.raises(BadInput, match="its entries depend on it"):
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
