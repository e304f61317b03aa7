"""Emulate IAM v1 workload identity pool providers, which it writes to the token service's `Federation`.

It checks names and states, and refuses the writes that IAM refuses. `wif.py` evaluates a provider for a token.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, failed_precondition, invalid, not_found
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.pools import (
    ALREADY_EXISTS,
    KEPT_SECONDS,
    NOT_FOUND,
    OPERATION,
    PRECONDITION,
    Pools,
    check_global,
    check_texts,
)
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.uploaded_keys import InvalidProviderError
from fullsend_sandbox.wif import Federation, Provider

GITHUB = "https://token.actions.githubusercontent.com"
RESOURCE = "google.iam.v1.WorkloadIdentityPoolProvider"
MAX_AUDIENCES = 10
MAX_AUDIENCE = 256
LOOPBACK = "http://127.0.0.1:"
NEEDS_CONDITION = (
    "The attribute condition must reference one of the provider's claims. For more information, see "
    "https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions"
)

Key = tuple[str, str]


class Providers:
    """The providers of all pools; what a test writes to the federation shows here too."""

    def __init__(
        self,
        project: Project,
        federation: Federation,
        pools: Pools,
        operations: Operations,
        github_issuer: str,
    ) -> None:
        """Take GitHub's issuer in this world too: a provider for the real one trusts that."""
        self._project = project
        self._federation = federation
        self._pools = pools
        self._operations = operations
        self._github_issuer = github_issuer
        self._texts: dict[Key, dict[str, str]] = {}
        self._deleted: dict[Key, float] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.locations.workloadIdentityPools.providers.", "iam.workloadIdentityPoolProviders."
        return {
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(lambda call: self._show(self._existing(call)), f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}patch": Endpoint(self._patch, f"{may}update"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
            f"{at}undelete": Endpoint(self._undelete, f"{may}undelete"),
        }

    def clear(self) -> None:
        """Forget the extra state that is kept here."""
        self._texts.clear()
        self._deleted.clear()

    def _create(self, call: Call) -> dict[str, Any]:
        check_global(call)
        pool = self._pools.live(call.variables["workloadIdentityPoolsId"])
        key = (pool, call.query.get("workloadIdentityPoolProviderId", ""))
        if key[1] in self._known(pool):
            raise already_exists(ALREADY_EXISTS)
        self._write(key, call.body)
        return self._done(key)

    def _list(self, call: Call) -> dict[str, Any]:
        pool = self._pools.existing(call.variables["workloadIdentityPoolsId"])
        with_deleted = call.query.get("showDeleted") == "true"
        known = sorted(self._known(pool).items())
        shown = [self._show((pool, one)) for one, provider in known if with_deleted or not provider.deleted]
        return page(call, "workloadIdentityPoolProviders", shown)

    def _patch(self, call: Call) -> dict[str, Any]:
        key = self._live(call)
        if not call.query.get("updateMask"):
            raise invalid("The update mask must be given.")
        self._write(key, call.patched(self._show(key)))
        return self._done(key)

    def _delete(self, call: Call) -> dict[str, Any]:
        key = self._live(call)
        self._deleted[key] = self._project.clock()
        self._federation.put_provider(key[0], replace(self._federation.provider(*key), deleted=True))
        return self._done(key)

    def _undelete(self, call: Call) -> dict[str, Any]:
        key = self._existing(call)
        provider = self._federation.provider(*key)
        if not provider.deleted:
            raise failed_precondition(PRECONDITION)
        self._deleted.pop(key, None)
        self._federation.put_provider(key[0], replace(provider, deleted=False))
        return self._done(key)

    def _known(self, pool: str) -> dict[str, Provider]:
        for key, since in list(self._deleted.items()):
            if self._project.clock() >= since + KEPT_SECONDS:
                del self._deleted[key]
                self._texts.pop(key, None)
                self._federation.remove_provider(*key)
        return self._federation.providers(pool)

    def _existing(self, call: Call) -> Key:
        pool = self._pools.existing(call.variables["workloadIdentityPoolsId"])
        if call.variables["providersId"] not in self._known(pool):
            raise not_found(NOT_FOUND)
        return pool, call.variables["providersId"]

    def _live(self, call: Call) -> Key:
        key = self._existing(call)
        self._pools.live(key[0])
        if self._federation.provider(*key).deleted:
            raise failed_precondition(PRECONDITION)
        return key

    def _write(self, key: Key, body: Mapping[str, Any]) -> None:
        check_texts(body)
        oidc = body.get("oidc", {})
        issuer = oidc.get("issuerUri", "")
        _check(body, issuer)
        try:
            provider = Provider(
                provider_id=key[1],
                issuer=self._github_issuer if issuer == GITHUB else issuer,
                attribute_condition=body.get("attributeCondition", ""),
                attribute_mapping=body.get("attributeMapping", {}),
                allowed_audiences=tuple(oidc.get("allowedAudiences", ())),
                disabled=body.get("disabled", False),
                jwks=oidc.get("jwksJson", ""),
            )
            self._federation.put_provider(key[0], provider)
        except InvalidProviderError as problem:
            raise invalid(str(problem)) from problem
        self._texts[key] = {k: body[k] for k in ("displayName", "description") if body.get(k)}

    def _show(self, key: Key) -> dict[str, Any]:
        provider = self._federation.provider(*key)
        issuer = GITHUB if provider.issuer == self._github_issuer else provider.issuer
        audiences = list(provider.allowed_audiences)
        shown: dict[str, Any] = {
            "name": f"{self._pools.name(key[0])}/providers/{key[1]}",
            **self._texts.get(key, {}),
            "state": "DELETED" if provider.deleted else "ACTIVE",
            "attributeMapping": dict(provider.attribute_mapping),
            "oidc": {"issuerUri": issuer} | ({"allowedAudiences": audiences} if audiences else {}),
        }
        if provider.jwks:
            shown["oidc"]["jwksJson"] = provider.jwks
        if provider.attribute_condition:
            shown["attributeCondition"] = provider.attribute_condition
        if provider.disabled:
            shown["disabled"] = True
        if provider.deleted:
            since = self._deleted.setdefault(key, self._project.clock())
            shown["expireTime"] = self._project.timestamp(since + KEPT_SECONDS)
        return shown

    def _done(self, key: Key) -> dict[str, Any]:
        shown = self._show(key)
        operation = self._operations.begin(shown["name"], OPERATION, {})
        operation.finish(RESOURCE, shown)
        return self._operations.show(operation)


def _check(body: Mapping[str, Any], issuer: str) -> None:
    others = [kind for kind in ("aws", "saml", "x509") if kind in body]
    if others or "oidc" not in body:
        raise invalid("Exactly one provider configuration must be set; the sandbox knows oidc.")
    if not issuer.startswith(("https://", LOOPBACK)):
        raise invalid("The issuer URI must be a valid URI that begins with https://.")
    audiences = body["oidc"].get("allowedAudiences", ())
    if len(audiences) > MAX_AUDIENCES or any(len(one) > MAX_AUDIENCE for one in audiences):
        raise invalid(f"At most {MAX_AUDIENCES} audiences of at most {MAX_AUDIENCE} characters can be allowed.")
    if issuer == GITHUB and "assertion." not in body.get("attributeCondition", ""):
        raise invalid(NEEDS_CONDITION)
