"""IAM v1, workload identity pools and their providers.

Deleted ones keep their name for 30 days, are still shown, and come back with undelete.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.federation import Pool, Provider, ProviderSpec
from fullsend.operate.operate_errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.session import Session

SPEC_FIELDS = "attributeMapping,attributeCondition,oidc.issuerUri,oidc.allowedAudiences,disabled"


def _short(name: str) -> str:
    return name.rpartition("/")[2]


class Federation:
    """Pools and providers, by resource name."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _pools(self) -> Any:
        return self._session.service("iam", "v1").projects().locations().workloadIdentityPools()

    def pool(self, name: str) -> Pool | None:
        """Return a pool, deleted ones included."""
        try:
            found = self._session.call(self._pools.get(name=name), f"show the pool {_short(name)}")
        except NotThere:
            return None
        return Pool(state=str(found.get("state", "")), disabled=bool(found.get("disabled", False)))

    def create_pool(self, name: str, display_name: str) -> None:
        """Create a pool. Raises AlreadyExists."""
        parent, _, identifier = name.partition("/workloadIdentityPools/")
        body = {"displayName": display_name}
        request = self._pools.create(parent=parent, workloadIdentityPoolId=identifier, body=body)
        self._pool_write(request, f"create the pool {identifier}")

    def undelete_pool(self, name: str) -> None:
        """Bring a deleted pool back."""
        self._pool_write(self._pools.undelete(name=name, body={}), f"undelete the pool {_short(name)}")

    def enable_pool(self, name: str) -> None:
        """Enable a disabled pool."""
        request = self._pools.patch(name=name, updateMask="disabled", body={"disabled": False})
        self._pool_write(request, f"enable the pool {_short(name)}")

    def delete_pool(self, name: str) -> None:
        """Delete a pool; one that is gone already will do."""
        with suppress(NotThere):
            self._pool_write(self._pools.delete(name=name), f"delete the pool {_short(name)}")

    def provider(self, name: str) -> Provider | None:
        """Return a provider, deleted ones included."""
        request = self._pools.providers().get(name=name)
        try:
            return _provider(self._session.call(request, f"show the provider {_short(name)}"))
        except NotThere:
            return None

    def providers(self, pool: str) -> dict[str, Provider]:
        """Return every provider of a pool by its id, deleted ones included."""
        api = self._pools.providers()
        found: dict[str, Provider] = {}
        request = api.list(parent=pool, showDeleted=True, pageSize=100)
        while request is not None:
            try:
                answer = self._session.call(request, f"list the providers of the pool {_short(pool)}")
            except NotThere:
                return {}
            for one in answer.get("workloadIdentityPoolProviders", ()):
                found[_short(one["name"])] = _provider(one)
            request = api.list_next(request, answer)
        return found

    def create_provider(self, name: str, spec: ProviderSpec) -> None:
        """Create a provider. Raises AlreadyExists."""
        pool, _, identifier = name.partition("/providers/")
        request = self._pools.providers().create(
            parent=pool, workloadIdentityPoolProviderId=identifier, body=_body(spec)
        )
        self._provider_write(request, f"create the provider {identifier}")

    def undelete_provider(self, name: str) -> None:
        """Bring a deleted provider back."""
        request = self._pools.providers().undelete(name=name, body={})
        self._provider_write(request, f"undelete the provider {_short(name)}")

    def update_provider(self, name: str, spec: ProviderSpec) -> None:
        """Write every field of a provider, and enable it."""
        body = {**_body(spec), "disabled": False}
        request = self._pools.providers().patch(name=name, updateMask=SPEC_FIELDS, body=body)
        self._provider_write(request, f"update the provider {_short(name)}")

    def set_condition(self, name: str, condition: str) -> None:
        """Write a provider's attribute condition alone."""
        body = {"attributeCondition": condition}
        request = self._pools.providers().patch(name=name, updateMask="attributeCondition", body=body)
        self._provider_write(request, f"change the condition of the provider {_short(name)}")

    def delete_provider(self, name: str) -> None:
        """Delete a provider; one that is gone already will do."""
        request = self._pools.providers().delete(name=name)
        with suppress(NotThere):
            self._provider_write(request, f"delete the provider {_short(name)}")

    def _pool_write(self, request: Any, what: str) -> None:
        operations = self._pools.operations()
        operation = self._session.call(request, what)
        self._session.finish(operation, lambda name: operations.get(name=name), what)

    def _provider_write(self, request: Any, what: str) -> None:
        operations = self._pools.providers().operations()
        operation = self._session.call(request, what)
        self._session.finish(operation, lambda name: operations.get(name=name), what)


def _provider(found: Mapping[str, Any]) -> Provider:
    oidc = found.get("oidc", {})
    spec = ProviderSpec(
        issuer=str(oidc.get("issuerUri", "")),
        condition=str(found.get("attributeCondition", "")),
        audiences=tuple(oidc.get("allowedAudiences", ())),
        mapping=dict(found.get("attributeMapping", {})),
    )
    return Provider(spec, state=str(found.get("state", "")), disabled=bool(found.get("disabled", False)))


def _body(spec: ProviderSpec) -> dict[str, Any]:
    return {
        "attributeMapping": dict(spec.mapping),
        "attributeCondition": spec.condition,
        "oidc": {"issuerUri": spec.issuer, "allowedAudiences": list(spec.audiences)},
    }
