"""Hold the CI systems of a world besides GitHub Actions, which tests add by name.

For each it sets up what an operator would: the identity provider, and the mint's ISSUERS and CALLERS.
"""

from collections.abc import Callable, Iterator, Mapping
from json import dumps
from typing import Any

from fullsend_sandbox import names
from fullsend_sandbox.ci.buildkite import BuildkiteIssuer
from fullsend_sandbox.ci.circleci import CircleCIIssuer
from fullsend_sandbox.ci.gitlab import GitLabIssuer
from fullsend_sandbox.ci.issuer import CIIssuer
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer
from fullsend_sandbox.clock import Clock
from fullsend_sandbox.signing import PrivateKey, PublicKey
from fullsend_sandbox.wif import Federation, Provider

_ISSUERS: tuple[type[CIIssuer], ...] = (GitLabIssuer, BuildkiteIssuer, CircleCIIssuer, KubernetesIssuer)
KINDS = {one.kind: one for one in _ISSUERS}


class CISystems:
    """Issuers by name; those that were added run until `stop`."""

    def __init__(
        self,
        federation: Federation,
        *,
        clock: Clock,
        make_key: Callable[[], PrivateKey],
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self._federation = federation
        self._clock = clock
        self._make_key = make_key
        self._ports = dict(ports or {})
        self._issuers: dict[str, CIIssuer] = {}

    def add(self, kind: str, name: str = "", **options: Any) -> CIIssuer:
        """Start an issuer of a kind under a name, by default the kind's, and write its provider `ci-{name}`.

        `options` are the issuer's. With an `issuer` that Google cannot reach, the provider gets uploaded keys.
        """
        name = name or kind
        if name in self._issuers:
            raise ValueError(f"the sandbox has an issuer {name} already")
        given: dict[str, Any] = {"clock": self._clock, "make_key": self._make_key, "name": f"ci-{name}"} | options
        issuer = KINDS[kind](**given)
        self._issuers[name] = issuer.start(self._ports.get(issuer.name, 0))
        self.put_provider(name)
        return issuer

    def put_provider(self, name: str, **changes: Any) -> None:
        """Write the provider of an issuer; changes are `Provider`'s fields."""
        issuer, provider_id = self[name], f"ci-{name}"
        given: dict[str, Any] = {
            "issuer": issuer.issuer,
            "attribute_condition": issuer.condition,
            "attribute_mapping": {"google.subject": issuer.subject},
            "allowed_audiences": (names.AUDIENCE, "https:" + self._federation.resource(names.POOL, provider_id)),
            "jwks": "" if issuer.reachable else issuer.jwks_text(),
        }
        self._federation.put_provider(names.POOL, Provider(provider_id=provider_id, **given | changes))

    def keys_of(self, issuer: str) -> Mapping[str, PublicKey] | None:
        """Return the keys that Google finds at an issuer's address, or None if the issuer does not exist."""
        return next((one.published_keys() for one in self if one.reachable and one.issuer == issuer), None)

    def mint_environment(
        self, repository: str = "octo-org/app", roles: tuple[str, ...] = ("triage",)
    ) -> dict[str, str]:
        """Return the settings with which a mint lets the default job of each issuer act for a repository."""
        issuers = {name: {"kind": one.kind, "url": one.issuer} for name, one in self._issuers.items()}
        callers = [
            {"issuer": name, "match": dict(one.match), "as": repository, "roles": list(roles)}
            for name, one in self._issuers.items()
        ]
        return {"ISSUERS": dumps(issuers), "CALLERS": dumps(callers)} if issuers else {}

    def stop(self) -> None:
        """Stop every issuer and forget it."""
        for issuer in self:
            issuer.stop()
        self._issuers = {}

    def __getitem__(self, name: str) -> CIIssuer:
        return self._issuers[name]

    def __iter__(self) -> Iterator[CIIssuer]:
        return iter(list(self._issuers.values()))

    def __len__(self) -> int:
        return len(self._issuers)
