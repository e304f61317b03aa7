"""The condition of a provider: what an entry becomes, and what is not written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model.issuer_federation import NOBODY, condition, issuer_provider
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.kinds.table import KINDS
from mintcore.settings.issuers import parse_issuer
from tests.unit.operate.issuer_values import GITLAB, MATCH, entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.issuers import Issuer
UUID = "3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5c"


def of_kind(kind: str) -> Issuer:
    return parse_issuer(kind, {"kind": kind, "url": "https://issuer.example"}, "fullsend-mint")


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
