"""The JWTs of an App: their claims, how long they serve, and when they are made anew."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import jwt
import pytest

from fullsend_sandbox.keys import new_key
from mintcore.errors import InvalidRoleKey, KeyUnavailable, RoleKeyMissing
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.rsa import RsaSigner
from mintcore.policy.names import Role
from mintcore.policy.roles import App
from mintcore.secret import Secret
from tests.mint_doubles import NOW, FakeClock, ManualHelpers, OneSigner, new_attempt
from tests.unit.keys.key_values import CODER

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from mintcore.ports import Signer

APP = App("12345", CODER)


class Jwts:
    """App JWTs of one key, and the store they come from."""

    def __init__(self, clock: FakeClock, signer: Signer) -> None:
        self.clock = clock
        self.store = OneSigner(signer)
        self.jwts = AppJwts(self.store, clock)

    def text(self, app: App = APP) -> str:
        return self.jwts.assertion(app, new_attempt(self.clock)).reveal()


@pytest.fixture
def jwts(clock: FakeClock, key: rsa.RSAPrivateKey) -> Jwts:
    return Jwts(clock, RsaSigner(key))


def test_an_app_jwt_is_what_github_asks_for(jwts: Jwts, key: rsa.RSAPrivateKey) -> None:
    text = jwts.text()
    off = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(text, key.public_key(), algorithms=["RS256"], options=off)  # type: ignore[arg-type]
    assert claims == {"iss": "12345", "iat": int(NOW) - 60, "exp": int(NOW) + 540}
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "typ": "JWT"}


def test_an_app_jwt_is_reused_for_five_minutes(jwts: Jwts, clock: FakeClock) -> None:
    first = jwts.text()
    clock.advance(299)
    assert jwts.text() == first
    clock.advance(1)
    assert jwts.text() != first
    assert jwts.store.asked == 2


def test_with_helpers_a_jwt_is_renewed_while_the_old_one_serves(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store, helpers = OneSigner(RsaSigner(key)), ManualHelpers()
    jwts = AppJwts(store, clock, helpers)

    def text() -> str:
        return jwts.assertion(APP, new_attempt(clock)).reveal()

    first = text()
    clock.advance(299)
    assert (text(), store.asked) == (first, 1)
    clock.advance(2)
    assert (text(), store.asked) == (first, 1)
    helpers.run()
    assert (text() != first, store.asked) == (True, 2)


def test_jwts_of_the_last_hour_are_renewed_without_a_request(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store, helpers = OneSigner(RsaSigner(key)), ManualHelpers()
    jwts = AppJwts(store, clock, helpers)
    first = jwts.assertion(APP, new_attempt(clock))
    rounds = 0
    for expected in range(1, 13):  # an hour, with a renewal after every five minutes
        for _ in range(5):
            clock.advance(60)
            rounds += 1
            jwts.renew_used({CODER}, new_attempt(clock))
        helpers.run()
        assert store.asked == 1 + expected
    assert rounds == 60
    clock.advance(60)
    jwts.renew_used({CODER}, new_attempt(clock))
    renewed = jwts.assertion(APP, new_attempt(clock))
    assert (renewed is first, store.asked) == (False, 13)


def test_jwts_of_other_roles_and_of_unused_apps_are_not_renewed(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store, helpers = OneSigner(RsaSigner(key)), ManualHelpers()
    jwts = AppJwts(store, clock, helpers)
    jwts.renew_used({CODER}, new_attempt(clock))
    assert store.asked == 0
    jwts.assertion(APP, new_attempt(clock))
    clock.advance(540)
    jwts.renew_used({Role("triage")}, new_attempt(clock))
    clock.advance(3061)
    jwts.renew_used({CODER}, new_attempt(clock))
    helpers.run()
    assert store.asked == 1


def test_a_renewal_that_fails_is_left_to_the_next_request(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock)
    jwts.assertion(APP, new_attempt(clock))
    store.failure = KeyUnavailable(detail="down")
    clock.advance(540)
    jwts.renew_used({CODER}, new_attempt(clock))
    with pytest.raises(KeyUnavailable):
        jwts.assertion(APP, new_attempt(clock))


def test_while_the_signer_is_unreachable_the_old_jwt_serves_to_a_minute_before_its_end(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock)
    first = jwts.assertion(APP, new_attempt(clock))
    store.failure = KeyUnavailable()
    clock.advance(479)
    assert jwts.assertion(APP, new_attempt(clock)) is first
    clock.advance(2)
    with pytest.raises(KeyUnavailable):
        jwts.assertion(APP, new_attempt(clock))


def test_apps_do_not_share_a_jwt(jwts: Jwts) -> None:
    assert jwts.text(App("1", CODER)) != jwts.text(App("2", CODER))


def test_a_refused_jwt_is_made_again_and_its_key_read_again_once(jwts: Jwts, clock: FakeClock) -> None:
    refused = jwts.jwts.assertion(APP, new_attempt(clock))
    for _ in range(3):
        jwts.jwts.refused(APP, refused)
    assert jwts.store.forgotten == ["coder"]
    clock.advance(1)
    assert jwts.text() != refused.reveal()


def test_a_jwt_of_a_replaced_key_is_not_kept(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    new, meanwhile, begun = new_key(), list[Future[Secret]](), threading.Event()

    def another_request() -> Secret:
        begun.set()
        return jwts.assertion(APP, new_attempt(clock))

    class Rotated(OneSigner):
        """Another request asks for a JWT while the old key is being forgotten."""

        def forget(self, role: Role) -> None:
            meanwhile.append(pool.submit(another_request))
            assert begun.wait(10)
            wait(meanwhile, timeout=0.2)  # it must not get a JWT yet
            self.one = RsaSigner(new)
            super().forget(role)

    jwts = AppJwts(Rotated(RsaSigner(key)), clock)
    with ThreadPoolExecutor(1) as pool:
        jwts.refused(APP, jwts.assertion(APP, new_attempt(clock)))
        others = meanwhile[0].result()
    off = {"verify_exp": False, "verify_iat": False}
    jwt.decode(others.reveal(), new.public_key(), algorithms=["RS256"], options=off)  # type: ignore[arg-type]


def test_a_jwt_made_meanwhile_is_not_dropped_for_the_older_ones_fault(jwts: Jwts, clock: FakeClock) -> None:
    older = jwts.jwts.assertion(APP, new_attempt(clock))
    jwts.jwts.refused(APP, older)
    newer = jwts.text()
    jwts.jwts.refused(APP, older)
    assert jwts.text() == newer


@pytest.mark.parametrize(("corrected", "made"), [(True, 2), (False, 1)])
def test_a_corrected_clock_makes_every_jwt_again(jwts: Jwts, clock: FakeClock, corrected: bool, made: int) -> None:
    jwts.text()
    clock.corrects = corrected
    assert jwts.jwts.correct_clock("Wed, 21 Oct 2015 07:28:00 GMT") is corrected
    jwts.text()
    assert jwts.store.asked == made


@pytest.mark.parametrize("failure", [RoleKeyMissing(), KeyUnavailable(), InvalidRoleKey()])
def test_a_failure_of_the_key_is_passed_on_and_not_kept(
    jwts: Jwts, failure: RoleKeyMissing | KeyUnavailable | InvalidRoleKey
) -> None:
    jwts.store.failure = failure
    with pytest.raises(type(failure)):
        jwts.text()
    jwts.store.failure = None
    assert jwts.text()
