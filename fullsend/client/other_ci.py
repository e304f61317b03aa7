"""Get the OIDC token of a job in a CI system other than GitHub Actions.

GitLab CI puts it into a variable (GitLab: "OpenID Connect (OIDC) authentication using ID tokens"), Kubernetes into
a file ("Launch a Pod using service account token projection"). The agents of Buildkite ("OIDC in Buildkite
Pipelines") and CircleCI ("OIDC tokens with custom claims") return it on request.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from fullsend.client.ci_system import TOKEN_FILE, AgentError, CISystem, ci_system, run_agent
from fullsend.client.errors import AmbientIdentityError
from fullsend.client.token_audience import audiences
from fullsend.net.answer import is_token, one_line
from mintcore.keys.regular_file import read_regular_file

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENT_SECONDS = 30.0
PROJECTED_TOKEN = Path("/var/run/secrets/fullsend-mint/token")
"""The path of a pod's token, unless FULLSEND_ID_TOKEN_FILE names another file."""
CLUSTER_FOLDER = Path("/var/run/secrets/kubernetes.io")
BUILDKITE_CLAIMS = "BUILDKITE_OIDC_TOKEN_CLAIMS"
IDS = ("organization_id", "pipeline_id")
_MAX_BYTES = 64 * 1024
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9_]|^[^A-Z_]")


def gitlab_variable(audience: str) -> str:
    """Return the variable in which a GitLab job keeps the token for an audience."""
    return _NOT_IN_A_VARIABLE.sub("_", audience.upper()) + "_ID_TOKEN"


def token_of_other_ci(
    audience: str,
    environ: Mapping[str, str],
    *,
    seconds: float = AGENT_SECONDS,
    projected: Path = PROJECTED_TOKEN,
) -> str:
    """Return the job's token. Raises `AmbientIdentityError`, also when this is not a known CI job."""
    system = ci_system(environ)
    if system == CISystem.GITLAB:
        return _of_gitlab(audience, environ)
    if system == CISystem.BUILDKITE:
        return _of_buildkite(audience, environ, seconds)
    if system == CISystem.CIRCLECI:
        # Without --root-issuer each organization has its own issuer, so the mint trusts only this organization.
        command = ["circleci", "run", "oidc", "get", "--claims", json.dumps({"aud": audience})]
        return _from_agent(command, environ, seconds)
    if system == CISystem.KUBERNETES:
        return _of_kubernetes(audience, Path(environ.get(TOKEN_FILE) or projected))
    raise AmbientIdentityError(
        "The client found no OIDC token: it does not know this environment as a CI job.",
        code="oidc_not_available",
        nothing_was_sent=True,
    )


def _of_gitlab(audience: str, environ: Mapping[str, str]) -> str:
    name = gitlab_variable(audience)
    token = environ.get(name, "")
    if not token:
        raise _missing(f"the variable {name} is not set; `id_tokens` of the job sets it", "oidc_gitlab_variable")
    return _for_audience(token, audience, f"the variable {name}", "oidc_gitlab_variable")


def _of_buildkite(audience: str, environ: Mapping[str, str], seconds: float) -> str:
    # A variable instead of --claim: agents that do not know the claims ignore it.
    claims = [one for one in environ.get(BUILDKITE_CLAIMS, "").split(",") if one]
    asked = ",".join([*claims, *(one for one in IDS if one not in claims)])
    command = ["buildkite-agent", "oidc", "request-token", "--audience", audience]
    return _from_agent(command, {**environ, BUILDKITE_CLAIMS: asked}, seconds)


def _of_kubernetes(audience: str, path: Path) -> str:
    try:
        if path.resolve().is_relative_to(CLUSTER_FOLDER.resolve()):
            # Attack: the mint could use the pod's own credential at the cluster's API server.
            raise _missing(f"{path} is for the cluster's API server, so it was not sent", "oidc_projected_token")
        content = read_regular_file(path, _MAX_BYTES).decode("ascii").strip()
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "a loop of links"
        raise _missing(f"{path} cannot be read ({why})", "oidc_projected_token") from None
    except ValueError:
        raise _missing(f"{path} does not hold a token", "oidc_projected_token") from None
    return _for_audience(content, audience, str(path), "oidc_projected_token")


def _from_agent(command: list[str], environ: Mapping[str, str], seconds: float) -> str:
    try:
        token = run_agent(command, environ, seconds=seconds)
    except AgentError as error:
        raise _missing(str(error), "oidc_agent_failed" if error.ran else "oidc_not_available") from error
    if not is_token(token):
        raise _missing(f"{command[0]} did not print a token", "oidc_agent_failed")
    return token


def _for_audience(token: str, audience: str, where: str, code: str) -> str:
    """Return the token. Raises `AmbientIdentityError`: with `code` if it is not one, or for another audience."""
    try:
        found = audiences(token)
    except ValueError:
        raise _missing(f"{where} does not hold a token", code) from None
    if audience not in found:
        shown = one_line(", ".join(found), limit=200) or "no audience"
        raise AmbientIdentityError(
            f"The OIDC token in {where} is for {shown}, not for {audience}, so it was not sent.",
            code="oidc_wrong_audience",
            nothing_was_sent=True,
        )
    return token


def _missing(reason: str, code: str) -> AmbientIdentityError:
    return AmbientIdentityError(
        f"The CI system did not give this job its OIDC token: {reason}.",
        code=code,
        nothing_was_sent=code != "oidc_agent_failed",
    )
