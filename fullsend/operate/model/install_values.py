"""Check the form of each managed value before anything is sent.

Pure. A value of the right form can still be wrong, which only the mint, Google or GitHub can tell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fullsend.net.urls import UnsafeUrlError, credential_url
from fullsend.operate.model.install import MINT_URL, PER_REPO, PROJECT, PROVIDER, REGION, client_id_name
from fullsend.operate.model.names import MINT_POOL, role
from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_REGION = "global"
EXAMPLE_PROVIDER = (
    "projects/123456789012/locations/global/workloadIdentityPools/fullsend-inference/providers/github-oidc"
)
_PROVIDER = re.compile(
    r"projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}"
)
_PROVIDER_BY_ID = re.compile(r"projects/(?![0-9]+/)[^/]+/locations/global/workloadIdentityPools/.*")
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"global|us|eu|[a-z]+(?:-[a-z]+)+[0-9]{1,2}")
_CLIENT_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]{9,63}")


def checked(name: str, value: str) -> str:
    """Return the normalized value for a managed name. Raises BadInput."""
    rules = {MINT_URL: _mint_url, PROVIDER: _provider, PROJECT: _project, REGION: _region, PER_REPO: _per_repo}
    return rules.get(name, _client_id)(value)


def client_ids(pairs: Iterable[str]) -> dict[str, str]:
    """Read `ROLE=ID` pairs into variables. Raises BadInput, also if two roles share a variable."""
    found: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        role_name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(
                f"{pair!r} is not ROLE=CLIENT_ID.", "For example: --client-id coder=Iv23liAbCdEfGhIjKlMn"
            )
        name = client_id_name(role(role_name))
        if name in found:
            raise BadInput(
                f"{found[name][0]!r} and {role_name!r} would both use the variable {name}.", "Give one of them."
            )
        found[name] = role_name, checked(name, value)
    return {name: value for name, (_, value) in found.items()}


def _mint_url(value: str) -> str:
    try:
        return credential_url(value, what="the mint's URL", example="https://fullsend-mint-abc-uc.a.run.app")
    except UnsafeUrlError as error:
        raise BadInput(f"{error}.", "`fullsend mint deploy` printed the URL as FULLSEND_MINT_URL.") from None


def _provider(value: str) -> str:
    if f"/workloadIdentityPools/{MINT_POOL}/" in value and _PROVIDER.fullmatch(value):
        raise BadInput(
            f"the WIF provider is in {MINT_POOL}, the mint's own pool, whose identities never use models.",
            "Give a provider of the inference pool. `fullsend inference provision TARGET --project PROJECT` "
            "creates it and prints its name.",
        )
    if _PROVIDER.fullmatch(value):
        return value
    rest = re.sub(r"^(?:https?:)?//iam\.googleapis\.com/", "", value)
    if rest != value:
        why = "must not begin with //iam.googleapis.com/: that form is an audience"
    elif _PROVIDER_BY_ID.fullmatch(value):
        why = "has the project's id where its number belongs; `gcloud projects describe ID` shows the number"
    else:
        why = "is not a workload identity provider's resource name"
    raise BadInput(
        f"the WIF provider name {why}.",
        f"It looks like {EXAMPLE_PROVIDER}\n"
        "`fullsend inference status TARGET --project PROJECT` shows the one that was provisioned.",
    )


def _project(value: str) -> str:
    if not _PROJECT.fullmatch(value):
        raise BadInput(
            "the inference project is not a project id: 6 to 30 lowercase letters, digits and '-', a letter first.",
            "`gcloud projects list` shows your projects; the id is neither the name nor the number.",
        )
    return value


def _region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise BadInput(f"{value!r} is not a region for inference.", "Give global, us, eu or one such as us-east5.")
    return value


def _per_repo(value: str) -> str:
    if value != "true":
        raise BadInput(f"{PER_REPO} can only be 'true'.", "`fullsend github uninstall` removes it.")
    return value


def _client_id(value: str) -> str:
    if not _CLIENT_ID.fullmatch(value):
        hint = " It may be the App ID, which is a number." if value.isdigit() else ""
        raise BadInput(
            f"{value!r} is not a client ID.{hint}",
            "The App's page shows the client ID under 'About'; it begins with Iv: Iv23liAbCdEfGhIjKlMn.",
        )
    return value
