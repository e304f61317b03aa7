"""Find the address of each Google API.

These are Google's own endpoints, unless the environment names others with gcloud's variables
`CLOUDSDK_API_ENDPOINT_OVERRIDES_{API}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fullsend.net.urls import is_loopback
from fullsend.operate.operate_errors import BadInput, GoogleFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "CLOUDSDK_API_ENDPOINT_OVERRIDES_"


def endpoint(environment: Mapping[str, str], api: str) -> str:
    """Return an API's address with a slash at its end. Raises BadInput, GoogleFailed.

    Attack: an endpoint over plain http would show the operator's access token to anyone on the path. If only some
    APIs have an emulator's endpoint, Google would get the emulator's token, or the emulator the operator's.
    """
    name = PREFIX + api.upper()
    url = environment.get(name, "").strip()
    if not url:
        if _emulated(environment):
            raise GoogleFailed(f"Other APIs are emulated on loopback, but {api} has no endpoint.", f"Set {name}.")
        return f"https://{api}.googleapis.com/"
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise BadInput(f"{name} must begin with https:// (http only on a loopback address).")
    return url.rstrip("/") + "/"


def is_emulator(url: str) -> bool:
    """Whether an endpoint is an emulator on this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def _emulated(environment: Mapping[str, str]) -> bool:
    return any(name.startswith(PREFIX) and url and is_emulator(url) for name, url in environment.items())
