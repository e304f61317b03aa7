"""A scripted mint on loopback, and the client that asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.client import MintClient

if TYPE_CHECKING:
    from fullsend_sandbox.loopback import LoopbackService
    from tests.retry_time import RetryTime

IDENTITY = "header.payload.signature"
GOOD = {
    "token": "ghs_" + "x" * 36,
    "expires_at": "2026-01-01T00:00:00Z",
    "granted_repos": ["octo-org/app"],
    "granted_permissions": {"contents": "read"},
    "repository_selection": "selected",
}


def client(time: RetryTime, *mints: LoopbackService) -> MintClient:
    return MintClient([m.url for m in mints], identity=lambda _: IDENTITY, retry=time.policy())
