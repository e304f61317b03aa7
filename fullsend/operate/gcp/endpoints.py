"""Where each API is, and what is shown to it.

Google's own endpoints with application-default credentials, unless the environment says otherwise with the
variables gcloud has for it: `CLOUDSDK_API_ENDPOINT_OVERRIDES_{API}` per API, `CLOUDSDK_AUTH_ACCESS_TOKEN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import google.auth
import google.auth.exceptions
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials

from fullsend.net.urls import is_loopback
from fullsend.operate.operate_errors import BadInput, LoginExpired

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOG_IN = "Log in again: gcloud auth application-default login"


def override(environment: Mapping[str, str], api: str) -> str:
    """Return the endpoint set for an API with a slash at its end, empty for Google's. Raises BadInput.

    Attack: an endpoint over plain http would show the operator's access token to anyone on the path.
    """
    name = f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}"
    url = environment.get(name, "").strip()
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise BadInput(f"{name} must begin with https:// (http only on a loopback address).")
    return url.rstrip("/") + "/"


def credentials(environment: Mapping[str, str], endpoint: str, project: str) -> Any:
    """Return what an endpoint is shown; calls count against `project`. Raises LoginExpired for none.

    A stand-in on loopback gets the credentials that were set for it, and never those this machine logged in with.
    """
    token = environment.get("CLOUDSDK_AUTH_ACCESS_TOKEN", "").strip()
    if token:
        return Credentials(token)  # type: ignore[no-untyped-call,unused-ignore]
    chosen = environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    if endpoint and not chosen and is_loopback(urlsplit(endpoint).hostname or ""):
        return AnonymousCredentials()  # type: ignore[no-untyped-call,unused-ignore]
    try:
        found, _ = google.auth.default(scopes=[SCOPE], quota_project_id=project)
    except google.auth.exceptions.GoogleAuthError as error:
        raise LoginExpired("There are no Google credentials on this machine.", LOG_IN) from error
    return found
