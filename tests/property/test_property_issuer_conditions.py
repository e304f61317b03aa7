"""Google's condition and the mint's match agree about a token with any claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fullsend.operate.model.issuer_federation import condition, issuer_provider
from fullsend_sandbox.wif import CompiledProvider, Provider
from mintcore.policy.caller_entry import CallerEntry, value_matches
from mintcore.policy.claim_values import nested_claims, plain_claims
from mintcore.policy.names import Role, parse_repo
from mintcore.settings.issuers import parse_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = {
    "gitlab": ("project_id", "ref_path", "environment", "ref_protected"),
    "circleci": ("oidc.circleci.com/project-id", "oidc.circleci.com/vcs-ref"),
    "kubernetes": (
        "kubernetes.io/namespace",
        "kubernetes.io/serviceaccount/name",
        "kubernetes.io/serviceaccount/uid",
    ),
}
LETTERS = st.sampled_from("ab/'\\\"*. é|&(){}[]true$\n1")
TEXT = st.text(LETTERS, max_size=4)
ANYTHING = st.one_of(TEXT, st.integers(0, 12), st.booleans(), st.none(), st.just([]), st.just({"a": "b"}))


@pytest.fixture(autouse=True, scope="module")
def cel_has_raised_the_recursion_limit() -> None:
    """Compile once first: cel-python sets the limit, and hypothesis refuses a test that does."""
    CompiledProvider(Provider(provider_id="ci-any", issuer="https://i.example", attribute_condition="true"))


def values() -> st.SearchStrategy[str]:
    exact = TEXT.filter(lambda text: text.isprintable() and bool(text) and "*" not in text)
    return st.one_of(exact, exact.map(lambda text: f"{text}*"))


@st.composite
def cases(draw: st.DrawFn, claim_values: st.SearchStrategy[Any]) -> tuple[str, list[CallerEntry], dict[str, Any]]:
    """Draw a kind, entries, and the claims of a token, which often begin like a value of an entry."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    names = KINDS[kind]
    matches = draw(st.lists(st.dictionaries(st.sampled_from(names), values(), min_size=1), min_size=1, max_size=3))
    entries = [
        CallerEntry(number, kind, match, parse_repo("a/b"), (Role("coder"),), "", frozenset())
        for number, match in enumerate(matches)
    ]
    near = [value.rstrip("*") for match in matches for value in match.values()]
    chosen = st.one_of(claim_values, st.sampled_from(near), st.sampled_from(near).map(lambda text: f"{text}a"))
    return kind, entries, nested(draw(st.dictionaries(st.sampled_from(names), chosen)))


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return claims as a token has them: those of Kubernetes within one object."""
    claims: dict[str, Any] = {"sub": "x"}
    for name, value in flat.items():
        if not name.startswith("kubernetes.io/"):
            claims[name] = value
            continue
        *path, last = name.removeprefix("kubernetes.io/").split("/")
        inside = claims.setdefault("kubernetes.io", {})
        for part in path:
            inside = inside.setdefault(part, {})
        inside[last] = value
    return claims


def admitted_by_google(kind: str, entries: Sequence[CallerEntry], claims: Mapping[str, Any]) -> bool:
    text = condition(kind, entries)
    provider = Provider(provider_id="ci-any", issuer="https://i.example", attribute_condition=text)
    return CompiledProvider(provider).admits(claims, {"google.subject": "x"})


def admitted_by_the_mint(entries: Sequence[CallerEntry], claims: Mapping[str, Any]) -> bool:
    found = {**plain_claims(claims), **nested_claims(claims, "kubernetes.io")}
    return any(all(value_matches(found.get(claim), value) for claim, value in one.match.items()) for one in entries)


@given(cases(TEXT))
def test_google_admits_the_tokens_of_texts_that_an_entry_matches(
    case: tuple[str, list[CallerEntry], dict[str, Any]],
) -> None:
    kind, entries, claims = case
    assert admitted_by_google(kind, entries, claims) == admitted_by_the_mint(entries, claims)


@given(cases(ANYTHING))
def test_google_admits_no_token_that_no_entry_matches(case: tuple[str, list[CallerEntry], dict[str, Any]]) -> None:
    kind, entries, claims = case
    assume(not admitted_by_the_mint(entries, claims))
    assert not admitted_by_google(kind, entries, claims)


@given(st.sampled_from(sorted(KINDS)))
def test_an_issuer_without_entries_admits_nothing(kind: str) -> None:
    issuer = parse_issuer(kind, {"kind": kind, "url": "https://i.example"}, "fullsend-mint")
    spec = issuer_provider("42", issuer, [])
    provider = Provider(provider_id="ci-any", issuer=spec.issuer, attribute_condition=spec.condition)
    assert not CompiledProvider(provider).admits({"sub": "x", "project_id": "1"}, {"google.subject": "x"})
