"""Read the mint's environment variables for an operator's commands. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fullsend.operate.operate_errors import BadInput
from fullsend.settings_problems import explained
from mintcore.policy.names import Org, Repo, parse_repo
from mintcore.settings.environment import ConfigurationError, read_hosted

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Variables = Mapping[str, str]

EVERYONE = "*"
SOURCE_HASH = "FULLSEND_SOURCE_SHA256"
"""An extra variable: the hash of the bundle from which the revision was built."""
KEY_IN_USE = "FULLSEND_KEY_"
"""Prefix of the variables in which `rotate-key` notes, per role, the fingerprint of the key in use."""
REPO_ONLY = "FULLSEND_REPO_ONLY_ORGS"
"""From older deployments: organizations in ALLOWED_ORGS only because single repositories are enrolled.
`deploy` removes them from both variables."""
IDS = "ENROLLED_IDS"
KMS_KEYS = "ROLE_KMS_KEYS"
REQUIRED = "REQUIRED_CLAIMS"
REPORT_ONLY = "REPORT_ONLY"


def items(environment: Mapping[str, str], variable: str) -> list[str]:
    """Return the items of a comma-separated variable."""
    return [item.strip() for item in environment.get(variable, "").split(",") if item.strip()]


def orgs(environment: Mapping[str, str]) -> list[Org]:
    """Return the valid organizations in ALLOWED_ORGS."""
    return [org for item in items(environment, "ALLOWED_ORGS") if (org := _valid(item, Org)) is not None]


def repos(environment: Mapping[str, str]) -> list[Repo]:
    """Return the valid repositories in PER_REPO_WIF_REPOS."""
    listed = items(environment, "PER_REPO_WIF_REPOS")
    return [repo for item in listed if (repo := _valid(item, parse_repo)) is not None]


def _valid(item: str, parse: Callable[[str], T]) -> T | None:
    try:
        return parse(item)
    except ValueError:
        return None


def admitted_orgs(environment: Mapping[str, str]) -> list[Org]:
    """Return the organizations that are enrolled as a whole; the shared provider must admit them."""
    apart = {item.lower() for item in items(environment, REPO_ONLY)}
    return [org for org in orgs(environment) if org.key not in apart]


def ids(environment: Mapping[str, str]) -> dict[str, str]:
    """Return GitHub's id by lowercased name of an organization or repository; empty for an invalid variable."""
    try:
        found = json_object(environment, IDS)
    except BadInput:
        return {}
    return {name.lower(): str(value) for name, value in found.items()}


def required_claims(environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the accepted values by claim; empty for an invalid variable, and if the rule only reports."""
    if reports_only(environment, "claims"):
        return {}
    try:
        found = json_object(environment, REQUIRED)
    except BadInput:
        return {}
    return {name: tuple(map(str, values)) for name, values in sorted(found.items()) if isinstance(values, list)}


def reports_only(environment: Mapping[str, str], rule: str) -> bool:
    """Whether a rule only reports. Then Google's condition must not deny either."""
    return rule in items(environment, REPORT_ONLY)


def is_public(environment: Mapping[str, str]) -> bool:
    """Whether the mint is in public mode."""
    return EVERYONE in items(environment, "ALLOWED_ORGS")


def app_ids(environment: Mapping[str, str]) -> dict[str, str]:
    """Return role → App ID. Raises BadInput if ROLE_APP_IDS is not a JSON object."""
    return {str(role): str(app) for role, app in json_object(environment, "ROLE_APP_IDS").items()}


def json_object(environment: Mapping[str, str], variable: str) -> dict[str, Any]:
    """Return the object in a variable, empty if it is not set. Raises BadInput if it is not an object."""
    text = environment.get(variable, "").strip()
    try:
        parsed = json.loads(text) if text else {}
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise BadInput(
            f"{variable} of the running mint is not a JSON object, so nothing can be added to it.",
            "Correct it on the Cloud Run service's page; docs/configuration.md has an example.",
        )
    return parsed


def check(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the mint's warnings about an environment. Raises BadInput with the mint's problems."""
    try:
        return read_hosted(environment).common.warnings
    except ConfigurationError as error:
        problems, remedy = explained(error.problems)
        raise BadInput(f"The mint would not start with these settings:\n  {problems}", remedy) from None


def new_warnings(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the warnings that ``after`` adds. Raises BadInput if ``after`` is invalid."""
    warnings = check(after)
    try:
        known = check(before)
    except BadInput:
        return list(warnings)
    return [sentence for sentence in warnings if sentence not in known]
