"""What an install on GitHub is made of, and what a run of `setup` would change: pure decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.github.slots import Kind, Slot, Stored
from fullsend.operate.model.install import MINT_URL, PER_REPO, PROJECT, PROVIDER, REGION, Install
from fullsend.operate.model.install_review import State, review
from fullsend.operate.model.install_values import EXAMPLE_PROVIDER, checked, client_ids
from fullsend.operate.model.names import target
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.install_changes import changes, plan_set, plan_setup, plan_uninstall
from fullsend.operate.plan.steps.slot_steps import Action

ORG = Install(target("acme"))
REPO = Install(target("acme/app"))
URL = "https://mint.example"
GIVEN = {MINT_URL: URL, PROJECT: "ai-project", PROVIDER: EXAMPLE_PROVIDER}
CODER = "FULLSEND_CODER_CLIENT_ID"
ON_ORG = Slot("acme", Kind.VARIABLE, MINT_URL)


def home(name: str, kind: Kind = Kind.VARIABLE) -> Slot:
    return Slot("acme/.fullsend", kind, name)


def after(install: Install, values: dict[str, str]) -> dict[Slot, Stored]:
    """Return what GitHub would tell after a setup."""
    steps = plan_setup(install, values, {})
    return {s.slot: Stored(None if s.slot.kind is Kind.SECRET else s.value) for s in steps}


def test_an_organization_keeps_the_url_twice_and_everything_else_in_its_dot_repository() -> None:
    kept = after(ORG, {**GIVEN, CODER: "Iv23liAbCdEfGhIjKlMn"})
    assert {slot: entry.value for slot, entry in kept.items()} == {
        ON_ORG: URL,
        home(MINT_URL): URL,
        home(REGION): "global",
        home(CODER): "Iv23liAbCdEfGhIjKlMn",
        home(PROJECT, Kind.SECRET): None,
        home(PROVIDER, Kind.SECRET): None,
    }


def test_a_repository_keeps_everything_itself_and_says_that_it_stands_alone() -> None:
    kept = {(slot.holder, slot.kind.value, slot.name): entry.value for slot, entry in after(REPO, GIVEN).items()}
    assert kept == {
        ("acme/app", "variable", MINT_URL): URL,
        ("acme/app", "variable", REGION): "global",
        ("acme/app", "variable", PER_REPO): "true",
        ("acme/app", "secret", PROJECT): None,
        ("acme/app", "secret", PROVIDER): None,
    }


@pytest.mark.parametrize("install", [ORG, REPO])
def test_a_second_setup_changes_nothing(install: Install) -> None:
    assert changes(plan_setup(install, GIVEN, after(install, GIVEN))) == []


def test_a_setup_without_values_keeps_every_one_that_is_there() -> None:
    there = after(ORG, {**GIVEN, REGION: "us-east5"})
    assert changes(plan_setup(ORG, {}, there)) == []


def test_a_variable_that_differs_is_updated_and_the_copy_for_the_dot_repository_follows() -> None:
    there = after(ORG, GIVEN) | {ON_ORG: Stored("https://new.example")}
    [step] = changes(plan_setup(ORG, {}, there))
    assert (step.action, step.slot, step.value) == (Action.UPDATE, home(MINT_URL), "https://new.example")


def test_secrets_are_written_again_only_when_asked_for() -> None:
    steps = changes(plan_setup(REPO, GIVEN, after(REPO, GIVEN), rewrite_secrets=True))
    assert {(step.action, step.slot.name) for step in steps} == {
        (Action.REWRITE, PROJECT),
        (Action.REWRITE, PROVIDER),
    }


def test_a_value_that_is_neither_given_nor_there_is_asked_for_by_its_option() -> None:
    with pytest.raises(BadInput) as raised:
        plan_setup(ORG, {MINT_URL: URL}, {})
    assert raised.value.remedy == "Give --inference-project PROJECT --inference-wif-provider NAME"


def test_no_line_about_a_secret_holds_its_value() -> None:
    values = {**GIVEN, PROJECT: "private-project"}
    steps = plan_setup(ORG, values, {}) + plan_set(ORG, PROJECT, "private-project", after(ORG, values))
    assert "private-project" not in f"{steps!r} {[str(step) for step in steps]}"


@given(
    st.dictionaries(
        st.from_regex(r"(FULLSEND_)?[A-Z_]{1,12}(_CLIENT_ID|_PEM)?", fullmatch=True), st.sampled_from(Kind)
    )
)
def test_uninstall_removes_the_managed_names_and_no_others(found: dict[str, Kind]) -> None:
    others = {home(name, kind): Stored("x") for name, kind in found.items()}
    ours = after(ORG, {**GIVEN, CODER: "Iv23liAbCdEfGhIjKlMn"})
    removed = {step.slot for step in plan_uninstall(ORG, others | ours)}
    assert set(ours) <= removed
    assert all(ORG.manages(slot) for slot in removed)
    assert {s for s in removed - set(ours) if not s.name.endswith("_CLIENT_ID")} == set()


@pytest.mark.parametrize("name", ["NOPE", "FULLSEND_DISPATCH_TOKEN", PER_REPO, "FULLSEND__CLIENT_ID", "PATH"])
def test_set_refuses_a_name_that_an_organization_does_not_manage(name: str) -> None:
    with pytest.raises(BadInput, match="is not a name that an install on acme manages"):
        plan_set(ORG, name, "x", {})


def test_the_dot_repository_cannot_have_an_install_of_its_own() -> None:
    with pytest.raises(BadInput) as raised:
        Install(target("Acme/.FullSend"))
    assert "Acme" in raised.value.remedy


def test_status_tells_present_missing_different_and_stale_apart() -> None:
    there = after(ORG, GIVEN) | {home(MINT_URL): Stored("https://old.example")}
    del there[home(REGION)]
    there[home("FULLSEND_CODER_APP_PRIVATE_KEY", Kind.SECRET)] = Stored()
    there[Slot("acme", Kind.SECRET, "FULLSEND_DISPATCH_TOKEN")] = Stored()
    there[home("UNRELATED_PEM", Kind.SECRET)] = Stored()
    states = {(f.slot.holder, f.slot.name): f.state for f in review(ORG, {}, there)}
    assert states == {
        ("acme", MINT_URL): State.PRESENT,
        ("acme/.fullsend", MINT_URL): State.DIFFERENT,
        ("acme/.fullsend", REGION): State.MISSING,
        ("acme/.fullsend", PROJECT): State.PRESENT,
        ("acme/.fullsend", PROVIDER): State.PRESENT,
        ("acme/.fullsend", "FULLSEND_CODER_APP_PRIVATE_KEY"): State.STALE,
        ("acme", "FULLSEND_DISPATCH_TOKEN"): State.STALE,
        ("acme/.fullsend", "FULLSEND_{ROLE}_CLIENT_ID"): State.MISSING,
    }


def test_an_organization_without_any_client_id_is_not_healthy_and_the_fix_adds_one() -> None:
    (finding,) = [f for f in review(ORG, {}, after(ORG, GIVEN)) if f.state is not State.PRESENT]
    assert finding.fix == "fullsend github setup acme --client-id ROLE=CLIENT_ID"
    with_one = after(ORG, {**GIVEN, CODER: "Iv23liAbCdEfGhIjKlMn"})
    assert all(f.state is State.PRESENT for f in review(ORG, {}, with_one))
    assert all(f.state is State.PRESENT for f in review(REPO, {}, after(REPO, GIVEN)))


def test_the_fix_for_a_missing_client_id_sets_it() -> None:
    given_id = {CODER: "Iv23liAbCdEfGhIjKlMn"}
    (finding,) = [f for f in review(ORG, given_id, after(ORG, GIVEN)) if f.state is not State.PRESENT]
    assert finding.fix == "fullsend github setup acme --client-id coder=Iv23liAbCdEfGhIjKlMn"


def test_the_mints_own_pool_is_refused_as_the_inference_provider() -> None:
    with pytest.raises(BadInput, match="the mint's own pool") as refused:
        checked(PROVIDER, EXAMPLE_PROVIDER.replace("fullsend-inference", "fullsend-pool"))
    assert "fullsend inference provision" in refused.value.remedy


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        (PROVIDER, f"//iam.googleapis.com/{EXAMPLE_PROVIDER}", "audience"),
        (PROVIDER, EXAMPLE_PROVIDER.replace("123456789012", "my-project"), "number"),
        (PROVIDER, "github-oidc", "resource name"),
        (PROVIDER, EXAMPLE_PROVIDER + "\n", "resource name"),
        (PROVIDER, EXAMPLE_PROVIDER.replace("123456789012", "1２3"), "number"),  # noqa: RUF001 - a look-alike digit
        (MINT_URL, "http://mint.example", "https://"),
        (MINT_URL, "https://user:pw@mint.example", "password"),
        (PROJECT, "123456789012", "project id"),
        (REGION, "mars", "region"),
        (PER_REPO, "false", "true"),
        (CODER, "700001", "App ID"),
    ],
)
def test_a_malformed_value_is_refused_with_what_it_is_instead(name: str, value: str, hint: str) -> None:
    with pytest.raises(BadInput) as raised:
        checked(name, value)
    assert hint in raised.value.message


@pytest.mark.parametrize(
    "pairs", [["coder"], ["Coder=Iv23liAbCdEfGhIjKlMn"], ["a-b=Iv1.0123456789abcdef", "a_b=Iv1.0123456789abcdef"]]
)
def test_client_ids_need_a_role_each_and_a_variable_of_their_own(pairs: list[str]) -> None:
    with pytest.raises(BadInput):
        client_ids(pairs)


@given(st.text(max_size=200))
def test_any_provider_name_is_taken_as_it_is_or_refused(text: str) -> None:
    try:
        assert checked(PROVIDER, text) == text
    except BadInput:
        assert text != EXAMPLE_PROVIDER
