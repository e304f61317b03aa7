from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import Any

import pytest

from fullsend_sandbox.keys import new_key
from mintcore.errors import InternalError, MintError
from mintcore.keys.rsa import RsaSigner
from mintcore.outbound.answer import Answer
from mintcore.request import Deadline, DecisionRecord, InstallationToken, RequestContext
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock

CANARY = "canary-0123456789"
ATTEMPT = RequestContext(Deadline(FakeClock(), 25), "request-1")
TOKEN = InstallationToken(Secret(CANARY), "2030-01-01T00:00:00Z", (), {}, "all", 7)
HOLDERS: dict[str, Any] = {
    "secret": Secret(CANARY),
    "installation token": TOKEN,
    "answer": Answer(201, {"X": "y"}, CANARY.encode()),
    "decided": DecisionRecord("mint", ATTEMPT, issued=TOKEN),
    "attempt": ATTEMPT,
    "list": [Secret(CANARY)],
    "dict": {"token": Secret(CANARY)},
}


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS.keys())
def test_what_holds_a_secret_does_not_show_it(holder: object) -> None:
    shown = [repr(holder), str(holder), f"{holder}", f"{holder!r:>400}", "%s" % (holder,), "{0!s}".format(holder)]  # noqa: UP030, UP031, UP032
    assert CANARY not in "".join(shown)


@pytest.mark.parametrize("spec", ["", "s", ">40", "x", "0"])
def test_no_format_shows_a_secret(spec: str) -> None:
    assert format(Secret(CANARY), spec) == "<secret>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError) as refused:
        pickle.dumps(TOKEN, protocol)
    assert CANARY not in str(refused.value)


def test_a_secret_is_not_copied_by_accident() -> None:
    with pytest.raises(TypeError):
        copy.deepcopy(TOKEN)


def test_a_secret_is_not_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))
    assert json.dumps(Secret(CANARY), default=str) == '"<secret>"'


def test_a_secret_has_no_attributes_to_be_listed() -> None:
    assert not hasattr(Secret(CANARY), "__dict__")


def test_a_secret_is_handed_out_to_who_asks_for_it() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_the_hash_is_base64_of_sha256() -> None:
    assert Secret("abc").hashed() == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


def test_a_signer_shows_nothing_of_its_key_and_is_not_pickled() -> None:
    key = new_key()
    signer = RsaSigner(key)
    assert repr(signer) == str(signer) == "RsaSigner(<secret>)"
    with pytest.raises(TypeError):
        pickle.dumps(signer)


def all_errors(root: type[MintError] = MintError) -> list[type[MintError]]:
    return [found for child in root.__subclasses__() for found in (child, *all_errors(child))]


def test_no_two_errors_share_a_code() -> None:
    codes = [error.__dict__["code"] for error in all_errors() if "code" in error.__dict__]
    assert len(codes) == len(set(codes))


def test_the_public_sentence_of_an_error_never_has_its_detail() -> None:
    failure = InternalError(detail=CANARY)
    assert CANARY not in failure.public
    assert CANARY in str(failure)


def test_a_traceback_of_a_failure_beside_a_secret_does_not_show_it() -> None:
    def use(secret: Secret) -> None:
        raise InternalError(detail=f"with {secret}")

    with pytest.raises(InternalError) as failed:
        use(Secret(CANARY))
    assert CANARY not in "".join(traceback.format_exception(failed.value))
