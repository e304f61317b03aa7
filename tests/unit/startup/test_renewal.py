"""App JWTs in Cloud KMS are renewed by a thread of a standalone mint, and of no other."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.clock import CorrectedClock
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.directory import DirectoryKeys
from mintcore.keys.rsa import RsaSigner
from mintcore.observe.log import JsonLog
from mintcore.policy.names import Role
from mintcore.policy.roles import App
from mintcore.settings.environment import read_standalone
from mintcore.standalone import build
from mintcore.startup.helper_threads import HelperThreads
from mintcore.startup.renewal import Renewal
from tests.mint_doubles import FakeClock, OneSigner, new_attempt

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from mintcore.request import RequestContext

CODER = Role("coder")
VERSION = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"


class WatchedSigner(OneSigner):
    """A key store that tells when it was asked a second time."""

    def __init__(self, signer: RsaSigner) -> None:
        super().__init__(signer)
        self.asked_again = threading.Event()

    def signer(self, role: Role, context: RequestContext) -> Any:
        found = super().signer(role, context)
        if self.asked == 2:
            self.asked_again.set()
        return found


def test_the_thread_renews_what_is_due_and_ends(key: rsa.RSAPrivateKey) -> None:
    clock, store = FakeClock(), WatchedSigner(RsaSigner(key))
    jwts = AppJwts(store, clock, HelperThreads(1))
    jwts.assertion(App("1", CODER), new_attempt(clock))
    renewal = Renewal(jwts, [CODER], clock, round_seconds=0.005)
    renewal.start()
    clock.advance(301)
    assert store.asked_again.wait(10)
    renewal.stop()


@pytest.mark.parametrize(("kms", "threads"), [({}, 0), ({"coder": VERSION}, 1)])
def test_only_a_mint_with_keys_in_cloud_kms_has_the_thread(
    kms: dict[str, str], threads: int, tmp_path: Path
) -> None:
    environment = {
        "ALLOWED_ORGS": "acme",
        "ROLE_APP_IDS": '{"coder": "1"}',
        "PEM_DIR": str(tmp_path),
        "KMS_URL": "http://127.0.0.1:9",
    }
    settings = read_standalone(environment | ({"ROLE_KMS_KEYS": json.dumps(kms)} if kms else {}))
    log = JsonLog(sys.stdout)
    mint = build(settings, DirectoryKeys(str(tmp_path), log), CorrectedClock(), log, key_files={})
    assert len(mint.threads) == threads
