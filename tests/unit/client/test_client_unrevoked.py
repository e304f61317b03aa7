"""What is said of a token that could not be revoked after its command."""

from __future__ import annotations

import json

from fullsend.client.mint import MintClient
from tests.unit.outbound.loopback_peer import Peer, answer

TOKEN = {
    "token": "ghs_" + "x" * 36,
    "expires_at": "2026-01-01T00:00:00Z",
    "granted_repos": [],
    "granted_permissions": {},
    "repository_selection": "all",
}


def test_a_caller_who_never_had_the_token_is_not_told_to_revoke_it() -> None:
    answers = [answer(200, json.dumps(TOKEN).encode()), answer(403, b'{"message": "No."}')]
    with Peer(lambda number: [answers[number]]) as peer:
        client = MintClient(peer.url, identity=lambda _: "e30.e30.c2ln", github_api_url=peer.url)
        client.mint("triage")
        [told] = client.revoke_all()
    assert told == (
        "GitHub answered 403 to the revocation of the token. It stays valid until it expires, one hour after it "
        "was issued."
    )
