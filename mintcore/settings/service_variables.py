"""Define the variables about how a mint runs: its platform, its requests, its telemetry."""

from __future__ import annotations

from mintcore.settings.variable import (
    BOTH,
    HOSTED,
    HOSTED_REQUIRED,
    STANDALONE,
    STANDALONE_REQUIRED,
    Variable,
)

GOOGLE_CLOUD = (
    Variable(
        "GCP_PROJECT_NUMBER", *HOSTED_REQUIRED, example="123456789012",
        meaning="The project's number, for the STS audience and the secrets' names",
    ),
    Variable("WIF_POOL_NAME", *HOSTED_REQUIRED, example="fullsend-pool", meaning="The workload identity pool's id"),
    Variable(
        "WIF_PROVIDER_NAME", *HOSTED_REQUIRED, example="github-oidc",
        meaning="The id of the provider for every repository without its own",
    ),
    Variable("STS_URL", *HOSTED, default="https://sts.googleapis.com", meaning="Google's token service"),
    Variable(
        "SECRET_MANAGER_URL", *HOSTED, example="https://secretmanager.googleapis.com",
        meaning="Secret Manager. Unset means Google's own endpoint, as shown. On loopback the mint sends no "
        "credentials",
    ),
    Variable(
        "KMS_URL", *BOTH, default="https://cloudkms.googleapis.com",
        meaning="Cloud KMS, called only for the roles in `ROLE_KMS_KEYS`. On loopback the mint sends no "
        "credentials",
    ),
    Variable(
        "OVERLAP", *HOSTED, default="1",
        meaning="`1` requests the installation token in parallel with the STS exchange, if STS accepted the same "
        "provider and repository within the last 10 minutes. The token is returned only if STS accepts; otherwise "
        "it is revoked before the answer. `0` waits for STS first",
    ),
    Variable(
        "GOOGLE_CLOUD_PROJECT", *BOTH,
        meaning="The project's id, with which Cloud Logging joins log lines to traces",
    ),
)  # fmt: skip

STANDALONE_MINT = (
    Variable("PEM_DIR", *STANDALONE_REQUIRED, example="./pems", meaning="The folder with each App's `{role}.pem`"),
    Variable(
        "FALLBACK_MINT_URL", *STANDALONE, example="https://mint.example.com",
        meaning="Another mint, for the roles that this one does not hold",
    ),
    Variable(
        "PORT", *STANDALONE, default="8080", bounds=(1, 65535),
        meaning="The port to listen on (hosted, the framework's own variable)",
    ),
    Variable(
        "BIND", *STANDALONE, example="127.0.0.1",
        meaning="The IP address to listen on. Unset listens on every interface",
    ),
    Variable(
        "AUDIT_LOG", *STANDALONE, example="file:/var/log/fullsend-mint/audit.jsonl",
        meaning="`file:PATH` also writes the audit events to that file ([audit.md](audit.md))",
    ),
    Variable(
        "METRICS", *STANDALONE, default="0",
        meaning="`1` serves metrics for Prometheus at `/metrics`, to everyone who can reach the mint",
    ),
)  # fmt: skip

REQUESTS = (
    Variable(
        "GITHUB_API_URL", *BOTH, default="https://api.github.com",
        meaning="GitHub's API: `https://HOST/api/v3` of a GitHub Enterprise Server, `https://api.NAME.ghe.com` of "
        "GHE.com",
    ),
    Variable(
        "REQUEST_DEADLINE_SECONDS", *BOTH, default="25", bounds=(1, 3600),
        meaning="The time that one request may take, with all its upstream calls",
    ),
    # Also a variable of the functions framework, whose default of four per CPU the mint replaces (docs/adr/0049).
    Variable(
        "THREADS", *BOTH, default="80", bounds=(1, 1000),
        meaning="How many requests are served in parallel. Hosted, the service's concurrency must not be higher",
    ),
    Variable(
        "RATE_LIMIT", *BOTH, example="60/minute", meaning="Mints per calling repository and time. Unset: unlimited"
    ),
    Variable(
        "RATE_LIMIT_STORAGE", *BOTH, default="memory://",
        meaning="Where mints are counted: `memory://` (each instance counts separately, for up to some thousand "
            "calling repositories), or `redis://…` or `rediss://…` with the package `redis`",
    ),
    Variable(
        "HTTPS_PROXY_FROM_ENV", *BOTH, default="0",
        meaning="`1` uses `HTTPS_PROXY`. Off by default: a proxy sees which hosts the mint calls, so the mint "
        "uses none by accident",
    ),
    Variable(
        "HTTPS_PROXY", *BOTH, example="http://proxy.example.com:3128",
        meaning="A proxy for outgoing https calls, `http://[user:password@]host:port`. Not read unless "
        "`HTTPS_PROXY_FROM_ENV` is `1`",
    ),
)  # fmt: skip

TELEMETRY = (
    Variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT", *BOTH,
        meaning="An OpenTelemetry collector, OTLP over HTTP, for traces and metrics",
    ),
    Variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", *BOTH, meaning="The same for traces only"),
    Variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", *BOTH, meaning="The same for metrics only"),
    Variable(
        "OTEL_TRACES_EXPORTER", *BOTH, meaning="`otlp` or `none`; unset sends traces where an endpoint is set"
    ),
    Variable(
        "OTEL_METRICS_EXPORTER", *BOTH, meaning="`otlp` or `none`; unset sends metrics where an endpoint is set"
    ),
    Variable("OTEL_SDK_DISABLED", *BOTH, meaning="`true` sends nothing"),
)  # fmt: skip
