"""Where a job's OIDC token comes from: the library `id`, and why there is none when there is none.

Decides how its failures are explained. `id` knows the CI systems and reads their environment itself; this
module reads GitHub's only to tell a missing permission from a pull request of a fork.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3.exceptions

from fullsend.client.errors import AmbientIdentityError
from fullsend.client.transport import cause
from fullsend.client.types import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_AUDIENCE = "fullsend-mint"
REQUEST_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_VARIABLES = (REQUEST_URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
_MAX_EVENT_BYTES = 30 * 1024 * 1024
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9_]|^[^A-Z_]")


def ambient_token(audience: str, environ: Mapping[str, str]) -> str:
    """Return the OIDC token of the CI job this runs in.

    Raises `AmbientIdentityError` with a code that says why there is none.
    """
    try:
        import id as ambient  # noqa: PLC0415 - only minting needs the extra
    except ModuleNotFoundError as missing:
        raise AmbientIdentityError(
            "finding the job's OIDC token needs the Python package id, which is not installed: "
            "pip install 'fullsend-mint[cli]'",
            code="oidc_not_available",
        ) from missing
    _check_address(environ)
    try:
        token = ambient.detect_credential(audience)
    except ambient.GitHubOidcPermissionCredentialError:
        raise no_token_in_actions(environ) from None
    except ambient.AmbientCredentialError as error:
        raise _not_given(_reason(error)) from None
    if token is None:
        raise AmbientIdentityError(
            "There is no OIDC token here: this is not a CI job that the client knows.",
            code="oidc_not_available",
        )
    return token


def _not_given(reason: str) -> AmbientIdentityError:
    return AmbientIdentityError(
        f"The CI system did not give this job its OIDC token: {reason}.", code="oidc_request_failed"
    )


def _check_address(environ: Mapping[str, str]) -> None:
    """Refuse an address that is none: the library would hand it on to urllib3, which fails in many ways."""
    address = environ.get(REQUEST_URL, "") if environ.get("GITHUB_ACTIONS") else ""
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if address and not good:
        raise _not_given(f"{REQUEST_URL} is not a URL")


def _reason(error: Exception) -> str:
    """Say why the library got no token; what it quotes after `body=` is the token service's: not ours to print."""
    text, quoted, _ = one_line(str(error)).partition(", body=")
    if quoted:
        return f"its token service answered {text.rpartition('code=')[2]}"
    if isinstance(error.__context__, urllib3.exceptions.HTTPError):  # which the library calls a timeout, always
        return f"its token service was not reached ({cause(error)})"
    return text


def no_token_in_actions(environ: Mapping[str, str]) -> AmbientIdentityError:
    """Explain why a GitHub Actions job has no OIDC request variables."""
    if _is_fork_pull_request(environ):
        return AmbientIdentityError(
            "This job was started by a pull request from a fork, and GitHub gives such jobs no OIDC token.",
            code="oidc_fork_pull_request",
        )
    return AmbientIdentityError(
        "This job may not ask for an OIDC token: it lacks `permissions: id-token: write`.",
        code="oidc_permission_missing",
    )


def variables_of_identity(audience: str) -> frozenset[str]:
    """Name the environment variables with which a child process could ask for OIDC tokens of its own.

    The two of GitHub Actions, and the one in which GitLab CI puts the token for this audience.
    """
    gitlab = _NOT_IN_A_VARIABLE.sub("_", audience.upper()) + "_ID_TOKEN"
    return frozenset({*REQUEST_VARIABLES, gitlab})


def _is_fork_pull_request(environ: Mapping[str, str]) -> bool:
    """Whether the event that started the job is a pull request whose head is another repository."""
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    pull_request = event.get("pull_request")
    if not environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request") or not isinstance(pull_request, dict):
        return False
    head = pull_request.get("head")
    repository = head.get("repo") if isinstance(head, dict) else None
    if repository is None:  # the fork was deleted meanwhile
        return True
    if not isinstance(repository, dict):
        return False
    own = environ.get("GITHUB_REPOSITORY", "")
    return str(repository.get("full_name", own)).lower() != own.lower()


def _event(path: str) -> dict[str, Any]:
    try:
        file = Path(path)
        if not path or file.stat().st_size > _MAX_EVENT_BYTES:
            return {}
        event = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
