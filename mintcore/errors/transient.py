"""Declare the errors after which the same request may succeed later."""

from __future__ import annotations

from mintcore.errors.base import MintError

_OR_OPERATOR = (
    "If the message says that a retry does not help, give the mint's operator the code and the request id. "
    "Otherwise run the job again in a few minutes."
)


class TransientError(MintError):
    """The same request may succeed later."""


class RateLimited(TransientError):
    """The calling repository mints faster than the operator allows."""

    code = "rate_limited"
    status = 429
    sentence = "This repository requested too many tokens; wait as long as Retry-After says."
    cause = (
        "The calling repository requests tokens faster than the operator allows. `Retry-After` says how "
        "long to wait."
    )
    caller_fix = "Mint once per job and reuse the token within it. The client waits and retries for up to a minute."
    operator_fix = "Raise `RATE_LIMIT` if the load is legitimate."


class IssuerUnavailable(TransientError):
    """The issuer's keys are not available. ``issuer`` is its name, or the URL of an issuer without a name."""

    code = "issuer_unavailable"
    status = 502
    sentence = "The mint cannot fetch the OIDC issuer's keys; try again in a minute."
    cause = (
        "A standalone mint has no keys of the issuer and cannot fetch them. With the header `X-Should-Retry: "
        "false`, the issuer's address or a proxy refuses, and a retry does not help."
    )
    caller_fix = f"The mint cannot fetch the issuer's keys. {_OR_OPERATOR}"
    operator_fix = (
        "The event names the `issuer`, and the log why its keys cannot be used. Check that the mint can reach it "
        "(`OIDC_ISSUER_URL` or its `url` in `ISSUERS`), through `HTTPS_PROXY` if there is one. Without an issuer's "
        "keys the mint cannot verify its callers: while an issuer is down, this answer also shows a stranger that"
        " the"
        " mint accepts that issuer."
    )

    def __init__(self, public: str = "", *, detail: str = "", issuer: str = "") -> None:
        self.issuer = issuer
        super().__init__(public, detail=detail)


class IssuerRefused(IssuerUnavailable):
    """The issuer's address refuses, or another service answers there; this lasts until the operator acts."""

    lasting = True
    sentence = (
        "The mint gets no keys at the OIDC issuer's address. Fix: give the request id to the mint's operator, who "
        "has to correct the issuer's URL or the way to it; a retry does not help."
    )


class StsUnavailable(TransientError):
    """Google STS is down or slow."""

    code = "sts_unavailable"
    status = 502
    sentence = "The mint cannot reach Google's token service; try again in a minute."
    cause = (
        "Google's Security Token Service is down or slow. With the header `X-Should-Retry: false`, the service at "
        "`STS_URL` is not Google's, or a proxy opens no tunnel to it; a retry does not help."
    )
    caller_fix = f"The mint gets no answer from Google's token service. {_OR_OPERATOR}"
    operator_fix = (
        "Read the event's `cause`. For a redirect, or a refusal without Google's JSON, check `STS_URL` "
        "and the proxies on the way; for a proxy's 407, the user name and password in `HTTPS_PROXY`. Otherwise "
        "look at Google Cloud's status page, and check the mint's network if it has a VPC connector."
    )


class StsRefused(StsUnavailable):
    """A proxy, or a service at STS_URL that is not Google's, refuses; this lasts until the operator acts."""

    lasting = True
    sentence = (
        "The mint gets no usable answer from Google's token service. Fix: give the request id to the mint's "
        "operator, who has to fix this; a retry does not help."
    )


class KeyUnavailable(TransientError):
    """The key store is down or slow."""

    code = "key_unavailable"
    status = 502
    sentence = "The mint cannot read the App key now; try again in a minute."
    cause = (
        "The mint's key store is down or slow. With the header `X-Should-Retry: false`, Google refuses the "
        "mint access to the key, or a proxy or another service answers in Google's place; a retry does not help."
    )
    caller_fix = f"The mint cannot use the App key. {_OR_OPERATOR}"
    operator_fix = (
        "Read Google's sentence in the event's `cause`: a missing permission or a disabled API. Without Google's "
        "JSON, or if a proxy opens no tunnel, check `SECRET_MANAGER_URL`, `KMS_URL` and `HTTPS_PROXY` with its "
        "user name and password. If an outage does not pass, check that the mint's service account may read the "
        "secret: `fullsend mint doctor`."
    )


class KeyRefused(KeyUnavailable):
    """Google, or a proxy, refuses access to the key until the operator acts. A key already read still serves."""

    lasting = True
    sentence = (
        "The mint may not use the App key. Fix: give the request id to the mint's operator, who has to fix this; a "
        "retry does not help."
    )


class GitHubRateLimited(TransientError):
    """GitHub rate-limits the App."""

    code = "github_rate_limited"
    status = 503
    sentence = "GitHub rate-limits this App; wait as long as Retry-After says."
    cause = (
        "GitHub rate-limits the App, or the mint has made as many look-ups as it allows in a minute. "
        "`Retry-After` says how long to wait."
    )
    caller_fix = "Run the job again after the time in the message. Mint once per job rather than once per step."
    operator_fix = (
        "Count the requests of each repository in the mint's log: `jq -r '.audit.caller.repository // empty' LOG | "
        "sort | uniq -c | sort -rn | head` (docs/audit.md has the command for Cloud Logging). `RATE_LIMIT` limits "
        "every repository."
    )


class GitHubUnavailable(TransientError):
    """GitHub is unreachable, or its answer is unusable."""

    code = "github_unavailable"
    status = 502
    sentence = "GitHub did not give a usable answer; try again in a minute."
    cause = (
        "GitHub is down, the mint cannot reach it, or its answer is unusable. With the header `X-Should-Retry: "
        "false`, another service answers at `GITHUB_API_URL`, and a retry does not help."
    )
    caller_fix = "Look at GitHub's status page and run the job again."
    operator_fix = "Check that `GITHUB_API_URL` is GitHub's API and that the mint can reach it."


class NotGitHub(GitHubUnavailable):
    """GITHUB_API_URL answers 401 or 404 in a form that GitHub never uses; this lasts until the operator acts."""

    lasting = True
    sentence = (
        "The mint's GITHUB_API_URL does not look like GitHub's API. Fix: give the request id to the mint's "
        "operator, who has to correct GITHUB_API_URL; a retry does not help."
    )


class UpstreamTimeout(TransientError):
    """GitHub did not answer within the request's deadline."""

    code = "upstream_timeout"
    status = 504
    sentence = "GitHub did not answer in time; try again in a minute."
    cause = "GitHub did not answer within the request's deadline."
    caller_fix = "GitHub answered the mint too slowly. Run the job again."
    operator_fix = "The deadline is `REQUEST_DEADLINE_SECONDS`."


class FallbackUnavailable(TransientError):
    """The fallback mint is unreachable."""

    code = "fallback_unavailable"
    status = 502
    sentence = "The fallback mint that serves this role cannot be reached; try again in a minute."
    cause = "Another mint serves the role, and this mint cannot reach it."
    caller_fix = "This mint forwards the role to another mint, which does not answer. Run the job again."
    operator_fix = "Check `FALLBACK_MINT_URL`, and that its `/health` answers."
