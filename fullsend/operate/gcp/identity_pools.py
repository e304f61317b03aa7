"""Call IAM v1 for workload identity pools and their providers.

A deleted pool or provider keeps its name for 30 days, is still shown, and can be undeleted.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.federation import Pool, Provider, ProviderSpec
from fullsend.operate.model.key_sets import canonical
from fullsend.operate.operate_errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.session import Session

SPEC_FIELDS = "attributeMapping,attributeCondition,oidc.issuerUri,oidc.allowedAudiences,oidc.jwksJson,disabled"


def _short(name: str) -> str:
    return name.rpartition("/")[2]


class Federation:
    """Pools and providers, by resource name."""

    def __init__(self, session: Session) -> None:
        self._api = session.api("iam", "v1")

    def pool(self, name: str) -> Pool | None:
        """Return a pool, deleted ones included."""
        try:
            found = self._api.get(name, f"show the pool {_short(name)}")
        except NotThere:
            return None
        return Pool(state=str(found.get("state", "")), disabled=bool(found.get("disabled", False)))

    def create_pool(self, name: str, display_name: str) -> None:
        """Create a pool. Raises AlreadyExists."""
        parent, _, identifier = name.rpartition("/")
        what, body = f"create the pool {identifier}", {"displayName": display_name}
        self._finish(self._api.post(parent, what, body, workloadIdentityPoolId=identifier), what)

    def undelete_pool(self, name: str) -> None:
        """Restore a deleted pool."""
        what = f"undelete the pool {_short(name)}"
        self._finish(self._api.post(f"{name}:undelete", what), what)

    def enable_pool(self, name: str) -> None:
        """Enable a disabled pool."""
        what = f"enable the pool {_short(name)}"
        self._finish(self._api.patch(name, what, {"disabled": False}, updateMask="disabled"), what)

    def delete_pool(self, name: str) -> None:
        """Delete a pool, unless it is gone."""
        what = f"delete the pool {_short(name)}"
        with suppress(NotThere):
            self._finish(self._api.delete(name, what), what)

    def provider(self, name: str) -> Provider | None:
        """Return a provider, deleted ones included."""
        try:
            return _provider(self._api.get(name, f"show the provider {_short(name)}"))
        except NotThere:
            return None

    def providers(self, pool: str) -> dict[str, Provider]:
        """Return every provider of a pool by its id, deleted ones included."""
        what = f"list the providers of the pool {_short(pool)}"
        try:
            pages = list(self._api.pages(f"{pool}/providers", what, showDeleted="true", pageSize=100))
        except NotThere:
            return {}
        listed = (one for page in pages for one in page.get("workloadIdentityPoolProviders", ()))
        return {_short(one["name"]): _provider(one) for one in listed}

    def create_provider(self, name: str, spec: ProviderSpec) -> None:
        """Create a provider. Raises AlreadyExists."""
        parent, _, identifier = name.rpartition("/")
        what = f"create the provider {identifier}"
        created = self._api.post(parent, what, _body(spec), workloadIdentityPoolProviderId=identifier)
        self._finish(created, what)

    def undelete_provider(self, name: str) -> None:
        """Restore a deleted provider."""
        what = f"undelete the provider {_short(name)}"
        self._finish(self._api.post(f"{name}:undelete", what), what)

    def update_provider(self, name: str, spec: ProviderSpec) -> None:
        """Write every field of a provider, and enable it."""
        what = f"update the provider {_short(name)}"
        self._finish(self._api.patch(name, what, {**_body(spec), "disabled": False}, updateMask=SPEC_FIELDS), what)

    def set_condition(self, name: str, condition: str) -> None:
        """Write only a provider's attribute condition."""
        what = f"change the condition of the provider {_short(name)}"
        body = {"attributeCondition": condition}
        self._finish(self._api.patch(name, what, body, updateMask="attributeCondition"), what)

    def delete_provider(self, name: str) -> None:
        """Delete a provider, unless it is gone."""
        what = f"delete the provider {_short(name)}"
        with suppress(NotThere):
            self._finish(self._api.delete(name, what), what)

    def _finish(self, operation: dict[str, Any], what: str) -> None:
        self._api.finish(operation, what)


def _provider(found: Mapping[str, Any]) -> Provider:
    oidc = found.get("oidc", {})
    spec = ProviderSpec(
        issuer=str(oidc.get("issuerUri", "")),
        condition=str(found.get("attributeCondition", "")),
        audiences=tuple(oidc.get("allowedAudiences", ())),
        mapping=dict(found.get("attributeMapping", {})),
        keys=canonical(str(oidc.get("jwksJson", ""))),
    )
    return Provider(spec, state=str(found.get("state", "")), disabled=bool(found.get("disabled", False)))


def _body(spec: ProviderSpec) -> dict[str, Any]:
    return {
        "attributeMapping": dict(spec.mapping),
        "attributeCondition": spec.condition,
        "oidc": {
            "issuerUri": spec.issuer,
            "allowedAudiences": list(spec.audiences),
            **({"jwksJson": spec.keys} if spec.keys else {}),
        },
    }
