"""Mint in the plain way: five upstream calls one after the other for each token, without caches or retries.

The calls get the issuer's keys, the result of Google STS, the App's key from Secret Manager, the App's
installations, and the token. The key is parsed each time. It uses ``requests`` with one session per thread, so
connections stay open; with a new connection for each call, the comparison would be unfair.
"""

import base64
import json
import os
import threading
import time
from typing import Any

import functions_framework
import jwt
import requests
from werkzeug import Request, Response

ISSUER = os.environ["OIDC_ISSUER_URL"]
STS = os.environ["STS_URL"]
SECRET_MANAGER = os.environ["SECRET_MANAGER_URL"]
GITHUB = os.environ["GITHUB_API_URL"]
PROJECT = os.environ["GCP_PROJECT_NUMBER"]
POOL = os.environ["WIF_POOL_NAME"]
PROVIDER = os.environ["WIF_PROVIDER_NAME"]
ORGS = os.environ["ALLOWED_ORGS"].split(",")
FILES = os.environ["ALLOWED_WORKFLOW_FILES"].split(",")
APP_IDS = json.loads(os.environ["ROLE_APP_IDS"])
AUDIENCE = os.environ.get("OIDC_AUDIENCE", "fullsend-mint")
PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "write", "checks": "read"}
TIMEOUT_SECONDS = 25
BEFORE_EXPIRY_SECONDS = 540

_threads = threading.local()


@functions_framework.http
def mint(request: Request) -> Response:
    """Answer one request."""
    if request.path == "/health":
        return Response('{"status": "ok"}', content_type="application/json")
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    wanted = json.loads(request.get_data())
    claims = _verified(token)
    owner, file = claims["repository_owner"], claims["job_workflow_ref"].partition("@")[0].rpartition("/")[2]
    if owner not in ORGS or file not in FILES:
        return Response('{"error": "not allowed"}', 403, content_type="application/json")
    _exchange(token)
    bearer = {"Authorization": f"Bearer {_app_jwt(wanted['role'])}", "Accept": "application/vnd.github+json"}
    return Response(json.dumps(_token(bearer, owner, wanted)), content_type="application/json")


def _session() -> requests.Session:
    if not hasattr(_threads, "session"):
        _threads.session = requests.Session()
    session: requests.Session = _threads.session
    return session


def _json(response: requests.Response) -> Any:
    response.raise_for_status()
    return response.json()


def _verified(token: str) -> Any:
    keys = _json(_session().get(f"{ISSUER}/.well-known/jwks", timeout=TIMEOUT_SECONDS))
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)


def _exchange(token: str) -> None:
    pool = f"//iam.googleapis.com/projects/{PROJECT}/locations/global/workloadIdentityPools/{POOL}"
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"{pool}/providers/{PROVIDER}",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": token,
    }
    _json(_session().post(f"{STS}/v1/token", data=form, timeout=TIMEOUT_SECONDS))


def _app_jwt(role: str) -> str:
    secret = f"projects/{PROJECT}/secrets/fullsend-{role}-app-pem/versions/latest"
    answer = _json(_session().get(f"{SECRET_MANAGER}/v1/{secret}:access", timeout=TIMEOUT_SECONDS))
    pem = base64.b64decode(answer["payload"]["data"])
    now = int(time.time())
    claims = {"iss": APP_IDS[role], "iat": now - 60, "exp": now + BEFORE_EXPIRY_SECONDS}
    return jwt.encode(claims, pem, "RS256")


def _token(bearer: dict[str, str], owner: str, wanted: Any) -> dict[str, Any]:
    page = f"{GITHUB}/app/installations?per_page=100"
    installations = _json(_session().get(page, headers=bearer, timeout=TIMEOUT_SECONDS))
    number = next(one["id"] for one in installations if one["account"]["login"].lower() == owner.lower())
    created = _json(
        _session().post(
            f"{GITHUB}/app/installations/{number}/access_tokens",
            headers=bearer,
            json={"repositories": wanted["repos"], "permissions": PERMISSIONS},
            timeout=TIMEOUT_SECONDS,
        )
    )
    return {"token": created["token"], "expires_at": created["expires_at"]}
