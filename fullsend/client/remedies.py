"""What to change, per error code: the paragraph that errors print and `docs/errors.md` repeats.

Keyed by the mint's codes and the client's own. Pure text; the action carries the same table as
`hints.json`, and a test holds the three together.
"""

from __future__ import annotations

_CLIENT = {
    "mint_url_invalid": (
        "Set --mint-url (the input mint_url of the action, the variable FULLSEND_MINT_URL, the "
        "first argument of MintClient) to the URL that the mint's operator gave you. It is a bare "
        "https:// URL, without /v1/token at its end."
    ),
    "github_url_invalid": (
        "Set GITHUB_API_URL to the API of the GitHub that the token is for: https://api.github.com, "
        "which is also meant where it is not set, or https://HOST/api/v3 of a GitHub Enterprise "
        "Server. GitHub Actions sets it by itself."
    ),
    "mint_unreachable": (
        "Check the mint URL for a typing error first, then whether the runner may connect to "
        "it: self-hosted runners often need a proxy (HTTPS_PROXY) or a firewall rule. Opening "
        "{mint URL}/health in a browser shows whether the mint runs. Giving several mint URLs "
        "makes the job try the next one."
    ),
    "mint_certificate_refused": (
        "The runner does not trust the certificate that answers at the mint URL. Where a proxy opens "
        "TLS connections, give the runner that proxy's CA: REQUESTS_CA_BUNDLE for the command, "
        "NODE_EXTRA_CA_CERTS for the action. Otherwise the certificate is expired or for another "
        "name: check the mint URL, then tell whoever runs the mint."
    ),
    "mint_not_reached": (
        "Something before the mint answered in its place: a proxy, a load balancer, or the platform "
        "that the mint runs on, while it starts, fails or is overloaded. Run the job again; if it "
        "stays, look whether {mint URL}/health answers, and tell whoever runs the mint."
    ),
    "not_a_mint": (
        "Something answered that is not a mint, for example a proxy's sign-in page or another "
        "service. The mint URL is the bare address, without /v1/token at its end and without a "
        'redirect on the way; opening {mint URL}/health in a browser must show {"status": '
        '"ok"}.'
    ),
    "oidc_permission_missing": (
        "Give the job the permission to ask for its OIDC token:\n"
        "\n"
        "    jobs:\n"
        "      my-job:\n"
        "        permissions:\n"
        "          id-token: write   # lets the job ask for its OIDC token\n"
        "          contents: read    # listing one permission sets all others to none: list "
        "what else the job needs\n"
        "\n"
        "If the job is in a reusable workflow, the job that calls it needs the permission too: "
        "a called workflow can never have more than its caller."
    ),
    "oidc_fork_pull_request": (
        "GitHub gives no OIDC token to a pull request from a fork, whatever `permissions` says,"
        " because anyone can open one. Skip the step for forks:\n"
        "\n"
        "    if: github.event.pull_request.head.repo.full_name == github.repository\n"
        "\n"
        "and do the work that needs the token in a workflow of its own that runs afterwards on "
        "`workflow_run`, without checking out or running the fork's code. Do not switch to "
        "`pull_request_target` and check out the fork's code: that hands the token to the fork."
    ),
    "oidc_not_available": (
        "Run this in a CI job that has an OIDC token: GitHub Actions with `id-token: write`, or"
        " another system that the Python library `id` detects. On your own machine there is "
        "none; `fullsend run-token` works there, with an App key."
    ),
    "oidc_request_failed": (
        "The CI system offered an OIDC token and then did not give it. A 5xx or a time-out is usually "
        "over in a minute: run the job again, and if it stays, look at the CI system's status page. A 4xx, "
        "or an address that is not reached, means that the job's ACTIONS_ID_TOKEN_REQUEST_… variables "
        "are not what the runner set for it: do not set them, and do not carry them over from another job."
    ),
    "github_token_not_usable": (
        "GitHub can refuse a new token for a few seconds. Run the job again; if it stays, the "
        "App was suspended or uninstalled meanwhile, or GITHUB_API_URL points to another GitHub"
        " than the mint's."
    ),
    "github_revoke_failed": (
        "The token stays valid until it expires, one hour after it was made. Run the revocation"
        " again. If GitHub says 403, the token is not an installation token (ghs_…), and only "
        "its owner can revoke it."
    ),
}

_MINT = {
    "not_found": "The mint URL is the bare address; remove any path from its end.",
    "method_not_allowed": "Ask for a token with POST /v1/token, for the status with GET /v1/status.",
    "missing_bearer": (
        "Send the job's OIDC token as `Authorization: Bearer …`. The action and the command do;"
        " a proxy in front of the mint may have removed the header."
    ),
    "body_too_large": ("Ask for fewer repositories, or for all of the installation's by leaving `repos` out."),
    "invalid_json": 'Send a JSON object such as {"role": "coder", "repos": ["my-repo"]}.',
    "role_required": "Name the role: --role coder, or the input `role` of the action.",
    "invalid_role": (
        "Check the role's spelling: a lowercase letter, then lowercase letters, digits, - and "
        "_. `fullsend mint status` in a job lists the roles you can ask for."
    ),
    "invalid_repos": ("Give bare repository names of your own organization: `my-repo`, not `my-org/my-repo`."),
    "too_many_repos": ("Name at most 500 repositories, or leave `repos` out to get all of the installation's."),
    "invalid_token": (
        "Usual causes: the audience is not the mint's (default fullsend-mint; --audience, the "
        "input `audience`); the token was older than its five to ten minutes, so ask for it in "
        "the step that uses it; the mint was set up for another issuer. The mint does not say "
        "which, on purpose; its operator sees it in the log."
    ),
    "issuer_unavailable": (
        "The mint cannot fetch the issuer's keys. This is usually over in minutes: run the job again."
    ),
    "sts_unavailable": (
        "The mint cannot reach Google's token service. This is usually over in minutes: run the job again."
    ),
    "org_not_allowed": (
        "The organization that owns this repository is not enrolled. Ask the mint's operator to"
        " enroll it: `fullsend mint enroll YOUR-ORG`."
    ),
    "workflow_not_allowed": (
        "The mint trusts workflows by where their file lives. Call the trusted reusable "
        "workflow with `uses:` from your own instead of minting in a workflow of your own, or "
        "ask the operator to allow the file's name (ALLOWED_WORKFLOW_FILES) or the repository "
        "(`fullsend mint enroll ORG/REPO`). `fullsend mint status --role ROLE` in the job shows "
        "each rule, and which one refuses."
    ),
    "role_not_allowed": (
        "Check the role's spelling; `fullsend mint status` in a job lists the roles you can ask"
        " for. To get a new one, ask the mint's operator: `fullsend mint add-role ROLE`."
    ),
    "role_key_missing": (
        "The mint knows the role but has no App key for it. Nothing in your workflow can mend "
        "this. Tell whoever runs the mint, with the code and the request id."
    ),
    "key_unavailable": ("The mint cannot reach its key store. This is usually over in minutes: run the job again."),
    "invalid_role_key": (
        "The mint's App key for this role cannot be used. Nothing in your workflow can mend "
        "this. Tell whoever runs the mint, with the code and the request id."
    ),
    "rate_limited": (
        "This repository asked more often than the mint allows. Mint once per job and pass the "
        "token on within it; the client waits and asks again by itself for a minute."
    ),
    "app_not_installed": (
        "Have an owner of the organization install the role's GitHub App on it; the message "
        "names the page. An App installed on another organization does not count."
    ),
    "installation_suspended": (
        "An owner of the organization suspended the App: Settings → GitHub Apps → Configure → Unsuspend."
    ),
    "repos_not_accessible": (
        "Check the names in the message: they must exist in the organization, and the App's "
        "installation must include them: Settings → GitHub Apps → Configure → Repository "
        "access."
    ),
    "permissions_not_granted": (
        "The App asks for permissions the organization has not accepted. An owner accepts them:"
        " Settings → GitHub Apps → Configure → Review request. If there is no request, the "
        "App's own settings lack them."
    ),
    "github_rate_limited": (
        "GitHub limits the App's calls for the moment. Run the job again after the time in the "
        "message; mint once per job rather than once per step."
    ),
    "github_unavailable": ("GitHub does not answer the mint. Look at GitHub's status page and run the job again."),
    "upstream_timeout": "GitHub answered the mint too slowly. Run the job again.",
    "internal_error": (
        "Nothing in your workflow can mend this. Tell whoever runs the mint, with the code and the request id."
    ),
    "fallback_unavailable": (
        "This mint passes the role on to another mint, which does not answer. Run the job "
        "again; if it stays, tell whoever runs the mint."
    ),
}

REMEDIES = {**_CLIENT, **_MINT}
CLIENT_CODES = frozenset(_CLIENT)


def remedy_for(code: str) -> str:
    """Return the paragraph for a code; empty for one that this version does not know."""
    return REMEDIES.get(code, "")
