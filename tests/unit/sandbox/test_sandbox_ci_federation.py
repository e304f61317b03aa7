from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from fullsend_sandbox import names
from fullsend_sandbox.ci import KINDS, CISystems, GitLabJob
from fullsend_sandbox.keys import KeyPool, new_key
from fullsend_sandbox.signing import SigningKey, new_ec_key
from fullsend_sandbox.sts import SecurityTokenService
from fullsend_sandbox.uploaded_keys import InvalidProviderError, uploaded_keys
from fullsend_sandbox.wif import Federation

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_900_000_000
CLUSTER = "https://kubernetes.default.svc.cluster.local"
FORM = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}


class Google:
    """A pool, and a token service that knows the issuers of the CI systems in `ci`."""

    def __init__(self, keys: KeyPool) -> None:
        self.federation = Federation(names.PROJECT_NUMBER)
        self.federation.create_pool(names.POOL)
        self.ci = CISystems(self.federation, clock=lambda: NOW, make_key=keys.next_key)
        self.sts = SecurityTokenService(self.federation, self.ci.keys_of, clock=lambda: NOW)

    def exchange(self, provider: str, token: str) -> tuple[int, str]:
        """Return the status and the error code of an exchange at a provider."""
        fields = FORM | {
            "audience": self.federation.resource(names.POOL, provider),
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "subject_token": token,
        }
        answer = Client(self._app).post(
            "/v1/token", data=urlencode(fields), content_type="application/x-www-form-urlencoded"
        )
        body = answer.get_json()
        return answer.status_code, body.get("error", "")

    def _app(self, environ: Any, start_response: Any) -> Any:
        response = self.sts.answer(Request(environ), b"")
        assert response is not None
        return response(environ, start_response)


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyPool]:
    pool = KeyPool(ahead=4)
    yield pool
    pool.close()


@pytest.fixture
def google(keys: KeyPool) -> Iterator[Google]:
    keys.rewind()
    made = Google(keys)
    yield made
    made.ci.stop()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_google_exchanges_the_token_of_each_kind(google: Google, kind: str) -> None:
    issuer = google.ci.add(kind)
    assert google.exchange(f"ci-{kind}", issuer.token()) == (200, "")
    assert google.exchange(f"ci-{kind}", issuer.forged_token()) == (400, "invalid_grant")


def test_google_refuses_a_project_that_the_condition_does_not_admit(google: Google) -> None:
    issuer = google.ci.add("gitlab")
    recycled = issuer.token(GitLabJob(project_id="4712"))
    assert google.exchange("ci-gitlab", recycled) == (401, "unauthorized_client")


def test_google_refuses_a_token_at_another_issuers_provider(google: Google) -> None:
    first, second = google.ci.add("gitlab"), google.ci.add("gitlab", "other")
    assert google.exchange("ci-other", first.token()) == (400, "invalid_grant")
    assert google.exchange("ci-other", first.token(iss=second.issuer)) == (400, "invalid_grant")
    assert google.exchange("ci-other", second.token()) == (200, "")


@pytest.mark.parametrize("make_key", [new_key, new_ec_key], ids=["RS256", "ES256"])
def test_google_verifies_with_uploaded_keys_where_it_cannot_reach_the_issuer(google: Google, make_key: Any) -> None:
    cluster = google.ci.add("kubernetes", issuer=CLUSTER, make_key=make_key)
    assert google.exchange("ci-kubernetes", cluster.token()) == (200, "")
    google.ci.put_provider("kubernetes", jwks="")
    assert google.exchange("ci-kubernetes", cluster.token()) == (400, "invalid_grant")


def test_uploaded_keys_do_not_follow_a_rotation(google: Google) -> None:
    cluster = google.ci.add("kubernetes", issuer=CLUSTER)
    cluster.rotate_key()
    assert google.exchange("ci-kubernetes", cluster.token()) == (400, "invalid_grant")
    google.ci.put_provider("kubernetes")
    assert google.exchange("ci-kubernetes", cluster.token()) == (200, "")


def test_a_name_is_taken_only_once(google: Google) -> None:
    google.ci.add("gitlab")
    with pytest.raises(ValueError, match="already"):
        google.ci.add("gitlab")


def test_the_mints_settings_name_each_issuer_and_one_entry_for_its_default_job(google: Google) -> None:
    assert google.ci.mint_environment() == {}
    cluster = google.ci.add("kubernetes", "cluster", issuer=CLUSTER)
    settings = google.ci.mint_environment("octo-org/docs", ("triage", "review"))
    assert json.loads(settings["ISSUERS"]) == {"cluster": {"kind": "kubernetes", "url": CLUSTER}}
    entry = {
        "issuer": "cluster",
        "match": dict(cluster.match),
        "as": "octo-org/docs",
        "roles": ["triage", "review"],
    }
    assert json.loads(settings["CALLERS"]) == [entry]


def jwks(**changes: Any) -> str:
    jwk = SigningKey(new_ec_key()).jwk() | changes
    return json.dumps({"keys": [{name: value for name, value in jwk.items() if value is not None}]})


def test_uploaded_keys_are_known_by_their_id() -> None:
    assert list(uploaded_keys(jwks(kid="one"))) == ["one"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": []}',
        '{"keys": {}}',
        '{"keys": ["x"]}',
        "[" * 100_000,
        jwks(kty="oct"),
        jwks(kid=None),
        jwks(use="enc"),
        jwks(alg="RS256"),
        jwks(x5c="extra"),
        jwks(d="private"),
        jwks(x="AAAA"),
        json.dumps({"keys": json.loads(jwks())["keys"] * 9}),
    ],
    # Keys are random, and every process must give a case the same name.
    ids=[
        "empty",
        "a list",
        "no key set",
        "no keys",
        "an object of keys",
        "a text",
        "nested without end",
        "a secret",
        "no kid",
        "for encryption",
        "RS256 for EC",
        "another member",
        "private",
        "a short coordinate",
        "too many",
    ],
)
def test_google_refuses_a_key_set_that_it_does_not_document(text: str) -> None:
    with pytest.raises(InvalidProviderError):
        uploaded_keys(text)
