"""Get the job's OIDC token, or explain why the job has none.

The usual reasons are a missing permission, a fork's pull request, the network, or a proxy. GitHub: "OpenID Connect
reference"; the other systems are in `other_ci.py`.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fullsend.client.ci_system import TOKEN_FILE, CISystem, ci_system
from fullsend.client.errors import AmbientIdentityError
from fullsend.client.other_ci import gitlab_variable, token_of_other_ci
from fullsend.net.answer import is_token
from fullsend.net.failures import CertificateError, NoAnswerError, ProxyError, UnreadableBundleError
from fullsend.net.retry import is_retryable
from fullsend.net.urls import is_loopback
from mintcore.keys.regular_file import read_regular_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.net.answer import Answer
    from fullsend.net.retry import RetryPolicy
    from fullsend.net.transport import Transport

DEFAULT_AUDIENCE = "fullsend-mint"
IDENTITY_SECONDS = 30.0
"""The time for the OIDC token request, retries included."""
REQUEST_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - a variable's name
AGENT_VARIABLES = ("BUILDKITE_AGENT_ACCESS_TOKEN", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2")
"""Buildkite's requests OIDC tokens for the job; CircleCI's are tokens for the organization."""
_MAX_EVENT_BYTES = 30 * 1024 * 1024


def ambient_token(audience: str, environ: Mapping[str, str], transport: Transport, retry: RetryPolicy) -> str:
    """Return the OIDC token of the CI job this runs in.

    Raises `AmbientIdentityError` with a code that says why no token was found.
    """
    if ci_system(environ) == CISystem.ACTIONS:
        return _token_of_actions(audience, environ, transport, retry)
    return token_of_other_ci(audience, environ, seconds=min(retry.total_seconds, IDENTITY_SECONDS))


def _token_of_actions(audience: str, environ: Mapping[str, str], transport: Transport, retry: RetryPolicy) -> str:
    address, bearer = environ.get(REQUEST_URL, ""), environ.get(REQUEST_TOKEN, "")
    if not address or not bearer:
        raise no_token_in_actions(environ)
    url = _with_audience(address, audience)
    if not is_token(bearer):
        raise _not_given(f"{REQUEST_TOKEN} is not a token", "oidc_variables_invalid", nothing_was_sent=True)
    try:
        answer = transport.send("GET", url, retry=retry, authorization=f"bearer {bearer}")
    except UnreadableBundleError as error:
        raise _not_given(str(error), "ca_bundle_unreadable", nothing_was_sent=True) from error
    except ProxyError as error:
        raise _not_given(
            f"its token service was not reached: {error}", "proxy_unusable", nothing_was_sent=True
        ) from error
    except CertificateError as error:
        raise _not_given(str(error), "oidc_certificate_refused") from error
    except NoAnswerError as error:
        raise _not_given(f"its token service was not reached: {error}", "oidc_unreachable") from error
    return _token_in(answer)


def _token_in(answer: Answer) -> str:
    """Return the token in an answer of GitHub's token service. Raises `AmbientIdentityError`."""
    said = f"its token service answered {answer.status}"
    if _is_foreign(answer):
        raise _not_given(f"{said} without a JSON object, which GitHub's never does", "oidc_answer_invalid")
    if answer.status != HTTPStatus.OK:
        raise _not_given(said, "oidc_request_failed")
    token = answer.json_object().get("value")
    if not isinstance(token, str) or not is_token(token):
        raise _not_given(f"{said}, and its JSON has no token in `value`", "oidc_token_missing")
    return token


def _is_foreign(answer: Answer) -> bool:
    """Whether a proxy or a portal answered: a redirect, 407, or a page in place of JSON."""
    if is_retryable(answer.status):
        return False
    redirected = answer.status in range(300, 400) or answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    try:
        answer.json_object()
    except ValueError:
        return redirected or answer.status == HTTPStatus.OK or bool(answer.body)
    return redirected


def _not_given(reason: str, code: str, *, nothing_was_sent: bool = False) -> AmbientIdentityError:
    return AmbientIdentityError(
        f"The CI system did not give this job its OIDC token: {reason}.",
        code=code,
        nothing_was_sent=nothing_was_sent,
    )


def _with_audience(address: str, audience: str) -> str:
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise _not_given(f"{REQUEST_URL} is not a URL", "oidc_variables_invalid", nothing_was_sent=True)
    # Attack: over plain http anyone on the path reads the request token and mints as this job.
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        why = f"{REQUEST_URL} must begin with https:// (http only on a loopback address)"
        raise _not_given(why, "oidc_variables_invalid", nothing_was_sent=True)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "audience"]
    return urlunsplit(parts._replace(query=urlencode([*kept, ("audience", audience)]), fragment=""))


def no_token_in_actions(environ: Mapping[str, str]) -> AmbientIdentityError:
    """Explain why a GitHub Actions job has no OIDC request variables."""
    if _is_fork_pull_request(environ):
        return AmbientIdentityError(
            "This job was started by a pull request from a fork, and GitHub gives such jobs no OIDC token.",
            code="oidc_fork_pull_request",
            nothing_was_sent=True,
        )
    return AmbientIdentityError(
        "This job may not ask for an OIDC token: it lacks `permissions: id-token: write`.",
        code="oidc_permission_missing",
        nothing_was_sent=True,
    )


def variables_of_identity(audience: str) -> frozenset[str]:
    """Name the environment variables with which a child process could request OIDC tokens itself.

    In Kubernetes and CircleCI a child still can, because the file and the agent stay available (docs/other-ci.md).
    """
    return frozenset({REQUEST_URL, REQUEST_TOKEN, gitlab_variable(audience), TOKEN_FILE, *AGENT_VARIABLES})


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
        content = read_regular_file(path, _MAX_EVENT_BYTES + 1) if path else b""
        event = None if len(content) > _MAX_EVENT_BYTES else json.loads(content)
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
