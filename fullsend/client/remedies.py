"""Define the remedy of each error code, which errors print and `docs/errors.md` lists.

:mod:`mintcore.errors` has the codes that mints answer; this module has the codes that only the client raises. `make
docs` writes both tables to `docs/errors.md` and to the action's `hints.json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.client.oidc_remedies import FORK, ID_TOKENS, PERMISSION, PROJECTION
from fullsend.github.api import API_URL_FIX
from mintcore.errors.table import TABLE, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

BEFORE: Mapping[str, ErrorCode] = {
    "oidc_permission_missing": ErrorCode(
        0,
        cause="The job runs in GitHub Actions without `permissions: id-token: write`.",
        caller_fix=PERMISSION,
    ),
    "oidc_fork_pull_request": ErrorCode(0, cause="A pull request from a fork started the job.", caller_fix=FORK),
    "oidc_not_available": ErrorCode(
        0,
        cause="The environment is not that of a CI system with OIDC tokens.",
        caller_fix="Run this in a CI job that has an OIDC token: GitHub Actions with `id-token: write`, GitLab CI "
        "with `id_tokens`, Buildkite, CircleCI, or a Kubernetes pod with a projected token (docs/other-ci.md). In "
        "a container, mount the CI system's agent and pass its variables on. On your own machine use `fullsend "
        "run-token` with an App key.",
        action_fix="Run this in GitHub Actions, in a job with `permissions: id-token: write`.",
    ),
    "oidc_gitlab_variable": ErrorCode(
        0,
        cause="The GitLab job has no variable with an OIDC token for the mint's audience.",
        caller_fix=ID_TOKENS,
    ),
    "oidc_projected_token": ErrorCode(
        0,
        cause="The Kubernetes pod has no readable file with a projected service-account token for the mint.",
        caller_fix=PROJECTION,
    ),
    "oidc_wrong_audience": ErrorCode(
        0,
        cause="The job's OIDC token is for another audience than the mint's.",
        caller_fix="Give the token the mint's audience: `aud` under `id_tokens` in GitLab CI, `audience` of the "
        "`serviceAccountToken` in Kubernetes. If your mint has another audience than fullsend-mint, name it with "
        "`--audience` too.",
        action_fix="Run this in GitHub Actions, in a job with `permissions: id-token: write`.",
    ),
    "oidc_agent_failed": ErrorCode(
        0,
        cause="The CI system's own program did not give the job an OIDC token.",
        caller_fix="Run the same command in the job to see why: `buildkite-agent oidc request-token --audience "
        'fullsend-mint`, or `circleci run oidc get --claims \'{"aud": "fullsend-mint"}\'`. In CircleCI, jobs of '
        "forked pull requests get no token unless the project passes secrets to them.",
        action_fix="Run this in GitHub Actions, in a job with `permissions: id-token: write`.",
    ),
    "oidc_request_failed": ErrorCode(
        0,
        retry=True,
        cause="The CI system's token service answered with an error.",
        caller_fix="A 4xx means that the job's ACTIONS_ID_TOKEN_REQUEST_… variables are not those that the runner "
        "set for it. Do not set them, and do not copy them from another job. After any other status, run the job "
        "again, and look at the CI system's status page.",
    ),
    "oidc_variables_invalid": ErrorCode(
        0,
        cause="A variable for the OIDC token request has no valid URL or token, or its URL would send the "
        "request token over plain http.",
        caller_fix="Remove ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN from the workflow: the "
        "runner sets them for each job, and other values do not work.",
    ),
    "oidc_unreachable": ErrorCode(
        0,
        retry=True,
        cause="The CI system's token service gave no answer; the message names the host and the cause.",
        caller_fix="Check the runner's network, its proxy (HTTPS_PROXY) and the exceptions from the proxy "
        "(NO_PROXY), then run the job again.",
    ),
    "proxy_unusable": ErrorCode(
        0,
        cause="The proxy that the environment names refuses to connect, or its URL is invalid.",
        caller_fix="Set the proxy (HTTPS_PROXY or ALL_PROXY) to http://host:port. For 407, add the user name and "
        "password, percent-encoded: http://user:password@host:port, from a secret. For another status, ask the "
        "network's administrator to allow the host in the message; if the runner reaches it without the proxy, "
        "list it in NO_PROXY.",
    ),
    "oidc_certificate_refused": ErrorCode(
        0,
        cause="The runner does not accept the TLS certificate of the CI system's token service.",
        caller_fix="If a proxy inspects TLS connections, give the runner the proxy's CA with REQUESTS_CA_BUNDLE.",
        action_fix="If a proxy inspects TLS connections, give the runner the proxy's CA with NODE_EXTRA_CA_CERTS. "
        "If REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE is set, the action trusts only that file: add the CA to it.",
    ),
    "ca_bundle_unreadable": ErrorCode(
        0,
        cause="`REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE` names certificate authorities that cannot be read.",
        caller_fix="Set the variable in the message to an existing file of PEM certificates, or remove it to trust "
        "the system's authorities.",
        action_fix="Set the variable in the message to an existing file of PEM certificates, or remove it to trust "
        "Node's authorities and those in NODE_EXTRA_CA_CERTS.",
    ),
    "oidc_token_missing": ErrorCode(
        0,
        cause="The CI system's token service answered in JSON without a token: `value` is missing, null, empty or "
        "not a token.",
        caller_fix="The CI system's token service itself answered, so the network and the proxy work. Look at its "
        "status page and run the job again. If the failure stays, an administrator of the self-hosted runners or "
        "of the GitHub Enterprise Server has to check its OIDC service.",
    ),
    "oidc_answer_invalid": ErrorCode(
        0,
        cause="The answer to the OIDC token request is not a JSON object, for example a proxy's page or a "
        "redirect.",
        caller_fix="Something in front of the CI system's token service answered, for example a proxy's sign-in "
        "page. Check the proxy (HTTPS_PROXY, NO_PROXY), then run the job again.",
    ),
    "mint_url_invalid": ErrorCode(
        0,
        cause="The mint URL is empty, malformed, or would send the OIDC token over plain http.",
        caller_fix="Set `--mint-url`, the variable FULLSEND_MINT_URL or the first argument of MintClient to the "
        "URL that the mint's operator gave you. It is a bare https:// URL, without /v1/token at its end.",
        action_fix="Set the input `mint_url` to the URL that the mint's operator gave you, usually `${{ "
        "vars.FULLSEND_MINT_URL }}`. It is a bare https:// URL, without /v1/token at its end.",
    ),
    "runner_variable_missing": ErrorCode(
        0,
        cause="The action runs without `GITHUB_OUTPUT` or `GITHUB_STATE`, which a runner sets for each step, or "
        "cannot write the file that one of them names.",
        caller_fix="Run the action as a step of a GitHub Actions job, and do not unset the variables: the runner "
        "sets them. A runner that does not set them is too old for node24 actions: update it.",
    ),
    "github_url_invalid": ErrorCode(
        0,
        cause="`GITHUB_API_URL` is malformed, or would send the token over plain http.",
        caller_fix=API_URL_FIX,
    ),
}

NO_MINT: Mapping[str, ErrorCode] = {
    "mint_unreachable": ErrorCode(
        0,
        retry=True,
        cause="No mint answered in time: wrong name, closed port, proxy, or an outage.",
        caller_fix="Check the spelling of the mint URL, then whether the runner may connect to it: self-hosted "
        "runners often need a proxy (HTTPS_PROXY) or a firewall rule. Open the mint URL with /health at its end "
        "in a browser to see whether the mint runs.",
    ),
    "mint_certificate_refused": ErrorCode(
        0,
        cause="The runner does not accept the TLS certificate at the mint URL; the message says why.",
        caller_fix="If a proxy inspects TLS connections, give the runner the proxy's CA with REQUESTS_CA_BUNDLE. "
        "Otherwise the certificate has expired or belongs to another name: check the mint URL, then tell the "
        "mint's operator.",
        action_fix="If a proxy inspects TLS connections, give the runner the proxy's CA with NODE_EXTRA_CA_CERTS. "
        "If REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE is set, the action trusts only that file: add the CA to it. "
        "Otherwise the certificate has expired or belongs to another name: check the mint URL, then tell the "
        "mint's operator.",
    ),
    "mint_not_reached": ErrorCode(
        0,
        retry=True,
        cause="The answer is 408, 425, 429 or 5xx without the mint's `error` and `code`: another server sent it.",
        caller_fix="Something in front of the mint answered: a proxy, a load balancer, or the platform that the "
        "mint runs on, while it starts, fails or is overloaded. Run the job again. If it does not pass, check "
        "the mint URL with /health at its end, and tell the mint's operator.",
    ),
    "not_a_mint": ErrorCode(
        0,
        cause="The server at the URL does not speak the mint's protocol, or it redirects.",
        caller_fix="Something other than a mint answered, for example a proxy's sign-in page or another service. "
        "The mint URL is the bare address, without /v1/token at its end and without a redirect on the way. "
        'With /health at its end, a browser must show {"status": "ok"}.',
    ),
}

AFTER: Mapping[str, ErrorCode] = {
    "github_token_not_usable": ErrorCode(
        0,
        retry=True,
        cause="With `--wait-usable`: GitHub still refuses the new token after twenty seconds.",
        caller_fix="GitHub can refuse a new token for a few seconds. Run the job again. If it does not pass, the "
        "App was suspended or uninstalled meanwhile, or GITHUB_API_URL points to another GitHub than the mint's.",
    ),
    "github_revoke_failed": ErrorCode(
        0,
        retry=True,
        cause="GitHub was unreachable or refused, so the token may still be valid.",
        caller_fix="The token stays valid until it expires, one hour after it was issued. Revoke it again. If "
        "GitHub answers 403, the token is not an installation token (ghs_…), and only its owner can revoke it.",
    ),
}

UNKNOWN_CODE = "Read the message. If it does not help, give the mint's operator the code and the request id."

CLIENT_TABLE: Mapping[str, ErrorCode] = {**BEFORE, **NO_MINT, **AFTER}
CLIENT_CODES = frozenset(CLIENT_TABLE)
REMEDIES: Mapping[str, str] = {code: row.caller_fix for code, row in {**CLIENT_TABLE, **TABLE}.items()}
ACTION_HINTS: Mapping[str, str] = {
    **{code: row.action_fix or row.caller_fix for code, row in {**CLIENT_TABLE, **TABLE}.items()},
    "": UNKNOWN_CODE,
}


def remedy_for(code: str) -> str:
    """Return the remedy for a code; an unknown code comes from a newer mint."""
    return REMEDIES.get(code, UNKNOWN_CODE)
