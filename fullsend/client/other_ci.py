"""The OIDC token of a job in another CI system than GitHub Actions.

GitLab CI puts it into a variable (GitLab: "OpenID Connect (OIDC) authentication using ID tokens"); the agents of
Buildkite ("OIDC with Buildkite") and CircleCI ("Using OpenID Connect tokens in jobs") hand it out.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from fullsend.client.errors import AmbientIdentityError
from fullsend.net.answer import is_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AGENT_SECONDS = 30
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9_]|^[^A-Z_]")


def gitlab_variable(audience: str) -> str:
    """Return the variable in which a GitLab job keeps the token for an audience."""
    return _NOT_IN_A_VARIABLE.sub("_", audience.upper()) + "_ID_TOKEN"


def token_of_other_ci(audience: str, environ: Mapping[str, str]) -> str:
    """Return the job's token. Raises `AmbientIdentityError`, also when this is not a known CI job."""
    if environ.get("GITLAB_CI"):
        name = gitlab_variable(audience)
        token = environ.get(name, "")
        if not token:
            raise _missing(f"the variable {name} is not set; `id_tokens` of the job sets it")
        return _checked(token)
    if environ.get("BUILDKITE"):
        words = ["buildkite-agent", "oidc", "request-token", "--audience", audience]
        return _checked(_said(words, environ))
    if environ.get("CIRCLECI"):
        claims = json.dumps({"aud": audience})
        words = ["circleci", "run", "oidc", "get", "--claims", claims, "--root-issuer"]
        return _checked(_said(words, environ))
    raise AmbientIdentityError(
        "There is no OIDC token here: this is not a CI job that the client knows.",
        code="oidc_not_available",
        nothing_was_sent=True,
    )


def _said(command: Sequence[str], environ: Mapping[str, str]) -> str:
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        raise _missing(f"{command[0]} was not found")
    try:
        done = subprocess.run(  # noqa: S603 - the CI system's own agent
            [program, *command[1:]],
            capture_output=True,
            text=True,
            timeout=AGENT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired:
        raise _missing(f"{command[0]} did not answer in {AGENT_SECONDS} s", "oidc_request_failed") from None
    except OSError as error:
        raise _missing(f"{command[0]} cannot be run ({error.strerror})") from error
    if done.returncode:
        raise _missing(f"{command[0]} ended with status {done.returncode}", "oidc_request_failed")
    return done.stdout.strip()


def _checked(token: str) -> str:
    if not is_token(token):
        raise _missing("it is not a token", "oidc_answer_invalid")
    return token


def _missing(reason: str, code: str = "oidc_not_available") -> AmbientIdentityError:
    return AmbientIdentityError(
        f"The CI system did not give this job its OIDC token: {reason}.",
        code=code,
        nothing_was_sent=code == "oidc_not_available",
    )
