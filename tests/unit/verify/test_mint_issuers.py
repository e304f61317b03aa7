"""Several issuers at once: a token is checked with the keys, audience and algorithms of its own issuer alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fullsend_sandbox.job import Job as Workflow
from fullsend_sandbox.signing import SigningKey, new_ec_key
from mintcore.errors import InvalidToken
from mintcore.policy.caller import Job, WorkflowCaller
from tests.mint_doubles import new_attempt
from tests.unit.verify.issuers_world import JOBS, Issuers, fetches, segment

if TYPE_CHECKING:
    from fullsend_sandbox.ci.issuer import CIIssuer


def test_a_token_of_each_issuer_names_its_own_kind_of_claimant(issuers: Issuers) -> None:
    assert isinstance(issuers.check(issuers.github.token(Workflow())), WorkflowCaller)
    for kind in JOBS:
        found = issuers.check(issuers.ci[kind].token())
        assert isinstance(found, Job)
        assert (found.issuer, found.kind) == (kind, kind)


@pytest.mark.parametrize("kind", JOBS)
def test_a_forged_token_of_a_kind_is_refused(issuers: Issuers, kind: str) -> None:
    assert issuers.refused(issuers.ci[kind].forged_token()) == "the signature is not the issuer's"


@pytest.mark.parametrize("kind", JOBS)
def test_the_key_of_one_issuer_is_valid_for_no_other(issuers: Issuers, kind: str) -> None:
    """Each issuer signs what the other would: under its own key id, and under the other's."""
    own = issuers.ci[kind]
    others = [(issuers.github.claims(Workflow()), issuers.github.published_keys())]
    others += [(one.claims(), one.published_keys()) for one in issuers.ci if one is not own]
    for claims, published in others:
        assert issuers.refused(own.sign(claims)) == "the issuer has no key of the token's key id"
        kid = next(iter(published))
        renamed = jwt.encode(claims, own._keys._signing.private, algorithm="RS256", headers={"kid": kid})  # noqa: SLF001
        assert issuers.refused(renamed) == "the signature is not the issuer's"


def test_github_signs_for_no_other_issuer(issuers: Issuers) -> None:
    for kind in JOBS:
        token = issuers.github.sign(issuers.ci[kind].claims())
        assert issuers.refused(token) == "the issuer has no key of the token's key id"


@pytest.mark.parametrize(
    "iss",
    ["https://gitlab.com", "", None, ["x"], {"a": 1}, 7, True, "http://127.0.0.1", "\ud800", "x" * 2000],
)
def test_an_issuer_that_is_not_configured_is_refused(issuers: Issuers, iss: Any) -> None:
    claims = issuers.ci["gitlab"].claims() | {"iss": iss}
    token = f"{segment({'alg': 'RS256', 'kid': 'k'})}.{segment(claims)}.eA"
    before = [fetches(one) for one in issuers.ci]
    assert issuers.refused(token).startswith("issuer is ")
    assert [fetches(one) for one in issuers.ci] == before


@pytest.mark.parametrize("secret", ["eyJ" + "a" * 99 + ".eyJ" + "b" * 99 + ".c", "/" * 100 + " ghs_" + "A1b2" * 9])
def test_a_token_in_place_of_an_issuer_is_not_logged(issuers: Issuers, secret: str) -> None:
    claims = issuers.ci["gitlab"].claims() | {"iss": secret}
    detail = issuers.refused(f"{segment({'alg': 'RS256', 'kid': 'k'})}.{segment(claims)}.eA")
    assert ("<redacted>" in detail or "…" in detail, "eyJ" in detail, "ghs_" in detail) == (True, False, False)


def test_the_url_of_an_issuer_is_compared_as_it_is(issuers: Issuers) -> None:
    url = issuers.ci["gitlab"].issuer
    for other in (f"{url}/", url.upper(), f" {url}", f"{url}#", url.replace("127.0.0.1", "localhost")):
        assert issuers.refused(issuers.ci["gitlab"].token(iss=other)).startswith("issuer is ")


def with_header(issuer: CIIssuer, algorithm: str, signature: bytes = b"x") -> str:
    kid = next(iter(issuer.published_keys()))
    signed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{segment({'alg': algorithm, 'kid': kid})}.{segment(issuer.claims())}.{signed}"


@pytest.mark.parametrize("kind", JOBS)
@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS384", "RS512", "PS256", "ES384", "EdDSA", "rs256", ""])
def test_no_other_algorithm_is_accepted_from_any_kind(issuers: Issuers, kind: str, algorithm: str) -> None:
    detail = issuers.refused(with_header(issuers.ci[kind], algorithm))
    assert detail == "the token is not signed with RS256 or ES256"


@pytest.mark.parametrize("kind", JOBS)
def test_a_public_key_is_not_a_secret(issuers: Issuers, kind: str) -> None:
    kid, key = next(iter(issuers.ci[kind].published_keys().items()))
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{segment({'alg': 'HS256', 'kid': kid})}.{segment(issuers.ci[kind].claims())}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head.encode(), pem)
    issuers.refused(f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


@pytest.mark.parametrize("kind", ["gitlab", "buildkite", "circleci"])
def test_es256_is_accepted_from_clusters_alone(issuers: Issuers, kind: str) -> None:
    own = issuers.ci[kind]
    token = SigningKey(new_ec_key()).sign(own.claims(), next(iter(own.published_keys())))
    before = fetches(own)
    assert "is signed with ES256" in issuers.refused(token)
    assert fetches(own) == before
    github = SigningKey(new_ec_key()).sign(issuers.github.claims(Workflow()), "k")
    assert "is signed with ES256" in issuers.refused(github)


def test_a_mint_with_github_alone_does_not_know_es256(issuers: Issuers) -> None:
    verifier = issuers.standalone(issuers.issuers[0])
    token = SigningKey(new_ec_key()).sign(issuers.github.claims(Workflow()), "k")
    with pytest.raises(InvalidToken, match=r"not signed with RS256$"):
        verifier.check_locally(token, new_attempt(issuers.clock))
