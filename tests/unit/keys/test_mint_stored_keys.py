"""Keys in Secret Manager: how long they serve, and what each failure is called."""

from __future__ import annotations

import gc
import json
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Fail
from mintcore.errors import KeyRefused, KeyUnavailable, RoleKeyMissing
from mintcore.keys.rsa import RsaSigner
from tests.mint_doubles import FakeClock, ManualHelpers, new_attempt
from tests.unit.keys.key_values import CODER, SECRET, pem, store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from fullsend_sandbox.secret_manager import SecretManager


def test_a_stored_key_signs(clock: FakeClock, stored: SecretManager) -> None:
    context = new_attempt(clock)
    assert isinstance(store(clock, stored.url).signer(CODER, context), RsaSigner)
    assert context.upstream_calls == {"secretmanager": 1}


def test_of_a_stored_key_only_the_signer_is_kept(clock: FakeClock, stored: SecretManager) -> None:
    keys = store(clock, stored.url)
    keys.signer(CODER, new_attempt(clock))
    gc.collect()
    held, seen = [keys], set[int]()
    while held:
        one = held.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        assert not (isinstance(one, bytes | bytearray | str) and "PRIVATE KEY" in repr(one))
        held += gc.get_referents(one)


@pytest.mark.parametrize(("seconds", "readings"), [(299, 1), (300, 2)])
def test_a_stored_key_is_read_every_five_minutes(
    clock: FakeClock, stored: SecretManager, seconds: float, readings: int
) -> None:
    keys = store(clock, stored.url)
    keys.signer(CODER, new_attempt(clock))
    clock.advance(seconds)
    keys.signer(CODER, new_attempt(clock))
    assert stored.traffic.count() == readings


def test_a_key_up_to_an_hour_old_signs_at_once_while_a_helper_reads_the_newest(
    clock: FakeClock, stored: SecretManager
) -> None:
    helpers = ManualHelpers()
    keys = store(clock, stored.url, helpers=helpers)
    old = keys.signer(CODER, new_attempt(clock))
    clock.advance(3599)
    asked = new_attempt(clock)
    assert keys.signer(CODER, asked) is old
    assert asked.upstream_calls == {}
    helpers.run()
    assert keys.signer(CODER, new_attempt(clock)) is not old
    clock.advance(3600)
    asked = new_attempt(clock)
    keys.signer(CODER, asked)
    assert asked.upstream_calls == {"secretmanager": 1}


def test_a_stored_key_serves_for_an_hour_while_secret_manager_fails_and_is_asked_for_each_second(
    clock: FakeClock, stored: SecretManager
) -> None:
    keys = store(clock, stored.url)
    before = keys.signer(CODER, new_attempt(clock))
    stored.deny(SECRET)
    for seconds, readings in ((300, 2), (0.9, 2), (0.1, 3), (3298, 4)):
        clock.advance(seconds)
        assert keys.signer(CODER, new_attempt(clock)) is before
        assert stored.traffic.count() == readings
    clock.advance(1)
    with pytest.raises(KeyUnavailable):
        keys.signer(CODER, new_attempt(clock))


def test_a_forgotten_key_is_read_again_and_serves_while_that_fails(clock: FakeClock, stored: SecretManager) -> None:
    keys = store(clock, stored.url)
    before = keys.signer(CODER, new_attempt(clock))
    stored.deny(SECRET)
    keys.forget(CODER)
    assert keys.signer(CODER, new_attempt(clock)) is before
    stored.allow(SECRET)
    clock.advance(2)
    assert keys.signer(CODER, new_attempt(clock)) is not before


def test_a_key_that_is_deleted_ends_to_serve(clock: FakeClock, stored: SecretManager) -> None:
    keys = store(clock, stored.url)
    keys.signer(CODER, new_attempt(clock))
    stored.delete_secret(SECRET)
    clock.advance(300)
    with pytest.raises(RoleKeyMissing):
        keys.signer(CODER, new_attempt(clock))


def test_a_key_that_is_not_there_is_missing(clock: FakeClock, secrets: SecretManager) -> None:
    with pytest.raises(RoleKeyMissing, match=SECRET):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))


@pytest.mark.parametrize("verb", ["disable", "destroy"])
def test_a_latest_version_that_is_switched_off_is_missing(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, verb: str
) -> None:
    secrets.add_version(SECRET, pem(key))
    getattr(secrets, verb)(SECRET, secrets.add_version(SECRET, pem(key)))
    with pytest.raises(RoleKeyMissing, match="disabled or destroyed"):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))


def test_a_key_that_may_not_be_read_is_unavailable(clock: FakeClock, stored: SecretManager) -> None:
    stored.deny(SECRET)
    with pytest.raises(KeyRefused, match=r"status 403: .*denied") as refused:
        store(clock, stored.url).signer(CODER, new_attempt(clock))
    assert refused.value.headers() == {"X-Should-Retry": "false"}
    assert "operator" in refused.value.public
    assert "try again" not in refused.value.public


@pytest.mark.parametrize(("status", "lasts"), [(302, True), (401, True), (410, True), (429, False), (503, False)])
def test_only_a_refusal_that_the_operator_has_to_fix_lasts(
    clock: FakeClock, secrets: SecretManager, status: int, lasts: bool
) -> None:
    secrets.faults.add(Fail(status), times=99)
    with pytest.raises(KeyUnavailable) as failed:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert failed.value.lasting is lasts


def test_a_key_that_was_read_serves_while_google_refuses(clock: FakeClock, stored: SecretManager) -> None:
    keys = store(clock, stored.url)
    keys.signer(CODER, new_attempt(clock))
    stored.deny(SECRET)
    clock.advance(3000)
    keys.signer(CODER, new_attempt(clock))
    clock.advance(700)
    with pytest.raises(KeyRefused):
        keys.signer(CODER, new_attempt(clock))


def test_googles_sentence_reaches_the_operators_log_on_one_line(clock: FakeClock, secrets: SecretManager) -> None:
    said = "Secret Manager API has not been used in project 123\nbefore or it is disabled."
    body = json.dumps({"error": {"code": 403, "message": said, "status": "PERMISSION_DENIED"}})
    secrets.faults.add(Fail(403, body, {"Content-Type": "application/json"}))
    with pytest.raises(KeyUnavailable, match=r"API has not been used in project 123 before") as failed:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert "API" not in failed.value.public
