"""Several issuers at once: a token is checked with the keys, audience and algorithms of its own issuer alone."""

from __future__ import annotations

import base64
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fullsend_sandbox import names
from fullsend_sandbox.ci import KINDS as SANDBOX_KINDS
from fullsend_sandbox.ci import CISystems
from fullsend_sandbox.ci.gitlab import GitLabJob
from fullsend_sandbox.issuer import Issuer as GitHub
from fullsend_sandbox.job import Job as Workflow
from fullsend_sandbox.keys import KeyPool, new_key
from fullsend_sandbox.signing import SigningKey, new_ec_key
from fullsend_sandbox.sts import SecurityTokenService as SandboxSts
from fullsend_sandbox.wif import Federation
from mintcore.errors import InvalidToken, IssuerUnavailable, MintError, ProviderMisconfigured
from mintcore.outbound.channel import Outbound
from mintcore.policy.caller import Job, WorkflowCaller
from mintcore.policy.claims import Proof, SignedClaims, UnprovenClaims
from mintcore.policy.issuers import Issuer
from mintcore.policy.kinds.table import KINDS
from mintcore.settings.environment import ConfigurationError
from mintcore.startup.issuers import read_key_files, trust_issuers
from mintcore.verify.chain import HostedVerifier, StandaloneVerifier
from mintcore.verify.jwks import UNKNOWN_KEY_SECONDS
from mintcore.verify.sts import SecurityTokenService
from tests.mint_doubles import AUDIENCE, FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fullsend_sandbox.ci.issuer import CIIssuer

JOBS = ("gitlab", "buildkite", "circleci", "kubernetes")
THREADS = 8


@dataclass
class Issuers:
    """GitHub's issuer and one of each kind on loopback, and the mint's verifiers of both modes."""

    keys: KeyPool
    clock: FakeClock = field(default_factory=FakeClock)
    fetch_seconds: float = 3.0

    def __post_init__(self) -> None:
        self.federation = Federation(names.PROJECT_NUMBER)
        self.federation.create_pool(names.POOL)
        self.github = GitHub(clock=self.clock.now, make_key=self.keys.next_key).start()
        self.ci = CISystems(self.federation, clock=self.clock.now, make_key=self.keys.next_key)
        for kind in JOBS:
            self.ci.add(kind)
        self.sts = SandboxSts(self.federation, self.ci.keys_of, clock=self.clock.now).start()
        self.issuers = [
            Issuer("", KINDS["github"], self.github.url, AUDIENCE),
            *(Issuer(kind, KINDS[kind], self.ci[kind].issuer, AUDIENCE) for kind in JOBS),
        ]
        self.verifier = self.standalone()

    def stop(self) -> None:
        for service in (self.github, self.ci, self.sts):
            service.stop()

    def standalone(self, *issuers: Issuer, **files: Any) -> StandaloneVerifier:
        trusted = trust_issuers(
            issuers or self.issuers,
            files,
            Outbound(self.clock, connections=2),
            self.clock,
            fetch_seconds=self.fetch_seconds,
            threads=THREADS,
        )
        return StandaloneVerifier(trusted, self.clock)

    def hosted(self, *, overlap: bool = False) -> HostedVerifier:
        outbound = Outbound(self.clock, connections=2)
        trusted = trust_issuers(self.issuers, {}, outbound, self.clock, fetch_seconds=3, threads=THREADS)
        channel = outbound.channel("sts", self.sts.url)
        sts = SecurityTokenService(channel, project_number=names.PROJECT_NUMBER, pool=names.POOL)
        return HostedVerifier(
            trusted, sts, self.clock, provider_for=lambda claimant: f"ci-{claimant.issuer}", overlap=overlap
        )

    def check(self, token: str) -> Job | WorkflowCaller:
        return self.verifier.check_locally(token, new_attempt(self.clock)).caller

    def refused(self, token: str) -> str:
        with pytest.raises(InvalidToken) as refused:
            self.check(token)
        return refused.value.detail


@pytest.fixture(scope="module")
def pool() -> Iterator[KeyPool]:
    made = KeyPool(ahead=6)
    yield made
    made.close()


@pytest.fixture
def issuers(pool: KeyPool) -> Iterator[Issuers]:
    pool.rewind()
    made = Issuers(pool)
    yield made
    made.stop()


def fetches(issuer: CIIssuer | GitHub) -> int:
    return issuer.traffic.count(path_prefix="/", method="GET")


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
def test_the_key_of_one_issuer_is_good_for_no_other(issuers: Issuers, kind: str) -> None:
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


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


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


def jwks(*keys: SigningKey, **changes: Any) -> dict[str, Any]:
    return {"keys": [key.jwk() | changes for key in keys]}


RSA_KEY, EC_KEY = SigningKey(new_key()), SigningKey(new_ec_key())
CLUSTER = Issuer("cluster", KINDS["kubernetes"], "https://cluster.test", AUDIENCE, "jwks.json")


def in_file(issuers: Issuers, directory: Path, document: Any, issuer: Issuer = CLUSTER) -> StandaloneVerifier:
    path = directory / "jwks.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    placed = Issuer(issuer.name, issuer.kind, issuer.url, issuer.audience, str(path))
    return issuers.standalone(issuers.issuers[0], placed, **read_key_files([issuers.issuers[0], placed]))


def cluster_claims(issuers: Issuers) -> dict[str, Any]:
    return SANDBOX_KINDS["kubernetes"](clock=issuers.clock.now, issuer=CLUSTER.url, make_key=new_ec_key).claims()


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS256", "ES256"])
def test_a_cluster_that_cannot_be_reached_has_its_keys_in_a_file(
    issuers: Issuers, tmp_path: Path, key: SigningKey
) -> None:
    verifier = in_file(issuers, tmp_path, jwks(RSA_KEY, EC_KEY))
    claims = cluster_claims(issuers)
    found = verifier.check_locally(key.sign(claims), new_attempt(issuers.clock)).caller
    assert isinstance(found, Job)
    assert found.project == "builds/minter"
    for forged in (
        SigningKey(new_key() if key is RSA_KEY else new_ec_key()).sign(claims, key.kid),
        # The other algorithm under this key's id: the key decides, not the header.
        (EC_KEY if key is RSA_KEY else RSA_KEY).sign(claims, key.kid),
        key.sign(claims, "unknown"),
    ):
        with pytest.raises(InvalidToken):
            verifier.check_locally(forged, new_attempt(issuers.clock))


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x01" * 63, b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_an_invalid_es256_signature_is_refused(issuers: Issuers, tmp_path: Path, signature: bytes) -> None:
    verifier = in_file(issuers, tmp_path, jwks(EC_KEY))
    head = f"{segment({'alg': 'ES256', 'kid': EC_KEY.kid})}.{segment(cluster_claims(issuers))}"
    signed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        verifier.check_locally(f"{head}.{signed}", new_attempt(issuers.clock))


def test_two_issuers_with_one_key_id_are_kept_apart(issuers: Issuers, tmp_path: Path) -> None:
    first, second = SigningKey(new_key()), SigningKey(new_key())
    placed = []
    for name, key in (("one", first), ("two", second)):
        path = tmp_path / name
        path.write_text(json.dumps(jwks(key, kid="same")), encoding="utf-8")
        placed.append(Issuer(name, KINDS["gitlab"], f"https://{name}.test", AUDIENCE, str(path)))
    verifier = issuers.standalone(*placed, **read_key_files(placed))
    claims = issuers.ci["gitlab"].claims()
    for issuer, key in (("one", first), ("two", second)):
        own = claims | {"iss": f"https://{issuer}.test"}
        found = verifier.check_locally(key.sign(own, "same"), new_attempt(issuers.clock)).caller
        assert found.issuer == issuer
        other = second if key is first else first
        with pytest.raises(InvalidToken, match="signature"):
            verifier.check_locally(other.sign(own, "same"), new_attempt(issuers.clock))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"keys": []}', "no usable key"),
        ("x" * (1024 * 1024 + 1), "larger than 1 MiB"),
        (jwks(EC_KEY, use="enc"), "no usable key"),
        (jwks(EC_KEY, alg="ES384"), "no usable key"),
        (jwks(EC_KEY, kid=""), "no usable key"),
        (jwks(EC_KEY, crv="P-384"), "no usable key"),
        (jwks(EC_KEY, x="AA"), "no usable key"),
        (jwks(RSA_KEY, alg="ES256"), "no usable key"),
        (jwks(SigningKey(rsa.generate_private_key(65537, 1024))), "no usable key"),  # noqa: S505 - that is the case
        ({"keys": [{"kty": "oct", "kid": "k", "k": "AAAA", "alg": "HS256"}]}, "no usable key"),
        ({"keys": [{"kty": ["EC"], "kid": "k"}]}, "no usable key"),
    ],
    # Keys are random, and every process must give a case the same name.
    ids=[
        "empty",
        "a list",
        "no keys",
        "too large",
        "for encryption",
        "ES384",
        "no kid",
        "P-384",
        "a short coordinate",
        "RSA for ES256",
        "1,024 bits",
        "a secret",
        "kty is a list",
    ],
)
def test_a_file_without_usable_keys_stops_the_start(
    issuers: Issuers, tmp_path: Path, document: Any, why: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        in_file(issuers, tmp_path, document)
    (problem,) = refused.value.problems
    assert problem.startswith(
        f'ISSUERS has for "cluster" the jwks_file {tmp_path}/jwks.json, which cannot be used: '
    )
    assert why in problem


def test_every_file_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    missing = [Issuer(name, KINDS["gitlab"], f"https://{name}.test", "a", str(tmp_path / name)) for name in "ab"]
    with pytest.raises(ConfigurationError) as refused:
        read_key_files(missing)
    assert len(refused.value.problems) == 2
    assert all("No such file" in problem for problem in refused.value.problems)


def test_an_ec_key_is_not_used_for_an_issuer_that_signs_with_rs256(issuers: Issuers, tmp_path: Path) -> None:
    gitlab = Issuer("cluster", KINDS["gitlab"], "https://cluster.test", AUDIENCE)
    with pytest.raises(ConfigurationError, match="no usable key"):
        in_file(issuers, tmp_path, jwks(EC_KEY), gitlab)


def test_another_curve_than_p_256_is_not_used_for_es256(issuers: Issuers, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    document = {"keys": [jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "k"}]}
    with pytest.raises(ConfigurationError, match="no usable key"):
        in_file(issuers, tmp_path, document)


def test_an_unknown_key_id_fetches_the_keys_of_its_own_issuer_alone(issuers: Issuers) -> None:
    for kind in JOBS:
        issuers.check(issuers.ci[kind].token())
    issuers.check(issuers.github.token(Workflow()))
    issuers.clock.advance(UNKNOWN_KEY_SECONDS + 1)
    before = {kind: fetches(issuers.ci[kind]) for kind in JOBS}
    hub = fetches(issuers.github)
    stranger = SigningKey(new_key())
    for _ in range(3):
        issuers.refused(stranger.sign(issuers.ci["gitlab"].claims()))
    after = {kind: fetches(issuers.ci[kind]) for kind in JOBS}
    assert after == before | {"gitlab": before["gitlab"] + 2}
    assert fetches(issuers.github) == hub


def test_an_issuer_that_rotates_its_key_is_followed(issuers: Issuers) -> None:
    issuers.check(issuers.ci["gitlab"].token())
    issuers.clock.advance(UNKNOWN_KEY_SECONDS + 1)
    issuers.ci["gitlab"].rotate_key()
    assert isinstance(issuers.check(issuers.ci["gitlab"].token()), Job)


def test_an_issuer_that_is_down_stops_only_its_own_jobs(issuers: Issuers) -> None:
    token = issuers.ci["gitlab"].token()
    issuers.ci["gitlab"].stop()
    with pytest.raises(IssuerUnavailable):
        issuers.check(token)
    assert isinstance(issuers.check(issuers.ci["kubernetes"].token()), Job)
    assert isinstance(issuers.check(issuers.github.token(Workflow())), WorkflowCaller)


def test_the_clock_follows_github_and_no_other_issuer(issuers: Issuers) -> None:
    issuers.check(issuers.ci["gitlab"].token())
    assert (issuers.clock.observed, issuers.clock.witnessed) == ([], [])
    issuers.check(issuers.github.token(Workflow()))
    assert len(issuers.clock.observed) == 2
    assert issuers.clock.witnessed


def test_a_job_from_the_future_does_not_turn_the_clock(issuers: Issuers) -> None:
    later = int(issuers.clock.now()) + 600
    assert "in the future" in issuers.refused(issuers.ci["circleci"].token(iat=later, exp=later + 300))
    assert issuers.clock.witnessed == []


@pytest.mark.parametrize("kind", JOBS)
def test_hosted_google_has_the_last_word_at_the_issuers_provider(issuers: Issuers, kind: str) -> None:
    verifier, token = issuers.hosted(), issuers.ci[kind].token()
    examined = verifier.check_locally(token, new_attempt(issuers.clock))
    assert isinstance(examined, SignedClaims)
    genuine = verifier.confirm(token, examined, new_attempt(issuers.clock))
    assert (genuine.proof, genuine.caller.issuer) == (Proof.SIGNATURE_AND_STS, kind)
    issuers.ci.put_provider(kind, attribute_condition="false")
    with pytest.raises(ProviderMisconfigured, match=f"at provider ci-{kind}") as refused:
        verifier.confirm(token, examined, new_attempt(issuers.clock))
    # Its condition has not followed CALLERS: only the operator can change that.
    assert "the mint's operator" in refused.value.public
    unproven = UnprovenClaims(examined.caller)
    with pytest.raises(InvalidToken) as unknown:
        verifier.confirm(token, unproven, new_attempt(issuers.clock))
    assert unknown.value.public == InvalidToken.sentence


def test_hosted_without_an_issuers_keys_its_own_provider_decides(issuers: Issuers) -> None:
    verifier = issuers.hosted()
    forged = issuers.ci["gitlab"].forged_token()
    crossed = issuers.ci["kubernetes"].sign(issuers.ci["gitlab"].claims())
    issuers.ci["gitlab"].stop()
    for token in (forged, crossed):
        examined = verifier.check_locally(token, new_attempt(issuers.clock))
        assert isinstance(examined, UnprovenClaims)
        with pytest.raises(MintError):
            verifier.confirm(token, examined, new_attempt(issuers.clock))


def test_an_acceptance_is_that_of_a_project_at_its_issuer(issuers: Issuers) -> None:
    verifier = issuers.hosted(overlap=True)

    def examined(kind: str, job: Any = None) -> SignedClaims:
        found = verifier.check_locally(issuers.ci[kind].token(job), new_attempt(issuers.clock))
        assert isinstance(found, SignedClaims)
        return found

    token = issuers.ci["gitlab"].token()
    verifier.confirm(token, examined("gitlab"), new_attempt(issuers.clock))
    assert not verifier.may_overlap(examined("gitlab", GitLabJob(project_id="9")))
    assert not verifier.may_overlap(examined("kubernetes"))
    assert verifier.may_overlap(examined("gitlab"))
    assert not verifier.may_overlap(examined("gitlab"))


def test_a_cluster_whose_date_is_wrong_does_not_move_the_clock(issuers: Issuers) -> None:
    old = formatdate(issuers.clock.now() - 700, usegmt=True)

    def script(number: int) -> list[bytes]:
        head = peer.requests[number].split(b"\r\n")[0]
        document: Any = {"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}
        return [answer(200, json.dumps(document if b"well-known" in head else jwks(RSA_KEY)).encode(), Date=old)]

    peer = Peer(script)
    with peer:
        verifier = issuers.standalone(Issuer("k8s", KINDS["kubernetes"], peer.url, AUDIENCE))
        token = RSA_KEY.sign(cluster_claims(issuers) | {"iss": peer.url})
        assert verifier.check_locally(token, new_attempt(issuers.clock)).caller.issuer == "k8s"
    assert issuers.clock.observed == []


def hanging(hangs: Callable[[bytes], bool], key: SigningKey) -> Peer:
    """Return an issuer that publishes ``key``, and never answers the requests that ``hangs`` picks."""

    def script(number: int) -> list[bytes | float | None]:
        head = peer.requests[number].split(b"\r\n")[0]
        if hangs(head):
            return [60.0]
        document: Any = {"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}
        return [answer(200, json.dumps(document if b"well-known" in head else jwks(key)).encode())]

    peer = Peer(script)
    return peer


def unsigned(url: str, number: int) -> str:
    return f"{segment({'alg': 'RS256', 'kid': f'x{number}'})}.{segment({'iss': url, 'iat': 1})}.eHg"


def flood(verifier: StandaloneVerifier, tokens: list[str], genuine: str, clock: FakeClock) -> Job | WorkflowCaller:
    """Send ``tokens`` and then ``genuine`` to a mint with THREADS threads, and return its caller within 5 s."""

    def check(token: str) -> None:
        with contextlib.suppress(MintError):
            verifier.check_locally(token, new_attempt(clock))

    threads = ThreadPoolExecutor(THREADS)
    try:
        for token in tokens:
            threads.submit(check, token)
        return threads.submit(verifier.check_locally, genuine, new_attempt(clock)).result(5).caller
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def test_strangers_who_name_an_issuer_that_hangs_do_not_stop_githubs_jobs(issuers: Issuers) -> None:
    issuers.fetch_seconds = 20.0
    with hanging(lambda _head: True, RSA_KEY) as peer:
        slow = Issuer("slow", KINDS["gitlab"], peer.url, AUDIENCE)
        verifier = issuers.standalone(issuers.issuers[0], slow)
        strangers = [unsigned(peer.url, number) for number in range(100)]
        genuine = issuers.github.token(Workflow())
        assert isinstance(flood(verifier, strangers, genuine, issuers.clock), WorkflowCaller)


def test_strangers_with_invented_key_ids_do_not_stop_githubs_jobs_while_github_hangs(issuers: Issuers) -> None:
    loaded: list[bool] = []
    issuers.fetch_seconds = 20.0
    with hanging(lambda _head: bool(loaded), RSA_KEY) as peer:
        verifier = issuers.standalone(Issuer("", KINDS["github"], peer.url, AUDIENCE))
        named = issuers.github.claims(Workflow()) | {"iss": peer.url}
        genuine = RSA_KEY.sign(named)
        assert isinstance(verifier.check_locally(genuine, new_attempt(issuers.clock)).caller, WorkflowCaller)
        loaded.append(True)
        stranger = SigningKey(new_key())
        strangers = [stranger.sign(named, f"x{number}") for number in range(100)]
        assert isinstance(flood(verifier, strangers, genuine, issuers.clock), WorkflowCaller)


def test_jobs_that_start_while_the_keys_are_fetched_wait_for_them(issuers: Issuers) -> None:
    genuine = issuers.github.token(Workflow())
    strangers = [genuine] * (THREADS // 2 - 1)
    verifier = issuers.standalone(issuers.issuers[0])
    assert isinstance(flood(verifier, strangers, genuine, issuers.clock), WorkflowCaller)
