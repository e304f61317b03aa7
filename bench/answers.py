"""Build the answers of the benchmark's services once, with bodies and headers as large as the real ones."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.github.links import repository_links
from fullsend_sandbox.job import Job
from fullsend_sandbox.names import ORG, PROJECT_NUMBER, app_permissions, secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTALLATION_ID = 48_151_623
OWNER_ID = int(Job().claims()["repository_owner_id"])
"""The mint compares the account's id with the caller's claim."""
OTHER_INSTALLATIONS = 9
"""The number of other installations in the list; a shared App has many, and each makes the list longer."""

_GOOGLE_HEADERS = (
    "Content-Type: application/json; charset=UTF-8\r\nVary: Origin\r\nVary: X-Origin\r\nVary: Referer\r\n"
    "Server: scaffolding on HTTPServer2\r\nCache-Control: private\r\nX-XSS-Protection: 0\r\n"
    "X-Frame-Options: SAMEORIGIN\r\nX-Content-Type-Options: nosniff\r\n"
)
_EXPOSED = (
    "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, "
    "X-Poll-Interval, X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset, Warning"
)
_GITHUB_HEADERS = (
    "Content-Type: application/json; charset=utf-8\r\nCache-Control: public, max-age=60, s-maxage=60\r\n"
    "Vary: Accept, Accept-Encoding, X-Requested-With\r\n"
    'ETag: "1f5b8c0b4f2a7d3c9e6a1b0d8f7e6c5b4a3928170f1e2d3c4b5a69788796a5b4"\r\n'
    "X-GitHub-Media-Type: github.v3; format=json\r\nx-github-api-version-selected: 2022-11-28\r\n"
    f"Access-Control-Expose-Headers: {_EXPOSED}\r\nAccess-Control-Allow-Origin: *\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubdomains; preload\r\nX-Frame-Options: deny\r\n"
    "X-Content-Type-Options: nosniff\r\nX-XSS-Protection: 0\r\n"
    "Referrer-Policy: origin-when-cross-origin, strict-origin-when-cross-origin\r\n"
    "Content-Security-Policy: default-src 'none'\r\nServer: github.com\r\n"
    "X-RateLimit-Limit: 5000\r\nX-RateLimit-Remaining: 4870\r\nX-RateLimit-Used: 130\r\n"
    "X-RateLimit-Resource: core\r\nX-RateLimit-Reset: 4102444800\r\n"
    "X-GitHub-Request-Id: C0DE:1A2B3C:4D5E6F7:89ABCDE:5F6A7B8C\r\n"
)


def answers(issuer_url: str, jwks: Mapping[str, Any], pems: Mapping[str, str]) -> dict[str, tuple[str, bytes]]:
    """Return headers and body by the kind of call; with a name for secrets and key versions (``sign/{name}``)."""
    found: dict[str, tuple[str, Any]] = {
        "discovery": (_GOOGLE_HEADERS, _discovery(issuer_url)),
        "jwks": (_GOOGLE_HEADERS, jwks),
        "sts": (_GOOGLE_HEADERS, _federated()),
        "installation": (_GITHUB_HEADERS, _installation(ORG, INSTALLATION_ID)),
        "installations": (_GITHUB_HEADERS, _installations()),
        "access_token": (_GITHUB_HEADERS, _access_token()),
    }
    for role, pem in pems.items():
        found[f"secret/{secret_name(role)}"] = (_GOOGLE_HEADERS, _secret(role, pem.encode()))
        found[f"sign/{kms_version(role)}"] = (_GOOGLE_HEADERS, _signature(kms_version(role)))
    return {kind: (headers, json.dumps(body).encode()) for kind, (headers, body) in found.items()}


def _discovery(issuer_url: str) -> dict[str, Any]:
    return {
        "issuer": issuer_url,
        "jwks_uri": f"{issuer_url}/.well-known/jwks",
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }


def _federated() -> dict[str, Any]:
    return {
        "access_token": "ya29.d." + "bench" * 200,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3599,
    }


def _secret(role: str, pem: bytes) -> dict[str, Any]:
    return {
        "name": f"projects/{PROJECT_NUMBER}/secrets/{secret_name(role)}/versions/1",
        "payload": {"data": base64.b64encode(pem).decode(), "dataCrc32c": str(crc32c(pem))},
    }


def kms_version(role: str) -> str:
    """Return the name of a role's key version in Cloud KMS."""
    return (
        f"projects/{PROJECT_NUMBER}/locations/us-central1/keyRings/fullsend-mint/cryptoKeys/fullsend-{role}-app"
        "/cryptoKeyVersions/1"
    )


def _signature(version: str) -> dict[str, Any]:
    """Return an answer of asymmetricSign; nothing here verifies the signature."""
    signature = b"bench-signature!" * 16
    return {
        "name": version,
        "signature": base64.b64encode(signature).decode(),
        "signatureCrc32c": str(crc32c(signature)),
        "verifiedDigestCrc32c": True,
        "protectionLevel": "SOFTWARE",
    }


def _installations() -> list[dict[str, Any]]:
    others = [_installation(f"bench-org-{number}", number) for number in range(1, OTHER_INSTALLATIONS + 1)]
    return [*others, _installation(ORG, INSTALLATION_ID)]


def _installation(org: str, number: int) -> dict[str, Any]:
    api = f"https://api.github.com/app/installations/{number}"
    return {
        "id": number,
        "account": _account(org, OWNER_ID if org == ORG else number),
        "repository_selection": "all",
        "access_tokens_url": f"{api}/access_tokens",
        "repositories_url": "https://api.github.com/installation/repositories",
        "html_url": f"https://github.com/organizations/{org}/settings/installations/{number}",
        "app_id": 1,
        "app_slug": "fullsend-coder",
        "target_id": number,
        "target_type": "Organization",
        "permissions": app_permissions()["coder"],
        "events": ["issues", "issue_comment", "pull_request"],
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


def _account(login: str, number: int) -> dict[str, Any]:
    api = f"https://api.github.com/users/{login}"
    links = ("followers", "following", "gists", "starred", "subscriptions", "orgs", "repos", "events")
    return {
        "login": login,
        "id": number,
        "node_id": "O_kgDOBenchBench",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "url": api,
        "html_url": f"https://github.com/{login}",
        **{f"{link}_url": f"{api}/{link}" for link in links},
        "type": "Organization",
        "site_admin": False,
    }


def _access_token() -> dict[str, Any]:
    return {
        # The stateless form, which is the longer one.
        "token": "ghs_" + "Bench0123456789" * 34,
        "expires_at": "2099-01-01T00:00:00Z",
        "permissions": app_permissions()["coder"],
        "repository_selection": "selected",
        "repositories": [_repository("app")],
    }


def _repository(name: str) -> dict[str, Any]:
    return {
        "id": 1_296_269,
        "node_id": "R_kgDOBenchBench",
        "name": name,
        "full_name": f"{ORG}/{name}",
        "owner": _account(ORG, INSTALLATION_ID),
        "private": True,
        "description": "A repository like any other",
        "fork": False,
        **repository_links("https://api.github.com", "https://github.com", f"{ORG}/{name}"),
        "default_branch": "main",
        "visibility": "private",
        "topics": [],
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": False},
    }
