"""Rows of allowed requests that fail behind the mint: keys, Google, GitHub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fullsend_sandbox import names
from fullsend_sandbox.faults import Drop, Fail, Garbage, Huge, Slow
from tests.contract.table import Row, as_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend_sandbox.world import World

HASTE = {"REQUEST_DEADLINE_SECONDS": "2"}
HOSTED = ("hosted",)
_SECRET = names.secret_name("coder")


def _break(service: str, fault: Any, path: str = "/") -> Callable[[World], None]:
    return lambda world: getattr(world, service).faults.add(fault, path)


def _coder(world: World) -> Any:
    return world.installations["coder", names.ORG]


def _wrong_key(world: World) -> None:
    """Store another App's key as coder's key."""
    world.secret_manager.add_version(_SECRET, world.apps["triage"].private_key_pem)


def _another_org_admitted(world: World) -> None:
    world.admit_orgs(names.OTHER_ORG)


def _grant_less(world: World) -> None:
    """The owner has not accepted all that the App asks for."""
    world.github.uninstall(world.installations["fullsend", names.ORG])
    less = {"actions": "write", "contents": "write", "metadata": "read", "pull_requests": "write"}
    world.github.install_app(world.apps["fullsend"], names.ORG, permissions={**less, "actions_variables": "read"})


_OTHER_INSTALLATION = json.dumps(
    {"id": 1, "account": {"login": "octo-org-evil"}, "permissions": {}, "suspended_at": None}
)

_IP_ALLOW_LIST = (
    "Although you appear to have the correct authorization credentials, the `octo-org` organization has an IP "
    "allow list enabled, and your IP address is not permitted to access this resource."
)

GOOGLE = (
    Row(
        "STS does not accept",
        as_job(),
        401,
        "invalid_token",
        _another_org_admitted,
        modes=HOSTED,
    ),
    Row(
        "the provider does not exist",
        as_job(),
        401,
        "invalid_token",
        environment={"WIF_PROVIDER_NAME": "nowhere"},
        says=("operator", "request id"),
        modes=HOSTED,
    ),
    Row("STS is down", as_job(), 502, "sts_unavailable", _break("sts", Fail(503)), modes=HOSTED),
    Row("STS drops the connection", as_job(), 502, "sts_unavailable", _break("sts", Drop()), modes=HOSTED),
    Row("STS answers HTML", as_job(), 502, "sts_unavailable", _break("sts", Garbage()), modes=HOSTED),
    Row("STS answers 10 MB", as_job(), 502, "sts_unavailable", _break("sts", Huge()), modes=HOSTED),
    Row("STS is slow", as_job(), 502, "sts_unavailable", _break("sts", Slow(30)), environment=HASTE, modes=HOSTED),
    Row("STS limits us", as_job(), 502, "sts_unavailable", _break("sts", Fail(429)), modes=HOSTED),
    Row(
        "no key",
        as_job(),
        403,
        "role_key_missing",
        lambda w: w.secret_manager.delete_secret(_SECRET),
        calls={"github": 0},
    ),
    Row(
        "the secret's version is disabled",
        as_job(),
        403,
        "role_key_missing",
        lambda w: w.secret_manager.disable(_SECRET, 1),
        modes=HOSTED,
    ),
    Row(
        "Secret Manager is down",
        as_job(),
        502,
        "key_unavailable",
        _break("secret_manager", Fail(503)),
        environment=HASTE,
        calls={"github": 0},
        modes=HOSTED,
    ),
    Row(
        "Secret Manager lets nobody in",
        as_job(),
        502,
        "key_unavailable",
        lambda w: w.secret_manager.deny(_SECRET),
        modes=HOSTED,
    ),
    Row(
        "the secret is no key",
        as_job(),
        500,
        "invalid_role_key",
        lambda w: w.secret_manager.add_version(_SECRET, b"not a key"),
        calls={"github": 0},
        modes=HOSTED,
    ),
    Row("the key is another App's", as_job(), 500, "invalid_role_key", _wrong_key),
)

GITHUB = (
    Row(
        "App is not installed",
        as_job(),
        422,
        "app_not_installed",
        lambda w: w.github.uninstall(_coder(w)),
        says=("octo-org", "/installations/new"),
    ),
    Row(
        "installation is suspended",
        as_job(),
        422,
        "installation_suspended",
        lambda w: w.github.suspend(_coder(w)),
        says=("octo-org",),
    ),
    Row(
        "a repository that does not exist",
        as_job({"role": "coder", "repos": ["app", "nowhere"]}),
        422,
        "repos_not_accessible",
        says=("octo-org/nowhere",),
    ),
    Row(
        "a repository that was not selected",
        as_job({"role": "coder", "repos": ["app", "docs"]}),
        422,
        "repos_not_accessible",
        lambda w: w.github.select_repositories(_coder(w), ["app"]),
        says=("octo-org/docs",),
    ),
    Row(
        "a permission that was not granted",
        as_job({"role": "fullsend", "repos": ["app"]}),
        422,
        "permissions_not_granted",
        _grant_less,
        says=("workflows:write",),
    ),
    Row(
        "GitHub's primary limit",
        as_job(),
        503,
        "github_rate_limited",
        lambda w: w.github.limit_primary(120),
        headers={"Retry-After": "1[12][0-9]"},
    ),
    Row(
        "GitHub's secondary limit",
        as_job(),
        503,
        "github_rate_limited",
        lambda w: w.github.limit_secondary(77),
        headers={"Retry-After": "77"},
    ),
    Row(
        "GitHub's secondary limit without a header",
        as_job(),
        503,
        "github_rate_limited",
        lambda w: w.github.limit_secondary(None),
        headers={"Retry-After": "60"},
    ),
    Row(
        "no App has the configured id",
        as_job(),
        500,
        "invalid_role_key",
        environment={"ROLE_APP_IDS": '{"coder": 1}'},
    ),
    Row(
        "GitHub's IP allow list refuses the mint",
        as_job(),
        422,
        "github_refused",
        _break("github", Fail(403, json.dumps({"message": _IP_ALLOW_LIST}))),
        says=("octo-org", "IP allow list", "a retry does not help"),
    ),
    Row(
        "the GitHub API URL leads to another web server",
        as_job(),
        502,
        "github_unavailable",
        _break("github", Fail(404, "<html>Not Found</html>")),
        says=("GITHUB_API_URL does not look like GitHub's API",),
    ),
    Row("GitHub is down", as_job(), 502, "github_unavailable", _break("github", Fail(502))),
    Row("GitHub drops the connection", as_job(), 502, "github_unavailable", _break("github", Drop())),
    Row("GitHub answers HTML", as_job(), 502, "github_unavailable", _break("github", Garbage())),
    Row("GitHub answers 10 MB", as_job(), 502, "github_unavailable", _break("github", Huge())),
    Row("GitHub is slow", as_job(), 504, "upstream_timeout", _break("github", Slow(30)), environment=HASTE),
    Row(
        "GitHub names another org's installation",
        as_job(),
        500,
        "internal_error",
        _break("github", Fail(200, _OTHER_INSTALLATION), "/orgs/"),
        says=("request_id",),
    ),
)

STANDALONE = (
    Row(
        "the issuer's keys are not available",
        as_job(),
        502,
        "issuer_unavailable",
        _break("issuer", Fail(503)),
        calls={"github": 0},
        modes=("standalone",),
    ),
)


ROWS = (*GOOGLE, *GITHUB, *STANDALONE)
