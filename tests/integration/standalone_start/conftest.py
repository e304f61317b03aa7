"""The environment of the standalone guide's complete example, with its keys."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.keys import KeyPool, pem

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@pytest.fixture
def key(rsa_keys: KeyPool) -> RSAPrivateKey:
    rsa_keys.rewind()
    return rsa_keys.next_key()


@pytest.fixture
def guide(tmp_path: Path, key: RSAPrivateKey, rsa_keys: KeyPool) -> dict[str, str]:
    """The environment of the guide's complete example, with its two keys and a port that is free."""
    pems = tmp_path / "pems"
    pems.mkdir()
    for role, own in (("triage", key), ("scanner", rsa_keys.next_key())):
        (pems / f"{role}.pem").write_bytes(pem(own))
        (pems / f"{role}.pem").chmod(0o600)
    with socket.create_server(("", 0)) as probe:
        port = probe.getsockname()[1]
    return {
        "PORT": str(port),
        "ALLOWED_ORGS": "myorg",
        "ROLE_APP_IDS": '{"triage":"4087047","scanner":"5555555"}',
        "OIDC_AUDIENCE": "fullsend-mint",
        "PEM_DIR": "./pems",
        "ALLOWED_WORKFLOW_FILES": "*",
        "REPO_SCOPE": "caller",
        "FALLBACK_MINT_URL": "https://mint.example.com",
        "CUSTOM_ROLE_PERMISSIONS": '{"scanner":{"contents":"read","security_events":"write","metadata":"read"}}',
    }
