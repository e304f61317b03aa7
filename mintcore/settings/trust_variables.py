"""Define the variables about trust: which callers may mint, which repositories a token may reach, and the roles."""

from __future__ import annotations

from mintcore.settings.variable import BOTH, BOTH_REQUIRED, Variable

WHO_MAY_MINT = (
    Variable(
        "ALLOWED_ORGS", *BOTH, example="my-org,other-org",
        meaning="Organizations (or user accounts) whose jobs may mint, comma-separated; case does not matter. With "
        "`*` among them the mint is public. Empty denies every request, with a warning",
    ),
    Variable(
        "ALLOWED_WORKFLOW_FILES", *BOTH, example="triage.yml,coder.yml",
        meaning="Names of trusted workflow files; `*` trusts any file. Unset denies every request unless the mint "
        "is public, with a warning. Public mode does not check file names",
    ),
    Variable(
        "WORKFLOW_HOST_REPOS", *BOTH, default="fullsend-ai/fullsend", example="my-org/my-repo",
        meaning="`owner/repo`, comma-separated: their workflows are trusted for every organization. A value "
        "replaces the default",
    ),
    Variable(
        "WORKFLOW_REFS", *BOTH, example="refs/heads/main,refs/tags/v*,commits",
        meaning="Refs at which workflows of `WORKFLOW_HOST_REPOS` are trusted: branches and tags, with an optional "
        "`*` at the end. `commits` also trusts a full commit SHA that is part of one of the listed exact branches "
        "or tags. Unset trusts any ref, and warns in public mode",
    ),
    Variable(
        "PER_REPO_WIF_REPOS", *BOTH, example="my-org/my-repo",
        meaning="`owner/repo`, comma-separated: they may mint for themselves even if their owner is not in "
        "`ALLOWED_ORGS`. Each has its own provider, and its own workflows are trusted. `*` matches nothing",
    ),
    Variable(
        "ENROLLED_IDS", *BOTH, example='\'{"my-org": "1234567"}\'',
        meaning="JSON object, `org` or `owner/repo` → GitHub's numeric id. A name that comes with another id now "
        "belongs to a different account and is denied. A workflow's ids come from its token, those of a job of "
        "`CALLERS` from GitHub. `fullsend mint enroll` writes it",
    ),
    Variable(
        "REQUIRED_CLAIMS", *BOTH, example='\'{"event_name": ["push", "workflow_dispatch"]}\'',
        meaning="JSON object, claim → list of accepted values. The caller's token needs an accepted value for "
        "every claim; a `*` at the end of a value matches any ending",
    ),
    Variable(
        "REPORT_ONLY", *BOTH, example="repo_scope,ids",
        meaning="Rules that report instead of deny, comma-separated: `repo_scope`, `workflow_refs`, `claims`, "
        "`ids`. The audit event lists them under `would_deny`, the answer under `warnings`. A repository that is "
        "enrolled itself, without its owner, never gets more than itself. For a job of `CALLERS`, only `claims` "
        "and "
        "`ids` can "
        "report: its entry and its scope always deny, and `workflow_refs` does not apply",
    ),
)  # fmt: skip

WHAT_A_TOKEN_REACHES = (
    Variable(
        "REPO_SCOPE", *BOTH, example="caller",
        meaning="`caller`: a token reaches the calling repository and `.fullsend`; from `.fullsend`, any "
        "repositories by name. `organization`: any repositories, or the whole installation. Or a JSON object, role "
        "→ one of them, with `*` for the other roles. Unset means `organization`, with a warning",
    ),
    Variable(
        "DEFAULT_LEVEL", *BOTH, default="write", example="read",
        meaning="The level of a request without a level. Every served role must have it",
    ),
    Variable(
        "GRANTS", *BOTH, default="0",
        meaning="`1` lets a target repository or organization grant access beyond the scope and across "
        "organizations, with its Actions variable `FULLSEND_FOREIGN_{ROLE}_REPOS`",
    ),
    Variable(
        "MINTS_PER_TOKEN", *BOTH, example="1", bounds=(1, 1000),
        meaning="Mints per OIDC token (`jti`), counted in `RATE_LIMIT_STORAGE`. Unset is unlimited",
    ),
)  # fmt: skip

ROLES = (
    Variable(
        "ROLE_APP_IDS", *BOTH_REQUIRED, example='\'{"triage": "123456", "coder": "123457"}\'',
        meaning="JSON object, role → GitHub App ID. Keys with a `/` come from an older version and are ignored; "
        "with only such keys `/health` is 503",
    ),
    Variable(
        "ALLOWED_ROLES", *BOTH, example="triage,coder",
        meaning="The roles to serve, a subset of those in `ROLE_APP_IDS`. Unset serves all of them",
    ),
    Variable(
        "ROLE_KMS_KEYS", *BOTH,
        example='\'{"triage": "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"}\'',
        meaning="JSON object, role → version of a Cloud KMS key that signs for the role's App, instead of a secret "
        "or file. If both exist, KMS signs and the other is not read",
    ),
    Variable(
        "CUSTOM_ROLE_PERMISSIONS", *BOTH, example='\'{"scanner": {"contents": "read", "metadata": "read"}}\'',
        meaning="JSON object, role → {permission: `read`, `write` or `admin`}, for roles beyond the built-in ones; "
        'or role → `{"levels": {"read": {…}, "write": {…}}}`, where each level contains the one before it',
    ),
)  # fmt: skip

WHOSE_TOKENS = (
    Variable(
        "OIDC_ISSUER_URL", *BOTH, default="https://token.actions.githubusercontent.com",
        meaning="The issuer of GitHub Actions' tokens; not together with an issuer of the kind `github` in "
        "`ISSUERS`",
    ),
    Variable("OIDC_AUDIENCE", *BOTH, default="fullsend-mint", meaning="The audience of the callers' tokens"),
    Variable(
        "ISSUERS", *BOTH, example='\'{"gitlab": {"kind": "gitlab", "url": "https://gitlab.com"}}\'',
        meaning="JSON object, name → issuer of another CI system: `kind` (`github`, `gitlab`, `buildkite`, "
        "`circleci`, `kubernetes`), `url` (exactly the `iss` of its tokens), and optionally `audience` (default "
        "`OIDC_AUDIENCE`) and `jwks_file` (the path of its key set, where the mint cannot reach it). Hosted, its "
        "identity provider is `ci-{name}`. Who may ask is in `CALLERS`; [other-ci.md](other-ci.md) has every kind",
    ),
    Variable(
        "CALLERS", *BOTH,
        example='\'[{"issuer": "gitlab", "match": {"project_id": "4711", "ref_protected": "true", '
        '"ref_path": "refs/heads/main"}, "as": "my-org/my-repo", "roles": ["coder"]}]\'',
        meaning="JSON list: which jobs of an issuer may ask. `match`: claim → value, exact or with one `*` at its "
        "end; it must pin the project exactly. `as`: the repository for which the job acts; its owner must be "
        "enrolled. `roles`: the roles that it may request. `level`, optional: the highest level, and the "
        "default one. If several entries match, the first that has the role decides. Such a job has the scope "
        "`caller` unless `REPO_SCOPE` says more",
    ),
)  # fmt: skip
