"""Declare every error code of the mint once: status, retry, sentence, cause and remedies.

The classes in :mod:`mintcore.errors` take their status and sentence from here. docs/errors.md, the action's
``hints.json`` and the client's remedies are generated from here by ``make docs``; tests compare docs/openapi.yaml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorCode(NamedTuple):
    """One row. ``status`` is 0 for a code of the client, which no mint answers."""

    status: int
    cause: str
    caller: str
    """What the command line and the library advise."""
    sentence: str = ""
    """What the mint answers where it has nothing more exact to say."""
    lasting: str = ""
    """The sentence where a retry does not help, although ``retry`` is true for the code."""
    retry: bool = False
    """Whether the same request may succeed later."""
    operator: str = ""
    """What the mint's operator does; empty where only the caller can act."""
    action: str = ""
    """What the GitHub action advises where the caller's remedy names options that the action does not have."""


_TELL_OPERATOR = "Your workflow cannot fix this. Give the mint's operator the code and the request id."
_RUN_AGAIN = "This usually passes within minutes: run the job again."
_OR_OPERATOR = (
    "If the message says that a retry does not help, give the mint's operator the code and the request id. "
    "Otherwise run the job again in a few minutes."
)

TABLE: Mapping[str, ErrorCode] = {
    # The request itself.
    "not_found": ErrorCode(
        404,
        sentence="There is nothing at this path; use POST /v1/token, GET /v1/status or GET /health.",
        cause="The request went to a path that the mint does not have.",
        caller="The mint URL is the bare address: remove any path from its end.",
    ),
    "method_not_allowed": ErrorCode(
        405,
        sentence="This path does not accept this method; the Allow header lists the accepted methods.",
        cause="The path exists, but not for this method. The `Allow` header lists the accepted methods.",
        caller="Request a token with POST /v1/token, and the status with GET /v1/status.",
    ),
    "missing_bearer": ErrorCode(
        401,
        sentence="The request has no OIDC token; send the job's token as 'Authorization: Bearer <token>' (the "
        "job needs 'permissions: id-token: write').",
        cause="The request has no `Authorization: Bearer` header.",
        caller="Send the job's OIDC token as `Authorization: Bearer …`. The action and the command line always "
        "send it, so a proxy in front of the mint may have removed the header.",
        operator="Check that proxies in front of the mint pass the `Authorization` header on.",
    ),
    "body_too_large": ErrorCode(
        413,
        sentence="The body is larger than 64 KiB; request fewer repositories.",
        cause="The request's body is larger than 64 KiB.",
        caller="Request fewer repositories, or leave `repos` out.",
    ),
    "invalid_json": ErrorCode(
        400,
        sentence='The body is not a JSON object; send one such as {"role": "coder", "repos": ["my-repo"]}.',
        cause="The body is not a JSON object.",
        caller='Send a JSON object such as {"role": "coder", "repos": ["my-repo"]}.',
    ),
    "role_required": ErrorCode(
        400,
        sentence='The body names no role; add one, such as {"role": "coder"}.',
        cause="The request does not name a role.",
        caller="Name the role, for example `--role coder`.",
        action="Set the input `role`, for example `role: coder`.",
    ),
    "invalid_role": ErrorCode(
        400,
        sentence="The role name is invalid; it starts with a lowercase letter, followed by lowercase letters, "
        "digits, '-' and '_', and does not contain '--'.",
        cause="The text cannot be a role's name.",
        caller="Check the role's spelling: a lowercase letter, then lowercase letters, digits, - and _. "
        "`fullsend mint status` in a job lists the roles you can request.",
    ),
    "invalid_repos": ErrorCode(
        400,
        sentence='repos is not a list of repository names; send names without the owner, such as ["my-repo"].',
        cause="`repos` is not a list of bare repository names.",
        caller="Give a list of repository names without the owner, such as `my-repo`.",
    ),
    "too_many_repos": ErrorCode(
        400,
        sentence="The request names more than 500 repositories; split the request.",
        cause="The request names more than 500 repositories, which is GitHub's limit for one token.",
        caller="Name at most 500 repositories, or mint several tokens.",
    ),
    "invalid_level": ErrorCode(
        400,
        sentence='The role does not have this level; every role has "read" and "write".',
        cause="`level` is not one of the role's levels.",
        caller="Use a level that the role has: `read`, `write`, or one that the operator defined for it.",
        operator="Add the level to the role in `CUSTOM_ROLE_PERMISSIONS`, if callers need it.",
    ),
    "invalid_permissions": ErrorCode(
        400,
        sentence='permissions is not an object of GitHub permissions; send one such as {"contents": "read"}, or '
        "leave it out.",
        cause="`permissions` is empty, or a name or an access level in it is invalid.",
        caller="Write each permission as GitHub spells it, such as `contents: read`. Leave `permissions` out to "
        "get the whole level.",
    ),
    "invalid_target_org": ErrorCode(
        400,
        sentence="target_org is not an organization's name; send one such as \"my-org\".",
        cause="`target_org` cannot be an organization's name.",
        caller="Give the organization's bare name, such as `my-org`.",
    ),
    # Is the token genuine?
    "invalid_token": ErrorCode(
        401,
        sentence="The OIDC token was not accepted; request a fresh one in the job, for this mint's audience, and "
        "retry.",
        cause="The OIDC token is not proven genuine: its audience, times, issuer or signature is wrong, or a "
        "claim is missing.",
        caller="Usual causes: the token is for another audience (the default is fullsend-mint; change it with "
        "`--audience`); the token has expired (in GitHub Actions after five to ten minutes), so request it in "
        "the step that uses it; the mint accepts another issuer. The mint does not say which, on purpose; its "
        "operator sees the cause in the log.",
        operator="Find the cause with `fullsend audit find --request-id ID`. If Google refuses every token, run "
        "`fullsend mint doctor`: it compares the provider with the mint's settings.",
        action="Usual causes: the token is for another audience (the default is fullsend-mint; change it with "
        "the input `audience`); the mint accepts another issuer. The mint does not say which, on purpose; its "
        "operator sees the cause in the log.",
    ),
    "issuer_unavailable": ErrorCode(
        502, retry=True,
        sentence="The mint cannot fetch the OIDC issuer's keys; try again in a minute.",
        cause="A standalone mint has no keys of the issuer and cannot fetch them.",
        caller=f"The mint cannot fetch the issuer's keys. {_RUN_AGAIN}",
        operator="The log names the issuer and why its keys cannot be used. Check that the mint can reach it "
        "(`OIDC_ISSUER_URL` or its `url` in `ISSUERS`), through `HTTPS_PROXY` if there is one. Before it has an "
        "issuer's keys the mint cannot tell who asks: while an issuer is down, this answer also shows to a "
        "stranger that the mint accepts it.",
    ),
    "sts_unavailable": ErrorCode(
        502, retry=True,
        sentence="The mint cannot reach Google's token service; try again in a minute.",
        lasting="The mint gets no usable answer from Google's token service. Fix: give the request id to the "
        "mint's operator, who has to fix this; a retry does not help.",
        cause="Google's Security Token Service is down or slow. With the header `X-Should-Retry: false`, what "
        "answers at `STS_URL` is not Google's service, and a retry does not help.",
        caller=f"The mint gets no answer from Google's token service. {_OR_OPERATOR}",
        operator="Read the event's `cause`. For a redirect, or a refusal without Google's JSON, check `STS_URL` "
        "and the proxies on the way. Otherwise look at Google Cloud's status page, and check the mint's network if "
        "it has a VPC connector.",
    ),
    # May this caller have it?
    "org_not_allowed": ErrorCode(
        403,
        sentence="This mint does not serve the organization; ask its operator to enroll it.",
        cause="The organization that owns the calling repository is not enrolled, or its name now belongs to a "
        "different account.",
        caller="Ask the mint's operator to enroll the organization that owns this repository: `fullsend mint "
        "enroll YOUR-ORG`.",
        operator="Run `fullsend mint enroll ORG` or `fullsend mint enroll ORG/REPO`. If the message says that "
        "the name belongs to a different account, check first who owns it now.",
    ),
    "workflow_not_allowed": ErrorCode(
        403,
        sentence="This mint does not trust the workflow that made the request.",
        cause="The mint does not trust the workflow file that the OIDC token names, or the ref it came from.",
        caller="The mint trusts a workflow by the repository, the file name and the ref it comes from. Call the "
        "trusted reusable workflow with `uses:`, or ask the operator to trust yours. `fullsend mint status "
        "--role ROLE` in the job shows each rule and its result.",
        operator="Allow the file's name with `fullsend mint deploy --workflow-files FILE`, trust the "
        "repository's own workflows with `fullsend mint enroll ORG/REPO`, or add the ref to `WORKFLOW_REFS`.",
    ),
    "role_not_allowed": ErrorCode(
        403,
        sentence="This mint does not serve the role; GET /v1/status lists the roles it serves.",
        cause="The mint does not know the role, or does not serve it.",
        caller="Check the role's spelling; `fullsend mint status` in a job lists the roles you can request. Ask "
        "the mint's operator for a new one.",
        operator="Run `fullsend mint add-role ROLE`, or add the role to `ALLOWED_ROLES`.",
    ),
    "permissions_not_allowed": ErrorCode(
        403,
        sentence="The request asks for permissions beyond the role's level.",
        cause="`permissions` asks for more than the role has at the requested level.",
        caller="Request only permissions within the level, or request a higher level. docs/callers.md lists each "
        "role's permissions.",
        operator="Give the role more permissions only through `CUSTOM_ROLE_PERMISSIONS`; built-in roles are fixed.",
    ),
    "claims_not_allowed": ErrorCode(
        403,
        sentence="A claim of the job's OIDC token has a value that this mint does not accept.",
        cause="The operator requires values for certain claims (`REQUIRED_CLAIMS`), or lists which jobs of another "
        "CI system may mint (`CALLERS`), and the job's token has other values.",
        caller="The message names the claim, such as `event_name`, or for another CI system `ref_protected`. Mint "
        "in a job whose claim has an accepted value.",
        operator="Change the accepted values in `REQUIRED_CLAIMS`, or the entry of `CALLERS` that the message "
        "names.",
    ),
    "scope_not_allowed": ErrorCode(
        403,
        sentence="The request asks for repositories outside the scope that this mint allows the caller.",
        cause="The request names repositories that the role's scope does not allow this caller.",
        caller="Request what the message allows, usually the calling repository. For another repository, its "
        "owner can grant access: `fullsend github grant`.",
        operator="Set `REPO_SCOPE` for the role, or `GRANTS=1` so that targets can grant access themselves.",
    ),
    "grants_not_enabled": ErrorCode(
        403,
        sentence="This mint does not serve target_org; its operator has not enabled grants.",
        cause="The request names another organization, and the mint runs without `GRANTS=1`.",
        caller="Leave `target_org` out, or ask the mint's operator to enable grants.",
        operator="Set `GRANTS=1`.",
    ),
    "target_not_granted": ErrorCode(
        403,
        sentence="The target has not granted this caller the role.",
        cause="The variable of the target repository or organization does not list the caller.",
        caller="Ask the target's owner to run `fullsend github grant TARGET --role ROLE --caller OWNER/REPO`. "
        "The message names the variable. A new grant takes up to a minute.",
    ),
    "role_key_missing": ErrorCode(
        403,
        sentence="This mint does not have the role's App key; its operator has to add it.",
        cause="The role is configured, but its App key was never stored.",
        caller=f"The mint knows the role but does not have its App key. {_TELL_OPERATOR}",
        operator="Store the key: `fullsend mint add-role ROLE --app-id ID --pem FILE`, or put `ROLE.pem` into "
        "`PEM_DIR`.",
    ),
    "key_unavailable": ErrorCode(
        502, retry=True,
        sentence="The mint cannot read the App key now; try again in a minute.",
        lasting="The mint may not use the App key. Fix: give the request id to the mint's operator, who has to fix "
        "this; a retry does not help.",
        cause="The mint's key store is down or slow. With the header `X-Should-Retry: false`, Google refuses the "
        "mint access to the key, and a retry does not help.",
        caller=f"The mint cannot use the App key. {_OR_OPERATOR}",
        operator="Read Google's sentence in the event's `cause`: a missing permission or a disabled API. If an "
        "outage does not pass, check that the mint's service account may read the secret: `fullsend mint "
        "doctor`.",
    ),
    "invalid_role_key": ErrorCode(
        500,
        sentence="The stored App key of the role is unusable; the mint's operator has to replace it.",
        cause="The stored App key is not a usable key, or GitHub refuses what it signs.",
        caller=f"The mint's App key for this role is unusable. {_TELL_OPERATOR}",
        operator="Create a new key in the App's settings and store it: `fullsend mint rotate-key ROLE --pem FILE`.",
    ),
    "rate_limited": ErrorCode(
        429, retry=True,
        sentence="This repository requested too many tokens; wait as long as Retry-After says.",
        cause="The calling repository requests tokens faster than the operator allows. `Retry-After` says how "
        "long to wait.",
        caller="Mint once per job and reuse the token within it. The client waits and retries for up to a minute.",
        operator="Raise `RATE_LIMIT` if the load is legitimate.",
    ),
    "token_spent": ErrorCode(
        403,
        sentence="This OIDC token has been used as often as the mint allows; request a fresh one in the job.",
        cause="The OIDC token has reached the number of mints that the operator allows for one token "
        "(`MINTS_PER_TOKEN`).",
        caller="Request a fresh OIDC token for each mint. The action and the command line do; a script must not "
        "reuse its token.",
        operator="If jobs need more mints per token, raise `MINTS_PER_TOKEN`. A token that is used twice can "
        "also be a stolen one: look at `fullsend audit find`.",
    ),
    # What GitHub has to grant.
    "app_not_installed": ErrorCode(
        422,
        sentence="The role's GitHub App is not installed on the organization; install it and try again.",
        cause="The role's GitHub App is not installed on the organization.",
        caller="Ask an owner of the organization to install the role's GitHub App; the message has the link. An "
        "installation on another organization does not count.",
    ),
    "installation_suspended": ErrorCode(
        422,
        sentence="The role's GitHub App is suspended on the organization; an owner has to unsuspend it in the "
        "organization's settings under 'GitHub Apps'.",
        cause="The App is installed, but the installation is suspended.",
        caller="Ask an owner of the organization to unsuspend it: Settings → GitHub Apps → Configure → Unsuspend.",
    ),
    "repos_not_accessible": ErrorCode(
        422,
        sentence="The role's GitHub App cannot access a requested repository.",
        cause="A requested repository does not exist, or the installation does not include it.",
        caller="Check the names in the message: each must exist in the organization, and the App's installation "
        "must include it: Settings → GitHub Apps → Configure → Repository access.",
    ),
    "permissions_not_granted": ErrorCode(
        422,
        sentence="The role's GitHub App lacks a permission that the role needs.",
        cause="The installation lacks a permission of the role, or the request has only permissions that GitHub "
        "does not have, such as `workflows: read`. The message names them.",
        caller="If the message says what to request instead, request that. Otherwise the organization has not "
        "accepted all permissions of the App. An owner accepts them: Settings → GitHub Apps → Configure → Review "
        "request.",
        operator="If there is no request to review, add the permissions in the App's own settings.",
    ),
    "github_refused": ErrorCode(
        422,
        sentence="GitHub refuses access to this organization.",
        cause="GitHub refuses permanently, for example because of an IP allow list. The message quotes GitHub. "
        "Without GitHub's JSON, a proxy or another service answered; its 401 and 404 are `github_unavailable`.",
        caller="Read GitHub's sentence in the message. Usually an owner of the organization has to allow the "
        "App, for example in the IP allow list.",
        operator="Without GitHub's JSON, check `GITHUB_API_URL` and the proxies on the way. Otherwise give the "
        "organization's owners the mint's outgoing addresses, so they can allow them.",
    ),
    # GitHub trouble.
    "github_rate_limited": ErrorCode(
        503, retry=True,
        sentence="GitHub rate-limits this App; wait as long as Retry-After says.",
        cause="GitHub rate-limits the App, or the mint has made as many look-ups as it allows in a minute. "
        "`Retry-After` says how long to wait.",
        caller="Run the job again after the time in the message. Mint once per job rather than once per step.",
        operator="Find the caller that mints most with `fullsend audit find`, and limit it with `RATE_LIMIT`.",
    ),
    "github_unavailable": ErrorCode(
        502, retry=True,
        sentence="GitHub did not give a usable answer; try again in a minute.",
        cause="GitHub is down, the mint cannot reach it, or its answer makes no sense.",
        caller="Look at GitHub's status page and run the job again.",
        operator="Check that the mint can reach `GITHUB_API_URL`.",
    ),
    "upstream_timeout": ErrorCode(
        504, retry=True,
        sentence="GitHub did not answer in time; try again in a minute.",
        cause="GitHub did not answer within the request's deadline.",
        caller="GitHub answered the mint too slowly. Run the job again.",
        operator="The deadline is `REQUEST_DEADLINE_SECONDS`.",
    ),
    "fallback_unavailable": ErrorCode(
        502, retry=True,
        sentence="The fallback mint that serves this role cannot be reached; try again in a minute.",
        cause="Another mint serves the role, and this mint cannot reach it.",
        caller="This mint forwards the role to another mint, which does not answer. Run the job again.",
        operator="Check `FALLBACK_MINT_URL`, and that its `/health` answers.",
    ),
    "internal_error": ErrorCode(
        500,
        sentence="The mint failed; give the request_id to its operator.",
        cause="The mint failed in an unexpected way.",
        caller=_TELL_OPERATOR,
        operator="Search the log for the request id. An entry of severity CRITICAL is an incident: treat it as "
        "one.",
    ),
}  # fmt: skip
